/**
 * Metrics for Prometheus, over prom-client.
 *
 * @module
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  Counter,
  register as defaultRegister,
  Gauge,
  type Metric,
  type Registry,
} from 'prom-client';
import { type CommandMessage, commandChannelName } from '../diagnostics/command-channel.js';
import { CATALOGUE } from '../metrics/catalogue.js';
import { type MetricDefinition, PREFIX } from '../metrics/metric.js';
import { type MeasuredClient, type Subject, Subjects } from '../metrics/subjects.js';
import { CommandDurations } from './command-durations.js';
import { ProbeDurations } from './probe-durations.js';

export type { MeasuredClient } from '../metrics/subjects.js';

/** Options of `prometheusMetrics()`. */
export interface PrometheusMetricsOptions {
  /** Default: prom-client's default registry. */
  readonly register?: Registry;
  /** Default: every client of the process, those to come as well. Closed ones are left out. */
  readonly clients?: readonly MeasuredClient[];
  /**
   * Records the duration of each command as `redis_multidb_command_duration_seconds`. It costs each
   * command about two microseconds. Default: false.
   */
  readonly commandDurations?: boolean;
}

/**
 * Exports the clients' metrics from now on; returns what ends it. They are read when the registry
 * is scraped, and cost nothing in between. Once for each registry: throws when a name is taken.
 */
export function prometheusMetrics({
  register = defaultRegister,
  clients,
  commandDurations = false,
}: PrometheusMetricsOptions = {}): () => void {
  const selected = new Subjects(clients);
  const subjects = oncePerScrape(selected);
  let endDurations = () => {};
  const registered: string[] = [];
  const end = () => {
    endDurations();
    for (const name of registered.splice(0)) register.removeSingleMetric(name);
  };
  const add = (name: string, metric: Metric) => {
    register.registerMetric(metric);
    registered.push(name);
  };
  try {
    for (const definition of CATALOGUE) add(PREFIX + definition.name, pulled(definition, subjects));
    const durations = new ProbeDurations(subjects);
    // A registry calls no more than this has; its types know prom-client's own classes only.
    add(durations.name, durations as unknown as Metric);
    if (commandDurations) endDurations = recordCommands(selected, add);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}

/** Series appear with the first command that they count. */
function recordCommands(
  subjects: Subjects,
  add: (name: string, metric: Metric) => void,
): () => void {
  const durations = new CommandDurations(subjects);
  add(durations.name, durations as unknown as Metric);
  const record = (message: unknown) => durations.record(message as CommandMessage);
  subscribe(commandChannelName, record);
  return () => unsubscribe(commandChannelName, record);
}

/** A metric whose series are re-established at each scrape. */
function pulled(
  { name, help, kind, labels, read }: MetricDefinition,
  subjects: () => readonly Subject[],
): Metric {
  const configuration = {
    name: PREFIX + name,
    help,
    labelNames: ['client', ...labels],
    registers: [],
    aggregator: kind === 'gauge' ? ('max' as const) : ('sum' as const),
  };
  const points = function* () {
    for (const subject of subjects()) {
      for (const point of read(subject)) {
        yield { labels: { client: subject.client, ...point.labels }, value: point.value };
      }
    }
  };
  if (kind === 'counter') {
    return new Counter({
      ...configuration,
      collect() {
        this.reset();
        for (const each of points()) this.inc(each.labels, each.value);
      },
    });
  }
  return new Gauge({
    ...configuration,
    collect() {
      this.reset();
      for (const each of points()) this.set(each.labels, each.value);
    },
  });
}

/** All metrics of a scrape, which asks them in one turn, tell of the same moment. */
function oncePerScrape(subjects: Subjects): () => readonly Subject[] {
  let list: readonly Subject[] | undefined;
  return () => {
    if (list === undefined) {
      list = subjects.list();
      queueMicrotask(() => {
        list = undefined;
      });
    }
    return list;
  };
}
