import type { SwitchReason } from '../events.js';
import { GEO, type MetricDefinition, NONE, type Point } from './metric.js';
import type { Subject } from './subjects.js';

/** Switches, and the time without an active database. */
export const SWITCH_METRICS: readonly MetricDefinition[] = Object.freeze([
  {
    name: 'failovers_total',
    otel: `${GEO}.failovers`,
    kind: 'counter',
    unit: '{failover}',
    help: 'Switches from one database to another, automatic or manual',
    labels: ['from', 'to', 'reason'],
    read: readFailovers,
  },
  {
    name: 'switches_total',
    otel: `${GEO}.switches`,
    kind: 'counter',
    unit: '{switch}',
    help: 'Changes of the active database by reason, including those from and to none',
    labels: ['from', 'to', 'reason'],
    read: ({ stats }) =>
      stats.switches.map(({ from = NONE, to = NONE, reason, count }) => ({
        labels: { from, to, reason },
        value: count,
      })),
  },
  {
    name: 'without_service_seconds_total',
    otel: `${GEO}.without_service.time`,
    kind: 'counter',
    unit: 's',
    help: 'Time during which no database was active, including a current outage',
    labels: [],
    read: ({ stats }) => [{ labels: {}, value: stats.withoutServiceMs / 1000 }],
  },
] satisfies MetricDefinition[]);

/** What people asked for, as opposed to what the client found out by itself. */
const BY_HAND: ReadonlySet<SwitchReason> = new Set([
  ...(['manual', 'forced', 'weight', 'removed', 'steered'] as const),
]);

/**
 * As Redis's own clients count them: from one database to another, and only two reasons. What has
 * not happened yet is there with 0, or the first failover would be no increase.
 */
function* readFailovers({ stats }: Subject): Iterable<Point> {
  const counts = new Map<string, { labels: Point['labels']; value: number }>();
  const add = (from: string, to: string, reason: string, value: number) => {
    const key = JSON.stringify([from, to, reason]);
    const before = counts.get(key)?.value ?? 0;
    counts.set(key, { labels: { from, to, reason }, value: before + value });
  };
  for (const { id: from } of stats.databases) {
    for (const { id: to } of stats.databases) {
      if (from === to) continue;
      for (const reason of ['automatic', 'manual']) add(from, to, reason, 0);
    }
  }
  for (const { from, to, reason, count } of stats.switches) {
    if (from === undefined || to === undefined) continue;
    add(from, to, BY_HAND.has(reason) ? 'manual' : 'automatic', count);
  }
  yield* counts.values();
}
