import type { ManagedClient } from '../../runtime/group/managed-client.js';
import { anyObject, invalid } from '../../validation/check.js';
import { createGroup } from '../create-group.js';
import type { IoredisClass } from './library.js';
import { multiDbClassOf } from './redis-class.js';
import { translateOptions } from './translate-options.js';
import type { MultiDbRedis, MultiDbRedisOptions, RedisLike } from './types.js';

/**
 * A client of several Redis databases that is an ioredis client: an instance of the class `Redis`
 * that the application passes, whose commands go to the preferred healthy database. It leaves that
 * database when it fails, and returns when it has recovered.
 *
 * As in ioredis, it connects at once unless `lazyConnect` is set. Throws `InvalidOptionError`.
 *
 * @example
 * ```ts
 * const redis = createMultiDbRedis({
 *   Redis,
 *   databases: [
 *     { id: 'east', weight: 1, redis: 'redis://redis-east.example.com:6379' },
 *     { id: 'west', weight: 0.5, redis: 'redis://redis-west.example.com:6379' },
 *   ],
 * });
 * ```
 */
export function createMultiDbRedis<R extends RedisLike>(
  options: MultiDbRedisOptions<R>,
): MultiDbRedis<R> {
  const given = anyObject(options, 'options');
  const Redis = classOf(given.Redis);
  const { engine, client, naming, translating } = translateOptions(Redis, given);
  const { name, shared } = naming(() => createGroup(engine, () => first as ManagedClient));
  const Client = multiDbClassOf(Redis);
  const first: unknown = new Client({ name, shared, options: client, translating });
  return first as MultiDbRedis<R>;
}

function classOf(given: unknown): IoredisClass {
  const expected = 'the class `Redis` of ioredis or iovalkey';
  if (typeof given === 'function') {
    if (typeof (given as Partial<IoredisClass>).Command === 'function')
      return given as IoredisClass;
    // The class `Cluster` has this method.
    if (typeof given.prototype?.nodes === 'function') {
      const instead = 'a cluster is a database whose nodes stand in `databases[].cluster`';
      throw invalid('Redis', `${expected}; ${instead}`, given);
    }
  }
  const { Redis, sendCommand } = (given ?? {}) as { Redis?: unknown; sendCommand?: unknown };
  if (typeof Redis === 'function') throw invalid('Redis', `${expected}, not its module`, given);
  if (typeof sendCommand === 'function') throw invalid('Redis', `${expected}, not a client`, given);
  throw invalid('Redis', expected, given);
}
