import { respOf } from '../../drivers/node-redis/options.js';
import { InvalidOptionError } from '../../errors.js';
import type { CacheValidityView } from './cache-store.js';
import { GuardedCache } from './client-side-cache.js';

/** Arguments of `_executeCommand` of node-redis, as far as they matter here. */
type Execute = (
  command: unknown,
  parser: unknown,
  commandOptions: object | undefined,
  ...rest: unknown[]
) => Promise<unknown>;

/** The cache of the facade; undefined if the options do not ask for one. */
export function cacheOf(
  options: Record<string, unknown>,
  validity: CacheValidityView | undefined,
): GuardedCache | undefined {
  const { clientSideCache, emitInvalidate, commandOptions } = options;
  // The engine emits it: the facade hears nothing of servers.
  delete options.emitInvalidate;
  if (!clientSideCache && !emitInvalidate) return undefined;
  const resp = respOf(options);
  const name = clientSideCache ? 'client.clientSideCache' : 'client.emitInvalidate';
  if (resp !== 3) throw new InvalidOptionError(name, '`RESP: 3` beside it', `RESP ${resp}`);
  if (!clientSideCache || validity === undefined) return undefined;
  if (emitInvalidate) {
    const expected = 'nothing beside `clientSideCache`, whose provider emits `invalidate`';
    throw new InvalidOptionError('client.emitInvalidate', expected, emitInvalidate);
  }
  return new GuardedCache(clientSideCache, validity, (commandOptions ?? {}) as object);
}

/** Members that replace those of node-redis on a facade with a cache. */
export function cachingMembers(facade: object, cache: GuardedCache): Record<string, unknown> {
  const execute = (facade as { _executeCommand: Execute })._executeCommand;
  return {
    // Everything up to `handleCache` happens within this call.
    _executeCommand(...args: Parameters<Execute>) {
      cache.caller = args[2];
      return execute.apply(this, args);
    },
    /** The application's own, or the one made from its options; not the guard before it. */
    get clientSideCache() {
      return cache.inner;
    },
  };
}
