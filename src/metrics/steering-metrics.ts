import { isTrouble } from '../runtime/failover/steering-sources.js';
import type { SteeringStats } from '../runtime/report/stats.js';
import { GEO, type MetricDefinition } from './metric.js';

/** Steering documents and their sources; empty without steering. */
export const STEERING_METRICS: readonly MetricDefinition[] = Object.freeze([
  steered(
    'steering_version',
    'steering.version',
    'Version of the steering document that is obeyed; 0 if none',
    {
      value: ({ obeyedVersion }) => obeyedVersion,
    },
  ),
  steered(
    'steering_newest_version',
    'steering.newest_version',
    'Version of the newest steering document that was received; 0 if none',
    {
      value: ({ newestVersion }) => newestVersion,
    },
  ),
  steered(
    'steering_stopped',
    'steering.stopped',
    'Steering documents that were stopped because errors rose after the move',
    {
      value: ({ stopped }) => stopped,
    },
  ),
  {
    name: 'steering_source_ok',
    otel: `${GEO}.steering.source_ok`,
    kind: 'gauge',
    unit: '1',
    help: '1 if the latest reading of the steering source found no problem',
    labels: ['source'],
    read: ({ stats }) =>
      (stats.steering?.sources ?? []).map((report) => ({
        labels: { source: report.source },
        value: Number(!isTrouble(report)),
      })),
  },
] satisfies MetricDefinition[]);

function steered(
  name: string,
  otel: string,
  help: string,
  { value }: { value: (steering: SteeringStats) => number },
): MetricDefinition {
  return {
    name,
    otel: `${GEO}.${otel}`,
    kind: 'gauge',
    unit: '1',
    help,
    labels: [],
    read: ({ stats: { steering } }) =>
      steering === undefined ? [] : [{ labels: {}, value: value(steering) }],
  };
}
