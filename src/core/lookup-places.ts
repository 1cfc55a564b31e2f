/**
 * Which name lookup may start. A lookup by the system occupies one thread of libuv's pool for as
 * long as the name server is silent, can't be cancelled, and of the pool's four threads only two
 * ever look names up. So at most two lookups run at once, and the second place is a reserve: the
 * names of a failed region alone never take it, and the application's own lookups and a name that
 * is needed for the first time still get through.
 */
export const LOOKUP_PLACES = 2;

/** What the rule knows of a name that waits for a place. */
export interface WaitingName {
  /** An earlier answer is known, and serves in the meantime. */
  readonly hasLastKnown: boolean;
  /** Its latest lookup got no answer for a long time. */
  readonly wasSilent: boolean;
  /** A connection wants it, and not only the periodic check of names. */
  readonly isWanted: boolean;
}

/** Whether a lookup of `name` may start beside `running` others. */
export function mayStart(name: WaitingName, running: number): boolean {
  return running < (isUrgent(name) ? LOOKUP_PLACES : 1);
}

/**
 * Which of the names, the longest waiting first, starts next; `undefined`: none may. A name whose
 * lookups are silent comes last, so that the name of a healthy region waits for one of them at most.
 */
export function nextToStart<Name extends WaitingName>(
  waiting: Iterable<Name>,
  running: number,
): Name | undefined {
  let best: Name | undefined;
  for (const name of waiting) {
    if (!mayStart(name, running)) continue;
    if (best === undefined || rank(name) < rank(best)) best = name;
  }
  return best;
}

/** Nothing else can serve, and nothing says that its lookup occupies its place for long. */
function isUrgent({ hasLastKnown, wasSilent, isWanted }: WaitingName): boolean {
  return isWanted && !hasLastKnown && !wasSilent;
}

function rank(name: WaitingName): number {
  if (isUrgent(name)) return 0;
  return (name.wasSilent ? 2 : 0) + (name.isWanted ? 1 : 2);
}
