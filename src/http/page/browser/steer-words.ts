/** The texts about steering all processes. Pure. */
import { consequencesOf, type SteeringOrder } from '../../../core/steering/order.js';
import type { DatabaseStatus, Status } from '../../status.js';
import type { SteeringAnswer } from '../../steering-change.js';
import { clockTime, MINUTE_MS, span } from './format.js';

const HOUR_MS = 60 * MINUTE_MS;

/** How long a document holds. */
export const STEER_DURATIONS: readonly {
  readonly text: string;
  readonly durationMs: number | null;
}[] = [
  { text: '10 minutes', durationMs: 10 * MINUTE_MS },
  { text: '1 hour', durationMs: HOUR_MS },
  { text: '2 hours', durationMs: 2 * HOUR_MS },
  { text: '8 hours', durationMs: 8 * HOUR_MS },
  { text: 'Until the next document', durationMs: null },
];

/** Over how long the processes move. */
export const STEER_SPREADS: readonly {
  readonly text: string;
  readonly spreadMs?: number;
  readonly canaryPercent?: number;
}[] = [
  { text: 'not at all: all move at once' },
  { text: 'over 20 seconds', spreadMs: MINUTE_MS / 3 },
  { text: 'over a minute', spreadMs: MINUTE_MS },
  { text: 'over 10 minutes', spreadMs: 10 * MINUTE_MS },
  { text: 'over an hour', spreadMs: HOUR_MS },
  {
    text: '1 % first, a minute later the others over 10 minutes',
    spreadMs: 10 * MINUTE_MS,
    canaryPercent: 1,
  },
];

export const STEER_ACTIONS: readonly {
  readonly action: SteeringOrder['action'];
  readonly text: string;
}[] = [
  { action: 'drain', text: 'Drain: leave a database' },
  { action: 'hold', text: 'Hold: prefer a database, whatever the weights' },
  { action: 'stay', text: 'Stay: no automatic failback' },
  { action: 'release', text: 'Release: follow their own configuration again' },
];

/** The question, and the text of the button that answers it. */
export function steerTitle({ action, databaseId }: SteeringOrder): string {
  return {
    drain: `Drain ${databaseId} in all processes`,
    hold: `Hold ${databaseId} in all processes`,
    stay: 'Stop failbacks in all processes',
    release: 'Release all processes',
  }[action];
}

/** What publishing the order will do, here and everywhere. */
export function steerConsequences(order: SteeringOrder, status: Status, now: Date): string[] {
  const { durationMs, spreadMs, action } = order;
  const lines = consequencesOf(order, {
    processes: 'All processes with this steering source',
    release: 'Release',
    span,
    duration: (ms) => `${span(ms)}, at ${clockTime(new Date(now.getTime() + ms), now)}`,
  });
  if (durationMs !== undefined && spreadMs !== undefined && action !== 'release') {
    lines.push(`Then they return within ${span(spreadMs)}.`);
  }
  return [...lines, ...replaced(status), ...here(order, status)];
}

/** The document that somebody else may have published. */
function replaced({ steering }: Status): string[] {
  const document = steering?.next ?? steering?.obeyed;
  if (!document || document.asks === 'asks for nothing') return [];
  const { version, by, reason, asks } = document;
  return [`It replaces version ${version} by ${by} (${reason}), which ${asks}.`];
}

/** Where this process can't do what is asked for. */
function here({ action, databaseId }: SteeringOrder, status: Status): string[] {
  const target = status.databases.find(({ id }) => id === databaseId);
  if (target === undefined) return [];
  if (action === 'hold' && !canServe(target)) {
    return [`This process can't use ${target.id} now, and moves when it can.`];
  }
  const others = status.databases.filter(({ id }) => id !== target.id);
  if (action === 'drain' && !others.some(canServe)) {
    return [`This process has no other database now, and stays on ${target.id} until it has.`];
  }
  return [];
}

function canServe({ health, connected }: DatabaseStatus): boolean {
  return health === 'healthy' && connected;
}

/** What was published, and until when it holds. */
export function publishedLines(
  { version, until, written, failed }: SteeringAnswer,
  { action }: SteeringOrder,
  now: Date,
): string[] {
  const end =
    until === null
      ? 'It holds until the next document (Release).'
      : `It holds until ${clockTime(new Date(until), now)}.`;
  return [
    `Version ${version} was written to ${written.join(', ')}.`,
    ...failed.map(({ database, error }) => `It was not written to ${database}: ${error}`),
    ...(failed.length === 0
      ? []
      : [
          'One database is enough for every process that reaches it. Publish again when the others are back.',
        ]),
    ...(action === 'release' ? [] : [end]),
  ];
}
