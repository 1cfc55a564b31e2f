/** Commands of some time. */
export interface Outcomes {
  readonly failed: number;
  readonly total: number;
}

/** Failed commands after a move that are too few to tell. */
const MIN_FAILURES = 5;
/** By how much the share of failed commands may rise. */
const TOLERATED_RISE = 0.05;

/**
 * Whether errors have risen with a move: at least five failed, and their share is more than five
 * percentage points higher than before.
 */
export function haveErrorsRisen(before: Outcomes, after: Outcomes): boolean {
  if (after.failed < MIN_FAILURES) return false;
  return shareOf(after) > shareOf(before) + TOLERATED_RISE;
}

function shareOf({ failed, total }: Outcomes): number {
  return total === 0 ? 0 : failed / total;
}
