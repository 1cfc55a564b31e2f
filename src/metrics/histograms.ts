import { GEO } from './metric.js';

/** Latency of probes, a histogram: what it holds can't be said in points. */
export const PROBE_DURATION = Object.freeze({
  name: 'probe_duration_seconds',
  otel: `${GEO}.probe.duration`,
  unit: 's',
  help: 'Duration of successful probes',
  labels: ['database', 'check'] as const,
});

/**
 * Duration of commands, by the semantic conventions for databases, which also name the buckets. A
 * batch is one operation.
 */
export const COMMAND_DURATION = Object.freeze({
  name: 'command_duration_seconds',
  otel: 'db.client.operation.duration',
  unit: 's',
  help: 'Duration of commands from the call to the reply, with all attempts; only with `commandDurations`',
  labels: ['database', 'operation', 'error'] as const,
});

export const COMMAND_DURATION_BUCKETS: readonly number[] = Object.freeze([
  0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
]);
