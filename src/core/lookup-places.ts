/**
 * Decides which name lookup may start. A lookup by the operating system occupies one thread of
 * libuv's pool until the name server answers, cannot be cancelled, and at most two of the four
 * threads look up names. At most two lookups run at once, and the second thread is a reserve: the
 * names of a failed region never take it, so lookups of the application and first lookups of a name
 * still get through.
 */
export const LOOKUP_PLACES = 2;

/** Facts about a name that waits for a thread. */
export interface WaitingName {
  /** An earlier answer is known and is used meanwhile. */
  readonly hasLastKnown: boolean;
  /** The latest lookup had no answer for a long time. */
  readonly wasSilent: boolean;
  /** A connection needs the name, not only the periodic check of names. */
  readonly isWanted: boolean;
}

/** Whether a lookup of `name` may start beside `running` others. */
export function mayStart(name: WaitingName, running: number): boolean {
  return running < (isUrgent(name) ? LOOKUP_PLACES : 1);
}

/**
 * The next name to look up, from the longest waiting; `undefined` if none may start. A name whose
 * lookups are silent comes last, so that the name of a healthy region waits for at most one of
 * them.
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
