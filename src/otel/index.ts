/**
 * Metrics and traces for OpenTelemetry.
 *
 * @module
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type BatchObservableCallback,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import { LATENCY_BUCKETS_MS } from '../core/latency-histogram.js';
import { type ProbeMessage, probeChannelName } from '../diagnostics/channels.js';
import { CATALOGUE } from '../metrics/catalogue.js';
import { PROBE_DURATION } from '../metrics/histograms.js';
import type { MetricDefinition } from '../metrics/metric.js';
import { type MeasuredClient, Subjects } from '../metrics/subjects.js';
import { attributesOf } from './attributes.js';
import { recordCommands } from './command-durations.js';
import { Vanished } from './vanished.js';

export type { MeasuredClient } from '../metrics/subjects.js';
export { type OtelTracingOptions, otelTracing } from './tracing.js';

/** Options of `otelMetrics()`. */
export interface OtelMetricsOptions {
  /** Default: the global one, as it is now: set it before. */
  readonly meterProvider?: MeterProvider;
  /** Default: every client of the process, those to come as well. Closed ones are left out. */
  readonly clients?: readonly MeasuredClient[];
  /**
   * Records the duration of each command as `db.client.operation.duration`. It costs each command
   * a few microseconds. Default: false.
   */
  readonly commandDurations?: boolean;
}

/**
 * Exports the clients' metrics from now on; returns what ends it. They are read when they are
 * collected, and cost nothing in between; only the probes of health checks, and with
 * `commandDurations` the commands, are recorded one by one.
 */
export function otelMetrics({
  meterProvider,
  clients,
  commandDurations = false,
}: OtelMetricsOptions = {}): () => void {
  const provider = meterProvider ?? metrics.getMeterProvider();
  const meter = provider.getMeter('redis-multidb');
  const subjects = new Subjects(clients);
  const vanished = new Vanished();
  const instruments = CATALOGUE.map((definition) => ({
    definition,
    instrument: instrumentOf(meter, definition),
  }));
  const observe: BatchObservableCallback = (result) => {
    for (const { client, ...subject } of subjects.list()) {
      for (const { definition, instrument } of instruments) {
        for (const { labels, value } of definition.read({ client, ...subject })) {
          const attributes = attributesOf({ client, ...labels });
          result.observe(instrument, value, attributes);
          if (definition.kind !== 'counter') vanished.note(instrument, definition.otel, attributes);
        }
      }
    }
    for (const [instrument, attributes] of vanished.finish()) {
      result.observe(instrument, 0, attributes);
    }
  };
  const observables = instruments.map(({ instrument }) => instrument);
  meter.addBatchObservableCallback(observe, observables);

  const durations = meter.createHistogram(PROBE_DURATION.otel, {
    description: PROBE_DURATION.help,
    unit: PROBE_DURATION.unit,
    advice: { explicitBucketBoundaries: LATENCY_BUCKETS_MS.map((ms) => ms / 1000) },
  });
  const onProbe = (message: unknown) => {
    const { group, id: database, check, healthy, latencyMs } = message as ProbeMessage;
    if (!healthy) return;
    const client = subjects.find(group);
    if (client === undefined) return;
    durations.record(latencyMs / 1000, attributesOf({ client, database, check }));
  };
  subscribe(probeChannelName, onProbe);
  const endDurations = commandDurations ? recordCommands(meter, subjects) : undefined;

  return () => {
    endDurations?.();
    meter.removeBatchObservableCallback(observe, observables);
    unsubscribe(probeChannelName, onProbe);
  };
}

function instrumentOf(meter: Meter, { otel, kind, unit, help }: MetricDefinition): Observable {
  const options = { description: help, unit };
  switch (kind) {
    case 'counter':
      return meter.createObservableCounter(otel, options);
    case 'level':
      return meter.createObservableUpDownCounter(otel, options);
    case 'gauge':
      return meter.createObservableGauge(otel, options);
  }
}
