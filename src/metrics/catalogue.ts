import { COMMAND_METRICS } from './command-metrics.js';
import { CONNECTION_METRICS } from './connection-metrics.js';
import { DATABASE_METRICS } from './database-metrics.js';
import type { MetricDefinition } from './metric.js';
import { STEERING_METRICS } from './steering-metrics.js';
import { SWITCH_METRICS } from './switch-metrics.js';

/** Every metric but the histograms; both exporters are made of this list. */
export const CATALOGUE: readonly MetricDefinition[] = Object.freeze([
  ...SWITCH_METRICS,
  ...COMMAND_METRICS,
  ...DATABASE_METRICS,
  ...STEERING_METRICS,
  ...CONNECTION_METRICS,
]);
