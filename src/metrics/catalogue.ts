import { COMMAND_FAILURES } from '../core/command-failure.js';
import type { AdaptiveValues } from '../core/response-times.js';
import type { SwitchReason } from '../events.js';
import { isTrouble } from '../runtime/failover/steering-sources.js';
import type { CommandStats, DatabaseStats, SteeringStats } from '../runtime/report/stats.js';
import type { Subject } from './subjects.js';

/** Beside `client`, which every metric has. */
export type Label =
  | 'database'
  | 'outcome'
  | 'check'
  | 'from'
  | 'to'
  | 'reason'
  | 'state'
  | 'operation'
  | 'source'
  | 'error';

export interface Point {
  readonly labels: Readonly<Partial<Record<Label, string>>>;
  readonly value: number;
}

export interface MetricDefinition {
  /** In Prometheus, after `redis_multidb_`. */
  readonly name: string;
  /** In OpenTelemetry. */
  readonly otel: string;
  /** `counter` only grows; `level` can be summed over clients, `gauge` can't. */
  readonly kind: 'counter' | 'level' | 'gauge';
  /** As in UCUM. Both systems get the same number. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly Label[];
  readonly read: (subject: Subject) => Iterable<Point>;
}

export const PREFIX = 'redis_multidb_';

/** Stands in labels for "no database". A label that is empty would be no label. */
export const NONE = 'none';

const GEO = 'redis.client.geofailover';

/** Names of the labels in OpenTelemetry; where Redis's own clients have one, it is theirs. */
export const ATTRIBUTES: Readonly<Record<Label | 'client', string>> = Object.freeze({
  client: 'redis.client.name',
  database: `${GEO}.database`,
  outcome: `${GEO}.outcome`,
  check: `${GEO}.check`,
  from: 'db.client.geofailover.fail_from',
  to: 'db.client.geofailover.fail_to',
  reason: 'db.client.geofailover.reason',
  state: `${GEO}.connection.state`,
  operation: 'db.operation.name',
  source: `${GEO}.steering.source`,
  error: 'error.type',
});

/** What people asked for, as opposed to what the client found out by itself. */
const BY_HAND: ReadonlySet<SwitchReason> = new Set([
  ...(['manual', 'forced', 'weight', 'removed', 'steered'] as const),
]);

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

/** Every metric but the histograms; both exporters are made of this list. */
export const CATALOGUE: readonly MetricDefinition[] = Object.freeze([
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
  {
    name: 'pending_commands',
    otel: `${GEO}.pending_commands`,
    kind: 'level',
    unit: '{command}',
    help: 'Pending commands',
    labels: [],
    read: ({ stats }) => [{ labels: {}, value: stats.pending }],
  },
  {
    name: 'commands_total',
    otel: `${GEO}.commands`,
    kind: 'counter',
    unit: '{command}',
    help: 'Settled commands by outcome',
    labels: ['database', 'outcome'],
    read: readCommands,
  },
  {
    name: 'commands_outcome_unknown_total',
    otel: `${GEO}.commands.outcome_unknown`,
    kind: 'counter',
    unit: '{command}',
    help: 'Commands that failed and may have been executed',
    labels: ['database'],
    read: ({ stats }) => [
      ...stats.databases.map(({ id, commands }) => point(id, commands.outcomeUnknown)),
      point(NONE, stats.undirected.outcomeUnknown),
    ],
  },
  counted('retries_total', 'retries', '{attempt}', 'Attempts that were followed by a retry', {
    value: ({ retries }) => retries,
  }),
  counted(
    'retries_suppressed_total',
    'retries.suppressed',
    '{attempt}',
    'Repeats that the retry budget did not allow',
    { value: ({ retriesSuppressed }) => retriesSuppressed },
  ),
  counted(
    'hedges_total',
    'hedges',
    '{command}',
    'Reads of another database that were sent to this standby as well',
    { value: ({ hedges }) => hedges.sent },
  ),
  counted(
    'hedges_won_total',
    'hedges.won',
    '{command}',
    'Reads of another database that this standby answered first',
    { value: ({ hedges }) => hedges.won },
  ),
  counted(
    'hedges_suppressed_total',
    'hedges.suppressed',
    '{command}',
    'Reads of this database that hedging.maxShare did not allow to be sent to a standby',
    { value: ({ hedges }) => hedges.suppressed },
  ),
  counted(
    'takeovers_total',
    'takeovers',
    '{command}',
    'Commands of this database that moved to another one at a switch',
    { value: ({ moved }) => moved },
  ),
  counted(
    'sent_twice_total',
    'sent_twice',
    '{command}',
    'Commands that moved while their first attempt was still in flight',
    { value: ({ sentTwice }) => sentTwice },
  ),
  counted(
    'breaker_opened_total',
    'breaker.opened',
    '{event}',
    'Number of times the circuit breaker opened',
    {
      value: ({ breakerOpened }) => breakerOpened,
    },
  ),
  counted('slow_calls_total', 'slow_calls', '{call}', 'Calls that took longer than `slowCallMs`', {
    value: ({ slowCalls }) => slowCalls,
  }),
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
  {
    name: 'in_flight_commands',
    otel: `${GEO}.in_flight_commands`,
    kind: 'level',
    unit: '{command}',
    help: 'Attempts in flight',
    labels: ['database'],
    read: ({ stats }) => stats.databases.map(({ id, inFlight }) => point(id, inFlight)),
  },
  {
    name: 'connections',
    otel: `${GEO}.connections`,
    kind: 'level',
    unit: '{connection}',
    help: 'Data connections by state',
    labels: ['database', 'state'],
    read: ({ stats }) =>
      stats.databases.flatMap(({ id, connections, draining }) => [
        { labels: { database: id, state: 'ready' }, value: connections },
        { labels: { database: id, state: 'draining' }, value: draining },
      ]),
  },
] satisfies MetricDefinition[]);

function point(database: string, value: number): Point {
  return { labels: { database }, value };
}

function counted(
  name: string,
  otel: string,
  unit: string,
  help: string,
  { value }: { value: (stats: DatabaseStats) => number },
): MetricDefinition {
  return {
    name,
    otel: `${GEO}.${otel}`,
    kind: 'counter',
    unit,
    help,
    labels: ['database'],
    read: ({ stats }) => stats.databases.map((each) => point(each.id, value(each))),
  };
}

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

function* readCommands({ stats }: Subject): Iterable<Point> {
  for (const { id, commands } of stats.databases) {
    yield { labels: { database: id, outcome: 'succeeded' }, value: commands.succeeded };
    yield* failuresOf(id, commands);
  }
  yield* failuresOf(NONE, stats.undirected);
}

function* failuresOf(database: string, { failed }: CommandStats): Iterable<Point> {
  for (const outcome of COMMAND_FAILURES) {
    yield { labels: { database, outcome }, value: failed[outcome] };
  }
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
