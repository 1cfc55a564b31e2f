/** An ioredis client of several databases that takes the calls of a run, which are those of node-redis. */
import { Redis } from 'ioredis';
import type { MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { createMultiDbRedis, type MultiDbRedis } from 'redis-multidb/ioredis';

type Client = MultiDbRedis<Redis>;
type Results = Awaited<ReturnType<ReturnType<Redis['multi']>['exec']>>;

export function createIoredisClient(options: MultiDbClientOptions): MultiDbClient {
  const { client, ...others } = options as MultiDbClientOptions & { client: { RESP: 2 | 3 } };
  const protocol = { protocol: 3, replyMapping: 'resp3' } as const;
  const redis = createMultiDbRedis({
    ...(others as object),
    Redis,
    redis: { lazyConnect: true, ...(client.RESP === 3 ? protocol : {}) },
    databases: others.databases as never,
  });
  redis.on('error', () => {});
  return faceOf(redis) as unknown as MultiDbClient;
}

function faceOf(redis: Client): object {
  const own = {
    // ioredis rejects a second call, and goes on connecting after a failure.
    connect: async () => (redis.status === 'ready' ? undefined : redis.connect()),
    duplicate: () => faceOf(redis.duplicate({ lazyConnect: true }).on('error', () => {})),
    withRetrySafety: (safety: 'read') => faceOf(redis.withRetrySafety(safety)),
    withOutage: (outage: 'wait') => faceOf(redis.withOutage(outage)),
    // ioredis has no signals for single commands.
    withAbortSignal: () => faceOf(redis),
    sendCommand: (args: readonly [string, ...string[]]) => redis.call(...args),
    lPush: (key: string, value: string) => redis.lpush(key, value),
    rPush: (key: string, value: string) => redis.rpush(key, value),
    hSet: (key: string, fields: object) => redis.hset(key, fields),
    xAdd: (key: string, id: string, fields: object) =>
      redis.xadd(key, id, ...Object.entries(fields).flat()),
    mGet: (keys: string[]) => redis.mget(keys),
    hmGet: (key: string, fields: string[]) => redis.hmget(key, ...fields),
    multi: () => batchOf(redis.multi()),
    transaction: async (key: string, fn: (tx: object) => { exec(): Promise<unknown> }) =>
      redis.transaction(key, (tx) => fn(faceOf(tx as Client)).exec()),
  };
  return new Proxy(redis, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function batchOf(batch: ReturnType<Redis['multi']>): object {
  const face = {
    incr: (key: string) => batch.incr(key) && face,
    rPush: (key: string, value: string) => batch.rpush(key, value) && face,
    set: (key: string, value: string) => batch.set(key, value) && face,
    exec: async () => valuesOf(await batch.exec()),
  };
  return face;
}

/** As node-redis has them: an error inside of the reply is that of `exec()`. */
function valuesOf(results: Results): unknown {
  return results?.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}
