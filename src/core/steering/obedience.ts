/** Which document an instance obeys, and from when to when. */
import { compareSteering, type Steering } from './document.js';
import { spreadMs, turnOf } from './spread.js';

/** Circumstances in which a document was received. */
export interface Receipt {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Wall-clock milliseconds of this machine at the same moment. */
  readonly wallTime: number;
  /**
   * Monotonic time at which the same source was last read without this document, -Infinity if it
   * never was: the document was published later.
   */
  readonly notBefore: number;
}

/** A document with the times of one instance, all in monotonic milliseconds. */
export interface ScheduledSteering {
  readonly steering: Steering;
  /** Name of the source that delivered it first. */
  readonly source: string;
  /** The instance obeys from here on. */
  readonly beginsAt: number;
  /** It obeys until here; Infinity: until a newer document is obeyed. */
  readonly endsAt: number;
  /** How long the instance watches its own errors after it moved. */
  readonly holdMs: number;
}

/** What an instance obeys, and what it will obey. */
export interface Obedience {
  /** The latest document whose time has come; it may have ended. */
  readonly current: ScheduledSteering | undefined;
  /** A newer one, whose time has not come yet. */
  readonly next: ScheduledSteering | undefined;
}

export const NO_OBEDIENCE: Obedience = Object.freeze({ current: undefined, next: undefined });

/**
 * The times of a document for the instance at `place`.
 *
 * Clocks may differ by minutes. A document was published before it was received and after its
 * source was last read without it: the time of publication lies between, whatever the clocks say.
 * It ends as long after its publication as it says. Only an instance that starts later, and reads
 * an old document, depends on its own clock.
 */
export function schedule(
  steering: Steering,
  place: number,
  source: string,
  { at, wallTime, notBefore }: Receipt,
): ScheduledSteering {
  const { issuedAt, until, stages } = steering;
  const issued = Math.min(at, Math.max(notBefore, at - (wallTime - issuedAt)));
  const { moveAfterMs, holdMs } = turnOf(stages, place);
  const returnAfterMs = until - issuedAt + place * spreadMs(stages);
  return Object.freeze({
    steering,
    source,
    beginsAt: issued + moveAfterMs,
    endsAt: issued + returnAfterMs,
    holdMs,
  });
}

/**
 * - `newer`: obeyed from its time on
 * - `same`: known already
 * - `older`: not obeyed
 * - `conflict`: another content with the version of the newest document; the one that every
 *   instance prefers is obeyed
 */
export type Reception = 'newer' | 'same' | 'older' | 'conflict';

/** Adds a document, in whatever order they come. */
export function receive(
  state: Obedience,
  offered: ScheduledSteering,
  now: number,
): { readonly state: Obedience; readonly reception: Reception } {
  const { current, next } = settle(state, now);
  const newest = next ?? current;
  const order = newest === undefined ? 1 : compareSteering(offered.steering, newest.steering);
  const isConflict = order !== 0 && newest?.steering.version === offered.steering.version;
  const reception = isConflict ? 'conflict' : order > 0 ? 'newer' : order < 0 ? 'older' : 'same';
  if (order <= 0) return { state: { current, next }, reception };
  return { state: settle({ current, next: offered }, now), reception };
}

/** The next document becomes the current one when its time has come. */
export function settle(state: Obedience, now: number): Obedience {
  const { next } = state;
  return next !== undefined && next.beginsAt <= now ? { current: next, next: undefined } : state;
}

/** The document that is obeyed. An older one is never obeyed again when a newer one has ended. */
export function obeyed(state: Obedience, now: number): ScheduledSteering | undefined {
  const { current } = settle(state, now);
  return current !== undefined && now < current.endsAt ? current : undefined;
}

/** When `obeyed` may change by itself; Infinity: never. */
export function changesAt(state: Obedience, now: number): number {
  const { current, next } = settle(state, now);
  const endsAt = current !== undefined && current.endsAt > now ? current.endsAt : Infinity;
  return Math.min(endsAt, next?.beginsAt ?? Infinity);
}
