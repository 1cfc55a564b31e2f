/** What the choice among databases of equal weight looks at. */
export interface LatencyView {
  readonly id: string;
  /** Position in the configuration. */
  readonly order: number;
  /** In milliseconds; undefined: not known yet. */
  readonly latencyMs: number | undefined;
}

/** A database is faster if its latency is lower by this share of the other one and by this time. */
const MARGIN = { share: 0.25, ms: 1 };
/** How long it must be faster before the client moves to it, in milliseconds. */
const FASTER_FOR_MS = 30_000;

/** Whether `view` is faster than `than` by more than the margin. An unknown latency is the longest. */
export function isFaster(view: LatencyView, than: LatencyView): boolean {
  if (view.latencyMs === undefined) return false;
  if (than.latencyMs === undefined) return true;
  const difference = than.latencyMs - view.latencyMs;
  return difference > MARGIN.ms && difference > MARGIN.share * than.latencyMs;
}

/**
 * The candidate of the lowest latency. Those that it is not faster than count as equally fast: of them,
 * the active one is chosen, otherwise the first in order. Linear time.
 */
export function lowestLatency<View extends LatencyView>(
  candidates: readonly View[],
  activeId?: string,
): View | undefined {
  let fastest: View | undefined;
  for (const each of candidates) {
    const isLower = (each.latencyMs ?? Infinity) < (fastest?.latencyMs ?? Infinity);
    if (fastest === undefined || isLower) fastest = each;
  }
  let chosen: View | undefined;
  for (const each of candidates) {
    if (isFaster(fastest as View, each)) continue;
    if (each.id === activeId) return each;
    if (chosen === undefined || each.order < chosen.order) chosen = each;
  }
  return chosen;
}

/** Since when which database has been faster than the active one. */
export interface Challenge {
  readonly id: string;
  readonly activeId: string;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** The challenge after a look at the candidates; undefined: no database is faster. */
export function nextChallenge(
  before: Challenge | undefined,
  active: LatencyView,
  fastest: LatencyView | undefined,
  now: number,
): Challenge | undefined {
  if (fastest === undefined || !isFaster(fastest, active)) return undefined;
  const goesOn = before?.id === fastest.id && before.activeId === active.id;
  return goesOn ? before : { id: fastest.id, activeId: active.id, since: now };
}

/** Whether the database has been faster for long enough. */
export function isDue({ since }: Challenge, now: number): boolean {
  return now - since >= FASTER_FOR_MS;
}
