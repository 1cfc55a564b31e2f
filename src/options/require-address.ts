import { InvalidOptionError } from '../errors.js';
import type { Values } from '../validation/check.js';
import type { ResolvedDatabase } from './types.js';

/**
 * Throws `InvalidOptionError` if `database` has no address of its own: node-redis would connect to
 * this machine. Drivers that are no node-redis need none, so validation does not ask for it.
 */
export function requireAddress(database: ResolvedDatabase, at: string): void {
  if (database.topology === 'cluster') {
    for (const [index, root] of database.cluster.rootNodes.entries()) {
      check(root, `${at}.cluster.rootNodes[${index}]`);
    }
  } else if (database.topology !== 'sentinel') check(database.client, `${at}.client`);
}

function check(client: object, at: string): void {
  const { url, socket } = client as Values;
  const { host, port, path } = (socket ?? {}) as Values;
  // Empty or null, node-redis takes them for absent.
  if ([url, host, port, path].some((each) => (each ?? '') !== '')) return;
  const expected = 'an address: `url`, or `socket` with `host`, `port` or `path`';
  throw new InvalidOptionError(at, expected, undefined);
}
