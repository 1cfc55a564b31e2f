/** Metrics for Prometheus, over prom-client: imported as `redis-multidb/prometheus`. */
import {
  Counter,
  register as defaultRegister,
  Gauge,
  type Metric,
  type Registry,
} from 'prom-client';
import { CATALOGUE, type MetricDefinition, PREFIX } from '../metrics/catalogue.js';
import { type MeasuredClient, type Subject, Subjects } from '../metrics/subjects.js';
import { ProbeDurations } from './probe-durations.js';

export type { MeasuredClient } from '../metrics/subjects.js';

/** Options of `prometheusMetrics()`. */
export interface PrometheusMetricsOptions {
  /** Default: prom-client's default registry. */
  readonly register?: Registry;
  /** Default: every client of the process, those to come as well. Closed ones are left out. */
  readonly clients?: readonly MeasuredClient[];
}

/**
 * Exports the clients' metrics from now on; returns what ends it. They are read when the registry
 * is scraped, and cost nothing in between. Once for each registry: throws when a name is taken.
 */
export function prometheusMetrics({
  register = defaultRegister,
  clients,
}: PrometheusMetricsOptions = {}): () => void {
  const subjects = oncePerScrape(new Subjects(clients));
  const registered: string[] = [];
  const end = () => {
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
  } catch (error) {
    end();
    throw error;
  }
  return end;
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
