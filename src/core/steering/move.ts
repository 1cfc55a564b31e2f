/** Where steering moves an instance whose active database serves. */
import type { Steering } from './document.js';

/** What the instance obeys, and what it did before. */
export interface SteeredPosition {
  /** The document that is obeyed now, if any. */
  readonly steering: Pick<Steering, 'prefer' | 'weights'> | undefined;
  /** A document was stopped, and the database that was left for it is known. */
  readonly mustReturn: boolean;
  /** The obeyed document drains the active database. */
  readonly isDrained: boolean;
  /** Automatic failback is on, and the active database is not held. */
  readonly failbackAllowed: boolean;
  /** The return after the end of the latest document has a spread. */
  readonly returnIsSpread: boolean;
}

/**
 * - `back`: to the database that was left for a document that was stopped
 * - `away`: to any other eligible database; without one, the drained database is the last resort
 * - `heavier`: to the best database of higher weight, if there is one
 * - `stay`: steering asks for nothing
 */
export type SteeredMove = 'back' | 'away' | 'heavier' | 'stay';

/** The move that steering asks for now. */
export function steeredMove({
  steering,
  mustReturn,
  isDrained,
  failbackAllowed,
  returnIsSpread,
}: SteeredPosition): SteeredMove {
  if (steering === undefined && mustReturn) return 'back';
  if (steering !== undefined && isDrained) return 'away';
  const { prefer, weights } = steering ?? {};
  if (prefer !== undefined || (weights?.size ?? 0) > 0) return 'heavier';
  // What was asked for before is over, and the return has a spread. Without one it is a failback,
  // which follows `failbackRampMs`.
  return failbackAllowed && returnIsSpread ? 'heavier' : 'stay';
}
