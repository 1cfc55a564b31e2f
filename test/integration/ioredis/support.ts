/** ioredis clients over several databases for tests, with each version of the library. */

import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Valkey } from 'iovalkey';
import {
  createMultiDbRedis,
  type MultiDbRedis,
  type MultiDbRedisOptions,
} from 'redis-multidb/ioredis';
import { afterEach } from 'vitest';
import { waitFor } from '../../kit/index.js';
import { IDS, own, QUICK, type Target } from '../support.js';

/** The class of each library, by name; typed as that of version 6. */
export const LIBRARIES: readonly [string, typeof Redis][] = [
  ['ioredis 6', Redis],
  ['ioredis 5', Redis5 as unknown as typeof Redis],
  ['iovalkey', Valkey as unknown as typeof Redis],
];

export type TestRedis = MultiDbRedis<Redis>;
export type Options = Partial<MultiDbRedisOptions<Redis>>;

const plain = new Set<Redis>();

afterEach(() => {
  for (const redis of plain) redis.disconnect();
  plain.clear();
});

/** A plain ioredis client, which ends with the test. */
export function plainOf(Class: typeof Redis, { url }: Target, options: object = {}): Redis {
  const redis = new Class(url, options);
  redis.on('error', () => {});
  plain.add(redis);
  return redis;
}

/** A client of the databases east, west ... at these places; it ends with the test. */
export function redisOf(
  targets: readonly Target[],
  options: Options & { readonly Redis?: typeof Redis } = {},
): TestRedis {
  const redis = createMultiDbRedis<Redis>({
    Redis,
    ...QUICK,
    databases: targets.map(({ url }, index) => ({
      id: IDS[index] as string,
      weight: 1 / (index + 1),
      redis: url,
    })),
    ...options,
  });
  redis.on('error', () => {});
  return own(redis);
}

/** The same, once every database is healthy and east is active. */
export async function readyRedis(
  targets: readonly Target[],
  options: Parameters<typeof redisOf>[1] = {},
): Promise<TestRedis> {
  // A busy machine may take long for the first check of east, and without failback none returns to it.
  const redis = redisOf(targets, { initialWaitMs: 10_000, ...options });
  await waitFor(() => redis.databases.every(({ id }) => redis.isHealthy(id)), {
    what: 'all databases to be healthy',
    timeoutMs: 10_000,
  });
  await waitFor(() => redis.activeDatabase === IDS[0] && redis.status === 'ready', {
    what: 'east to be active',
    timeoutMs: 10_000,
  });
  return redis;
}

/** Records the names of the status events of a client. */
export function statusesOf(redis: { on(event: string, listener: () => void): unknown }): string[] {
  const seen: string[] = [];
  for (const name of ['wait', 'connecting', 'connect', 'ready', 'close', 'reconnecting', 'end']) {
    redis.on(name, () => seen.push(name));
  }
  return seen;
}
