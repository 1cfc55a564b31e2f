/** What an operator asks of a fleet, as a document and in words. Pure. */
import { type SteeringDocument, versionAbove } from './document.js';

/**
 * - `drain`: leave a database
 * - `hold`: prefer a database, whatever the weights
 * - `stay`: no automatic failback
 * - `release`: nothing is asked for any more
 */
export const STEERING_ACTIONS = ['drain', 'hold', 'stay', 'release'] as const;
export type SteeringAction = (typeof STEERING_ACTIONS)[number];

/** Whether the action is about one database. */
export function namesDatabase(action: SteeringAction | undefined): boolean {
  return action === 'drain' || action === 'hold';
}

/** What is asked for. */
export interface SteeringOrder {
  readonly action: SteeringAction;
  /** The database of `drain` and `hold`. */
  readonly databaseId?: string | undefined;
  /** With `hold`: also where its health checks fail. */
  readonly force?: boolean | undefined;
  /** Undefined: until the next document. */
  readonly durationMs?: number | undefined;
  /** Over how long the processes move; undefined: all at once. */
  readonly spreadMs?: number | undefined;
  /** This share of the processes, in percent, moves first. */
  readonly canaryPercent?: number | undefined;
}

/** How long the others wait for the canaries. */
export const CANARY_HOLD_MS = 60_000;

/**
 * A version above all that were seen, and above those in places that can't be read now: the time in
 * seconds.
 */
export function nextVersion(wallTime: number, seen: readonly number[]): number {
  return versionAbove(seen, Math.floor(wallTime / 1000));
}

/** The document of an order that is issued at `issuedAt` (wall-clock milliseconds). */
export function documentOf(
  order: SteeringOrder,
  about: { readonly version: number; readonly by: string; readonly reason: string },
  issuedAt: number,
): SteeringDocument {
  const { action, databaseId, force, durationMs, spreadMs, canaryPercent } = order;
  const { version, by, reason } = about;
  const asked = {
    drain: { drain: [databaseId as string] },
    hold: { prefer: databaseId as string, ...(force ? { force: true } : {}) },
    stay: { failback: false },
    release: {},
  }[action];
  return {
    schemaVersion: 1,
    version,
    issuedAt: time(issuedAt),
    ...(durationMs === undefined ? {} : { until: time(issuedAt + durationMs) }),
    ...spreadOf(spreadMs, canaryPercent),
    ...asked,
    by,
    reason,
  };
}

function spreadOf(
  spreadMs: number | undefined,
  canaryPercent: number | undefined,
): Pick<SteeringDocument, 'spread'> {
  if (canaryPercent === undefined) return spreadMs === undefined ? {} : { spread: spreadMs };
  return {
    spread: [
      { share: canaryPercent / 100, holdMs: CANARY_HOLD_MS },
      { share: 1, overMs: spreadMs ?? 0 },
    ],
  };
}

function time(wallTime: number): string {
  return new Date(wallTime).toISOString();
}

/** Words that depend on where the consequences are shown. */
export interface OrderWords {
  /** `All processes that read ops:steering`. */
  readonly processes: string;
  /** How to release. */
  readonly release: string;
  /** The time over which the processes move, in words. */
  span(ms: number): string;
  /** The time after which the document ends, in words. */
  duration(ms: number): string;
}

/** What an order will do, in words, one sentence each. */
export function consequencesOf(order: SteeringOrder, words: OrderWords): string[] {
  const { action, databaseId: id, force, durationMs, spreadMs, canaryPercent } = order;
  const { processes, release, span, duration } = words;
  const what = {
    drain: `${processes} leave ${id}, where another database can serve.`,
    hold: `${processes} prefer ${id}${force ? ', also where its health checks fail' : ', where it is healthy'}.`,
    stay: `${processes} stop failing back; failures still fail over.`,
    release: `${processes} follow their own configuration again.`,
  }[action];
  const first =
    canaryPercent === undefined ? [] : [`${canaryPercent} % of them move first, a minute earlier.`];
  const atOnce = {
    drain: 'They move at once.',
    hold: 'They move at once.',
    stay: 'They obey at once.',
    release: 'They return at their next failback check.',
  }[action];
  const moves = spreadMs === undefined ? atOnce : `They do so within ${span(spreadMs)}.`;
  const until =
    durationMs === undefined
      ? `It holds until the next document (${release}).`
      : `It ends by itself after ${duration(durationMs)}.`;
  return [what, ...first, moves, ...(action === 'release' ? [] : [until])];
}
