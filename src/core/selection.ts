/** What decides whether a database may be the active one. */
export interface DatabaseView {
  readonly id: string;
  /** Above 0. */
  readonly weight: number;
  /** Position in the configuration; the lower one wins among equal weights. */
  readonly order: number;
  /** The data connection is ready. */
  readonly connected: boolean;
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** It was left, and what it was left for has not been checked since. */
  readonly unverified?: boolean | undefined;
  readonly breaker: 'closed' | 'open';
  /** Monotonic milliseconds at which it answered last over its data connection. */
  readonly answeredAt?: number | undefined;
  /** Monotonic milliseconds; 0: no grace period. */
  readonly graceEndsAt: number;
  /** All checks that keep a standby from being failed back to pass. */
  readonly gatesOpen: boolean;
  /** Monotonic milliseconds until which somebody keeps it away from traffic; 0: nobody does. */
  readonly drainEndsAt?: number | undefined;
  /** Why it must not be used at all, not even as the last resort. */
  readonly disabled?: string | undefined;
}

/** When the standbys were asked over their data connections. */
export interface Asked {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly now: number;
  /** How long an answer of this one may take. */
  readonly patienceMs: number;
}

/**
 * It was asked and has not answered, although it had the time: an answer that is older says nothing
 * about the connection at present. One that could not answer yet, because it is far away, is not
 * silent.
 */
export function isSilent(
  { answeredAt = Number.POSITIVE_INFINITY }: DatabaseView,
  { at, now, patienceMs }: Asked,
): boolean {
  return answeredAt < at && now - at >= patienceMs;
}

/** What an ineligible database lacks. */
export type IneligibilityReason =
  | 'disabled'
  | 'not connected'
  | 'health unknown'
  | 'unhealthy'
  | 'not checked again since the database was left'
  | 'breaker open'
  | 'grace period'
  | 'gate closed'
  | 'drained';

export interface Selection {
  readonly view: DatabaseView;
  /** None was eligible; this one is connected and healthy, and an outage is worse than a flap. */
  readonly lastResort: boolean;
}

const NOTHING: readonly IneligibilityReason[] = Object.freeze([]);

/** Everything that the database lacks to become active; empty when it is eligible. */
export function ineligibilityReasons(
  view: DatabaseView,
  now: number,
): readonly IneligibilityReason[] {
  if (isEligible(view, now)) return NOTHING;
  const found: IneligibilityReason[] = [];
  if (view.disabled !== undefined) found.push('disabled');
  if (!view.connected) found.push('not connected');
  if (view.health === 'unknown') found.push('health unknown');
  if (view.health === 'unhealthy') found.push('unhealthy');
  if (view.unverified) found.push('not checked again since the database was left');
  if (view.breaker === 'open') found.push('breaker open');
  if (view.graceEndsAt > now) found.push('grace period');
  if (!view.gatesOpen) found.push('gate closed');
  if (isDrained(view, now)) found.push('drained');
  return found;
}

/**
 * May become active: connected, healthy since it was left, breaker closed, no grace, gates open,
 * not drained.
 */
export function isEligible(view: DatabaseView, now: number): boolean {
  return (
    isUsable(view) &&
    view.unverified !== true &&
    view.breaker === 'closed' &&
    view.graceEndsAt <= now &&
    view.gatesOpen &&
    !isDrained(view, now)
  );
}

function isDrained({ drainEndsAt = 0 }: DatabaseView, now: number): boolean {
  return drainEndsAt > now;
}

/** May serve as the last resort: connected and healthy, whatever its grace, gates, breaker and drain. */
export function isUsable(view: DatabaseView): boolean {
  return view.connected && view.health === 'healthy' && view.disabled === undefined;
}

/** Who is left out of a selection, and who comes second. */
export interface SelectionOptions {
  /** Id that is left out. */
  readonly exclude?: string | undefined;
  /** Was asked over its data connection and should have answered by now. */
  readonly isSilent?: ((view: DatabaseView) => boolean) | undefined;
}

/**
 * The eligible database of the highest weight; without one the usable of the highest weight, as
 * the last resort; `undefined` when no database can serve. In both searches one that answers comes
 * before one that is silent, whatever their weights. Equal weights: the lower `order`. Linear.
 */
export function selectBest(
  views: Iterable<DatabaseView>,
  now: number,
  { exclude, isSilent = () => false }: SelectionOptions = {},
): Selection | undefined {
  let eligible: DatabaseView | undefined;
  let usable: DatabaseView | undefined;
  const isPreferred = (view: DatabaseView, than: DatabaseView | undefined) => {
    if (than === undefined || isSilent(view) === isSilent(than)) return isBetter(view, than);
    return isSilent(than);
  };
  for (const view of views) {
    if (view.id === exclude || !isUsable(view)) continue;
    if (isPreferred(view, usable)) usable = view;
    if (isEligible(view, now) && isPreferred(view, eligible)) eligible = view;
  }
  if (eligible !== undefined) return { view: eligible, lastResort: false };
  if (usable !== undefined) return { view: usable, lastResort: true };
  return undefined;
}

/**
 * The eligible database of the highest weight, if that is strictly above the active one's:
 * among equals nobody fails back. Without an active one (or with one that is not in `views`)
 * every weight is above. Linear, allocates nothing.
 */
export function selectFailback(
  views: Iterable<DatabaseView>,
  activeId: string | undefined,
  now: number,
): DatabaseView | undefined {
  let best: DatabaseView | undefined;
  let activeWeight = 0;
  for (const view of views) {
    if (view.id === activeId) activeWeight = view.weight;
    else if (isEligible(view, now) && isBetter(view, best)) best = view;
  }
  return best !== undefined && best.weight > activeWeight ? best : undefined;
}

function isBetter(view: DatabaseView, than: DatabaseView | undefined): boolean {
  return (
    than === undefined ||
    view.weight > than.weight ||
    (view.weight === than.weight && view.order < than.order)
  );
}
