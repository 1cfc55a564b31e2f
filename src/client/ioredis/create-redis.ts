import type { ManagedClient } from '../../runtime/group/managed-client.js';
import { anyObject, invalid } from '../../validation/check.js';
import { createGroup } from '../create-group.js';
import type { IoredisClass } from './library.js';
import { multiDbClassOf } from './redis-class.js';
import { namingIoredis, translateOptions } from './translate-options.js';
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
  const Redis = given.Redis as IoredisClass;
  if (typeof Redis !== 'function' || typeof Redis.Command !== 'function') {
    throw invalid('Redis', 'the class `Redis` of ioredis or iovalkey', Redis);
  }
  const { engine, client, translate } = translateOptions(Redis, given);
  const { name, shared } = namingIoredis(() => createGroup(engine, () => first as ManagedClient));
  const Client = multiDbClassOf(Redis);
  const first: unknown = new Client({ name, shared, options: client, translate });
  return first as MultiDbRedis<R>;
}
