import type { Database } from '../database.js';
import type { GroupContext } from './client-context.js';

/** For a database that is known to be unhealthy, in milliseconds. */
const LONGEST_RECONNECT_MS = 2000;
/** While `Reachability` connects as soon as a connection can be made, in milliseconds. */
const CALLED_RECONNECT_MS = 10_000;

/**
 * The longest wait before a client connects to `database` again, in milliseconds: a healthy database
 * must not fail because of it. `undefined`: the database was removed.
 */
export function reconnectLimitMs(
  { health, route }: Pick<GroupContext, 'health' | 'route'>,
  database: Database | undefined,
): number {
  const monitor = database && health.monitors.get(database);
  if (database === undefined || monitor === undefined) return LONGEST_RECONNECT_MS;
  // All clients together reconnect no more often than a single one. `Reachability` tries as well: a
  // server that recovers must not spend its time on accepting connections twice.
  if (health.isSearching) return CALLED_RECONNECT_MS * database.links.length;
  // The active database may recover, and commands wait for it.
  const isGivenUp = database.health === 'unhealthy' && route.database !== database;
  if (isGivenUp) return LONGEST_RECONNECT_MS;
  return Math.min(monitor.probeTimeoutMs / 4, LONGEST_RECONNECT_MS);
}
