import { anyObject, invalid, join } from '../validation/check.js';
import type { Topology } from './topologies.js';

/**
 * Default `ttl` of the cache, because no server announces a SWAPDB, a field of a hash that expires,
 * or an expired key that nobody has touched.
 */
export const DEFAULT_CACHE_TTL_MS = 2000;

const CACHE_OPTIONS: Readonly<Record<string, { range: string; accepts(value: unknown): boolean }>> =
  {
    ttl: { range: '0 ms or more; 0 means no expiry', accepts: (value) => isAtLeastZero(value) },
    maxEntries: {
      range: 'an integer of 0 or more; 0 means no limit',
      accepts: (value) => isAtLeastZero(value) && Number.isInteger(value),
    },
    evictPolicy: { range: 'LRU or FIFO', accepts: (value) => value === 'LRU' || value === 'FIFO' },
    recordStats: { range: 'true or false', accepts: (value) => typeof value === 'boolean' },
  };

function isAtLeastZero(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** Options of the cache of node-redis, or a provider. */
export function checkCache(value: unknown, at: string): void {
  if (value === undefined || value === false) return;
  const expected =
    'an object with options of the cache, or one of the cache providers of node-redis';
  const given = anyObject(value, at, expected);
  if (typeof given.handleCache === 'function') return;
  for (const [name, part] of Object.entries(given)) {
    const rule = CACHE_OPTIONS[name];
    if (rule === undefined) {
      throw invalid(join(at, name), `one of ${Object.keys(CACHE_OPTIONS).join(', ')}`, name);
    }
    if (part !== undefined && !rule.accepts(part)) throw invalid(join(at, name), rule.range, part);
  }
}

/**
 * Changes are announced over the connection that read the key; with several connections they cannot
 * be followed.
 */
export function rejectCachedTopology(
  topology: Topology,
  at: string,
  shared: Readonly<Record<string, unknown>>,
): void {
  if (topology === 'client') return;
  const beside = ['clientSideCache', 'emitInvalidate'].find((name) => shared[name]);
  if (beside === undefined) return;
  throw invalid(`${at}.topology`, `'client' beside \`client.${beside}\``, topology);
}
