import type { AdaptiveValues } from '../core/response-times.js';
import { GEO, type MetricDefinition, type Point, point } from './metric.js';
import type { Subject } from './subjects.js';

/** The state of each database, and its probes. */
export const DATABASE_METRICS: readonly MetricDefinition[] = Object.freeze([
  {
    name: 'probes_total',
    otel: `${GEO}.probes`,
    kind: 'counter',
    unit: '{probe}',
    help: 'Probes by outcome',
    labels: ['database', 'check', 'outcome'],
    read: readProbes,
  },
  ofDatabase('database_active', 'database.active', '1', '1 if the database is active', {
    value: ({ active }) => Number(active),
  }),
  ofDatabase('database_healthy', 'database.healthy', '1', '1 if the health checks pass', {
    value: ({ health }) => Number(health === 'healthy'),
  }),
  ofDatabase(
    'database_connected',
    'database.connected',
    '1',
    '1 if the data connections are ready',
    {
      value: ({ connected }) => Number(connected),
    },
  ),
  ofDatabase('breaker_open', 'breaker.open', '1', '1 if the circuit breaker is open', {
    value: ({ breaker }) => Number(breaker === 'open'),
  }),
  ofDatabase(
    'database_slow',
    'database.slow',
    '1',
    '1 if the database is active and slow, or was left for that and is not fast again',
    { value: ({ slow }) => Number(slow) },
  ),
  adaptive('suspect_after_seconds', 'suspect_after', 'Adaptive `suspectAfterMs`', {
    value: ({ suspectAfterMs }) => suspectAfterMs,
  }),
  adaptive(
    'patience_seconds',
    'patience',
    'Adaptive time without a reply after which the database counts as failed',
    { value: ({ patienceMs }) => patienceMs },
  ),
  ofDatabase(
    'database_read_only',
    'database.read_only',
    '1',
    '1 if the database serves reads only',
    {
      value: ({ readOnly }) => Number(readOnly),
    },
  ),
  ofDatabase('database_drained', 'database.drained', '1', '1 if the database is drained', {
    value: ({ drainLeftMs }) => Number(drainLeftMs > 0),
  }),
  ofDatabase('database_weight', 'database.weight', '1', 'Weight of the database', {
    value: ({ weight }) => weight,
  }),
  ofDatabase(
    'grace_period_left_seconds',
    'grace_period.left',
    's',
    'Time until the grace period ends',
    { value: ({ gracePeriodLeftMs }) => gracePeriodLeftMs / 1000 },
  ),
] satisfies MetricDefinition[]);

function ofDatabase(
  name: string,
  otel: string,
  unit: string,
  help: string,
  { value }: { value: (snapshot: Subject['databases'][number]) => number },
): MetricDefinition {
  return {
    name,
    otel: `${GEO}.${otel}`,
    kind: 'gauge',
    unit,
    help,
    labels: ['database'],
    read: ({ databases }) => databases.map((each) => point(each.id, value(each))),
  };
}

/** Only of databases with adaptive options. `value` is in milliseconds. */
function adaptive(
  name: string,
  otel: string,
  help: string,
  { value }: { value: (values: AdaptiveValues) => number },
): MetricDefinition {
  return {
    name,
    otel: `${GEO}.${otel}`,
    kind: 'gauge',
    unit: 's',
    help,
    labels: ['database'],
    read: ({ databases }) =>
      databases.flatMap(({ id, adaptive: values }) =>
        values === undefined ? [] : [point(id, value(values) / 1000)],
      ),
  };
}

function* readProbes({ stats }: Subject): Iterable<Point> {
  for (const { id: database, probes } of stats.databases) {
    for (const { check, passed, failed, timedOut } of probes) {
      const outcomes = { passed, failed, 'timed-out': timedOut };
      for (const [outcome, value] of Object.entries(outcomes)) {
        yield { labels: { database, check, outcome }, value };
      }
    }
  }
}
