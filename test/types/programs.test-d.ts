/**
 * Programs as they are written for node-redis's `createClient`: each is given the factory, and must
 * compile with either. Checked by the compiler alone, with both client versions.
 */
import {
  type CommandParser,
  createClient,
  defineScript,
  RESP_TYPES,
  type RedisClientType,
} from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';

const plain = () => createClient({ url: 'redis://east.example.com' });
/** The one line that changes. */
const multiDb = () =>
  createMultiDbClient({ databases: [{ client: { url: 'redis://east.example.com' } }] });

/** Whatever `createClient` answers, as a program names it. */
type Client = ReturnType<typeof plain>;

// A cache-aside, as a class that is given its client.
class Cache {
  constructor(private readonly redis: Client) {}

  async get<T>(key: string, load: () => Promise<T>, seconds = 60): Promise<T> {
    const hit = await this.redis.get(key);
    if (hit !== null) return JSON.parse(hit) as T;
    const value = await load();
    await this.redis.set(key, JSON.stringify(value), {
      expiration: { type: 'EX', value: seconds },
      condition: 'NX',
    });
    return value;
  }

  async forget(...keys: string[]): Promise<number> {
    return this.redis.del(keys);
  }
}

// A rate limiter: a transaction with typed replies, and a sorted set.
async function allow(redis: RedisClientType, user: string, limit: number): Promise<boolean> {
  const key = `limit:${user}`;
  const [count, , ttl] = await redis.multi().incr(key).expire(key, 60, 'NX').ttl(key).execTyped();
  const remaining: number = limit - count;
  const seconds: number = ttl;
  const old = await redis.zRangeByScore(`log:${user}`, 0, Date.now() - 60_000);
  await redis.zAdd(`log:${user}`, [{ score: Date.now(), value: `${old.length}-${seconds}` }]);
  return remaining >= 0;
}

// A queue worker with a connection of its own.
async function work(redis: Client, handle: (job: string) => Promise<void>): Promise<void> {
  const blocking = redis.duplicate();
  blocking.on('error', (error: Error) => console.error(error.message));
  await blocking.connect();
  try {
    while (blocking.isOpen) {
      const popped = await blocking.blPop(['jobs', 'more'], 0);
      if (popped !== null) await handle(popped.element);
    }
  } finally {
    await blocking.close();
  }
}

// Streams with a consumer group.
async function consume(redis: Client): Promise<string[]> {
  await redis.xGroupCreate('events', 'group', '$', { MKSTREAM: true });
  const id: string = await redis.xAdd('events', '*', { kind: 'created' });
  await redis.xReadGroup('group', 'me', { key: 'events', id: '>' }, { COUNT: 10, BLOCK: 1000 });
  await redis.xAck('events', 'group', id);
  const entries = await redis.xRange('events', '-', '+');
  return (entries ?? []).map(({ message }) => String(message.kind));
}

// Pub/sub with a duplicate, strings and Buffers.
async function listen(redis: Client): Promise<() => Promise<void>> {
  const subscriber = await redis.duplicate().connect();
  await subscriber.subscribe(['news', 'weather'], (message: string, channel: string) => {
    console.log(channel.toUpperCase(), message.length);
  });
  await subscriber.pSubscribe(
    'binary:*',
    (message: Buffer) => console.log(message.byteLength),
    true,
  );
  const receivers: number = await redis.publish('news', 'hello');
  console.log(receivers);
  return async () => {
    await subscriber.unsubscribe('news');
    await subscriber.close();
  };
}

// Iterators, pipelines, hashes and views.
async function report(redis: Client): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const keys of redis.scanIterator({ MATCH: 'user:*', COUNT: 100 })) {
    for (const key of keys) Object.assign(found, await redis.hGetAll(key));
  }
  for await (const entries of redis.hScanIterator('user:1')) {
    for (const { field, value } of entries) found[field] = value;
  }
  const [a, b] = await redis.multi().get('a').hGet('h', 'b').execAsPipelineTyped();
  const bytes: Buffer | null = await redis
    .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    .get('binary');
  const raw: unknown = await redis.sendCommand(['OBJECT', 'ENCODING', 'a']);
  const late = redis.withAbortSignal(AbortSignal.timeout(100)).asap();
  found.summary = `${a} ${b} ${bytes?.length} ${raw} ${await late.exists('a')}`;
  return found;
}

// Scripts, modules and functions by the same option, in the place where the client's options are.
const extensions = {
  scripts: {
    add: defineScript({
      NUMBER_OF_KEYS: 1,
      SCRIPT: 'return redis.call("INCRBY", KEYS[1], ARGV[1])',
      parseCommand(parser: CommandParser, key: string, by: number) {
        parser.pushKey(key);
        parser.push(String(by));
      },
      transformReply: undefined as unknown as () => number,
    }),
  },
  functions: {
    orders: {
      double: {
        NUMBER_OF_KEYS: 0,
        parseCommand(parser: CommandParser, value: number) {
          parser.push(String(value));
        },
        transformReply: undefined as unknown as () => number,
      },
    },
  },
};
const extendedPlain = () => createClient({ url: 'redis://east.example.com', ...extensions });
const extendedMultiDb = () =>
  createMultiDbClient({
    databases: [{ client: { url: 'redis://east.example.com' } }],
    client: extensions,
  });
async function calculate(redis: ReturnType<typeof extendedPlain>): Promise<number> {
  const sum: number = await redis.add('total', 3);
  const [both] = await redis.multi().add('total', 1).execTyped();
  const same = redis.duplicate();
  return sum + both + (await redis.orders.double(21)) + (await same.add('total', 1));
}

// The life of a client.
async function main(redis: Client): Promise<void> {
  redis.on('error', (error: Error) => console.error(error.message));
  redis.on('ready', () => console.log('ready')).once('end', () => console.log('end'));
  const connected = await redis.connect();
  const pong: string = await connected.ping();
  console.log(pong, redis.isOpen, redis.isReady, redis.options?.RESP);
  await new Cache(redis).get('page', async () => ({ html: '' }));
  await new Cache(redis).forget('page');
  await allow(redis, 'ada', 10);
  await Promise.race([work(redis, async () => {}), consume(redis), report(redis)]);
  const stop = await listen(redis);
  await stop();
  redis.unref();
  await redis.close();
  redis.destroy();
}

export const programs = [
  () => main(plain()),
  () => main(multiDb()),
  () => calculate(extendedPlain()),
  () => calculate(extendedMultiDb()),
];
