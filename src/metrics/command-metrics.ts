import { COMMAND_FAILURES } from '../core/command-failure.js';
import type { CommandStats, DatabaseStats } from '../runtime/report/stats.js';
import { GEO, type MetricDefinition, NONE, type Point, point } from './metric.js';
import type { Subject } from './subjects.js';

/** Commands and what became of them. */
export const COMMAND_METRICS: readonly MetricDefinition[] = Object.freeze([
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
] satisfies MetricDefinition[]);

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
