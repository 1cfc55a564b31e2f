/** The types of `redis-multidb/ioredis`, with each library. */
import { type Callback, Redis, type Result } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Valkey } from 'iovalkey';
import { createMultiDbRedis, type MultiDbRedis } from 'redis-multidb/ioredis';
import { expectTypeOf } from 'vitest';

/** As applications declare the scripts of `defineCommand`. */
declare module 'ioredis' {
  interface RedisCommander<Context> {
    greet(key: string, name: string, callback?: Callback<string>): Result<string, Context>;
  }
}

const databases = [{ id: 'east', redis: 'redis://redis-east.example.com' }];
const redis = createMultiDbRedis({ Redis, databases });
const redis5 = createMultiDbRedis({ Redis: Redis5, databases });
const valkey = createMultiDbRedis({ Redis: Valkey, databases });

// The client goes wherever the library's own one goes.
expectTypeOf(redis).toExtend<Redis>();
expectTypeOf(redis5).toExtend<Redis5>();
expectTypeOf(valkey).toExtend<Valkey>();
expectTypeOf(redis).toEqualTypeOf<MultiDbRedis<Redis>>();
const take = (client: Redis) => client;
take(redis);
take(redis.duplicate());
take(redis.withRetrySafety('last-write-wins'));

expectTypeOf(redis.get('a')).toEqualTypeOf<Promise<string | null>>();
expectTypeOf(redis5.getBuffer('a')).toEqualTypeOf<Promise<Buffer | null>>();
expectTypeOf(valkey.hgetall('a')).toEqualTypeOf<Promise<Record<string, string>>>();
expectTypeOf(redis.multi().get('a').exec()).toEqualTypeOf<
  Promise<[error: Error | null, result: unknown][] | null>
>();
expectTypeOf(redis.duplicate()).toEqualTypeOf<MultiDbRedis<Redis>>();
expectTypeOf(redis.activeDatabase).toEqualTypeOf<string | undefined>();

// Scripts that the application has declared.
expectTypeOf(redis.greet('a', 'b')).toEqualTypeOf<Promise<string>>();
redis.pipeline().greet('a', 'b').get('a');
redis.withRetrySafety('accumulating').greet('a', 'b', (_, reply) => reply?.length);

expectTypeOf(redis.transaction('a', (tx) => tx.get('a'))).toEqualTypeOf<Promise<string | null>>();
expectTypeOf(redis.transaction(['a'], async (tx) => tx.multi().incr('a'))).toEqualTypeOf<
  Promise<[error: Error | null, result: unknown][]>
>();
redis5.transaction('a', (tx) => tx.multi().incr('a'), { maxAttempts: 2 });

createMultiDbRedis({ Redis, redis: { keyPrefix: 'app:' }, databases, gracePeriodMs: 1000 });
// @ts-expect-error: an option that ioredis does not have
createMultiDbRedis({ Redis, redis: { keyPrefx: 'app:' }, databases });
createMultiDbRedis({
  Redis,
  databases: [
    {
      cluster: ['redis://one.example.com', { host: 'two.example.com', port: 7000 }, 7001],
      clusterOptions: {
        clusterRetryStrategy: (times) => times * 100,
        dnsLookup: (address, callback) => callback(null, address),
        slotsRefreshTimeout: 2000,
        maxRedirections: 3,
        redisOptions: { password: 'secret', commandTimeout: 500 },
      },
    },
  ],
});
// @ts-expect-error: the class is missing
createMultiDbRedis({ databases });
