import type { Steering } from './document.js';

/** What steering changes about one database while it is obeyed. */
export interface SteeredView {
  /** In place of the configured weight. */
  readonly weight: number;
  /** Monotonic time until which it is drained; 0: it is not. */
  readonly drainEndsAt: number;
  /** It may be active although it is unhealthy. */
  readonly forced: boolean;
}

/**
 * What a document changes about each of the databases. The preferred one gets a weight above all
 * others. Ids that are not among them have no effect.
 */
export function steeredViews(
  { prefer, weights, drain, force }: Steering,
  endsAt: number,
  databases: readonly { readonly id: string; readonly ownWeight: number }[],
): ReadonlyMap<string, SteeredView> {
  const highest = Math.max(...databases.map(({ ownWeight }) => ownWeight));
  return new Map(
    databases.map(({ id, ownWeight }) => {
      const weight = id === prefer ? highest + 1 : (weights.get(id) ?? ownWeight);
      const drainEndsAt = drain.includes(id) ? endsAt : 0;
      return [id, Object.freeze({ weight, drainEndsAt, forced: force && id === prefer })];
    }),
  );
}

/** Ids that a document names and this client does not have. */
export function unknownIds(
  { prefer, weights, drain }: Steering,
  databases: Iterable<string>,
): readonly string[] {
  const known = new Set(databases);
  const named = [...(prefer === undefined ? [] : [prefer]), ...weights.keys(), ...drain];
  return [...new Set(named)].filter((id) => !known.has(id));
}
