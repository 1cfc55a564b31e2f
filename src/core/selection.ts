/** The facts that determine whether a database may be active. */
export interface DatabaseView {
  readonly id: string;
  /** Above 0. */
  readonly weight: number;
  /** Position in the configuration; the lower one wins among equal weights. */
  readonly order: number;
  /** The data connection is ready. */
  readonly connected: boolean;
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** The database was left, and the reason has not been checked since. */
  readonly unverified?: boolean | undefined;
  readonly breaker: 'closed' | 'open';
  /** Monotonic milliseconds at which it answered last over its data connection. */
  readonly answeredAt?: number | undefined;
  /** Monotonic milliseconds; 0: no grace period. */
  readonly graceEndsAt: number;
  /** Whether all gates are open. */
  readonly gatesOpen: boolean;
  /** Why the database counts as slow, in words; undefined: it does not. */
  readonly slow?: string | undefined;
  /** Monotonic milliseconds until which the database is drained; 0 if it is not. */
  readonly drainEndsAt?: number | undefined;
  /** Steering makes it selectable although it is unhealthy. */
  readonly forced?: boolean;
  /** The database serves reads only. */
  readonly readOnly?: boolean | undefined;
  /** Why the database must not be used at all, not even as the last resort. */
  readonly disabled?: string | undefined;
}

/** Time at which the standbys were checked over their data connections. */
export interface Asked {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly now: number;
  /** How long the answer of this database may take. */
  readonly patienceMs: number;
}

/**
 * Whether the database was checked and has not answered in time. An older answer says nothing about
 * the connection now. A distant database whose time is not over is not silent.
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
  | 'slow'
  | 'drained';

export interface Selection {
  readonly view: DatabaseView;
  /** No database was eligible; this one is connected and healthy, and an outage is worse. */
  readonly lastResort: boolean;
}

const NOTHING: readonly IneligibilityReason[] = Object.freeze([]);

/** Everything that the database lacks to become active; empty if it is eligible. */
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
  if (view.slow !== undefined) found.push('slow');
  if (isDrained(view, now)) found.push('drained');
  return found;
}

/**
 * Whether the database may become active: connected, healthy since it was left, breaker closed, no
 * grace period, gates open, not slow, not drained. Of a database that steering forces, only the
 * connection and the drain count.
 */
export function isEligible(view: DatabaseView, now: number): boolean {
  if (view.forced === true) return isUsable(view) && !isDrained(view, now);
  return view.graceEndsAt <= now && isFit(view, now);
}

/** Whether nothing but its grace period keeps the database from being eligible. */
export function isInGrace(view: DatabaseView, now: number): boolean {
  return view.forced !== true && view.graceEndsAt > now && isFit(view, now);
}

/** Whether the database is eligible apart from its grace period. */
function isFit(view: DatabaseView, now: number): boolean {
  return isWell(view, now) && view.gatesOpen && view.slow === undefined;
}

/**
 * Whether the active database is not left for one that serves reads only, whatever else it lacks: a
 * closed gate is no reason to leave a database, and slow writes are better than none.
 */
export function keepsWrites(active: DatabaseView, now: number): boolean {
  return active.readOnly !== true && isWell(active, now);
}

function isWell(view: DatabaseView, now: number): boolean {
  return (
    isUsable(view) && view.unverified !== true && view.breaker === 'closed' && !isDrained(view, now)
  );
}

function isDrained({ drainEndsAt = 0 }: DatabaseView, now: number): boolean {
  return drainEndsAt > now;
}

/**
 * Whether the database can be the last resort: connected and healthy, regardless of grace period,
 * gates, breaker and drain.
 */
export function isUsable(view: DatabaseView): boolean {
  const isHealthy = view.health === 'healthy' || view.forced === true;
  return view.connected && isHealthy && view.disabled === undefined;
}

/** Chooses among databases of equal weight, two or more, in any order. */
export type Prefer = (equals: readonly DatabaseView[]) => DatabaseView;

/** Databases that are excluded from a selection or come second. */
export interface SelectionOptions {
  /** Id of the excluded database. */
  readonly exclude?: string | undefined;
  /** Whether the database should have answered over its data connection by now. */
  readonly isSilent?: ((view: DatabaseView) => boolean) | undefined;
  /** Default: the lower `order` wins. */
  readonly prefer?: Prefer | undefined;
}

/**
 * The eligible database of the highest weight, otherwise the usable one of the highest weight as
 * the last resort; `undefined` if no database can serve. In both cases a database that answers
 * comes before a silent one, and a writable one before one that serves reads only, regardless of
 * weights. Among equal weights `prefer` decides, by default the lower `order`.
 * Linear time.
 */
export function selectBest(
  views: Iterable<DatabaseView>,
  now: number,
  { exclude, isSilent = () => false, prefer }: SelectionOptions = {},
): Selection | undefined {
  if (prefer !== undefined) views = [...views];
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
  const best = eligible ?? usable;
  if (best === undefined) return undefined;
  const lastResort = eligible === undefined;
  if (prefer === undefined) return { view: best, lastResort };
  const equals = [...views].filter(
    (view) =>
      view.id !== exclude &&
      (lastResort ? isUsable(view) : isEligible(view, now)) &&
      isSilent(view) === isSilent(best) &&
      isEqual(view, best),
  );
  return { view: equals.length > 1 ? prefer(equals) : best, lastResort };
}

/** Whether neither is better, except for their order. */
function isEqual(view: DatabaseView, other: DatabaseView): boolean {
  return view.weight === other.weight && (view.readOnly === true) === (other.readOnly === true);
}

/**
 * The eligible database of the highest weight if that is above the weight of the active one,
 * because databases of equal weight do not fail back to each other. Without an active database in
 * `views`, every weight is above. Linear time; allocates nothing without `prefer`.
 */
export function selectFailback(
  views: Iterable<DatabaseView>,
  activeId: string | undefined,
  now: number,
  prefer?: Prefer,
): DatabaseView | undefined {
  if (prefer !== undefined) views = [...views];
  let best: DatabaseView | undefined;
  let activeWeight = 0;
  let isActiveReadOnly = true;
  for (const view of views) {
    if (view.id === activeId) {
      activeWeight = view.weight;
      isActiveReadOnly = view.readOnly === true;
    } else if (isEligible(view, now) && isBetter(view, best)) best = view;
  }
  if (best === undefined || best.weight <= activeWeight) return undefined;
  if (best.readOnly === true && !isActiveReadOnly) return undefined;
  if (prefer === undefined) return best;
  const heaviest = best;
  const equals = [...views].filter(
    (view) => view.id !== activeId && isEligible(view, now) && isEqual(view, heaviest),
  );
  return equals.length > 1 ? prefer(equals) : best;
}

/**
 * The database that takes writes, of the highest weight, if the active one serves reads only: an
 * eligible one, otherwise one in its grace period as the last resort, because an outage of writes is
 * worse. Among equal weights `prefer` decides, by default the lower `order`. Linear time; allocates
 * nothing if the active one takes writes.
 */
export function selectWritable(
  views: Iterable<DatabaseView>,
  active: DatabaseView,
  now: number,
  prefer?: Prefer,
): Selection | undefined {
  if (active.readOnly !== true) return undefined;
  const writable = [...views].filter(
    (view) =>
      view !== active && view.readOnly !== true && (isEligible(view, now) || isInGrace(view, now)),
  );
  return selectBest(writable, now, { prefer });
}

/**
 * Whether `view` comes before `than` among databases that can serve: writable ones first, then the
 * higher weight, then the lower `order`.
 */
export function isBetter(view: DatabaseView, than: DatabaseView | undefined): boolean {
  if (than !== undefined && (view.readOnly === true) !== (than.readOnly === true)) {
    return view.readOnly !== true;
  }
  return (
    than === undefined ||
    view.weight > than.weight ||
    (view.weight === than.weight && view.order < than.order)
  );
}
