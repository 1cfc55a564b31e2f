/** Status, its events, connect, quit and disconnect, as plain ioredis has them. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { expectNoLeaks, heapUsedAfterGc, waitFor } from '../../kit/index.js';
import { errorOf, servers } from '../support.js';
import { LIBRARIES, plainOf, readyRedis, redisOf, statusesOf, type TestRedis } from './support.js';

// biome-ignore lint/suspicious/noExplicitAny: both kinds of client.
type Client = any;

const until = (client: Client, status: string) =>
  waitFor(() => client.status === status, { what: `status ${status}`, timeoutMs: 10_000 });

/** Lets the events of the next ticks happen. */
const ticks = () => new Promise((resolve) => setImmediate(resolve));

/** What happens in one life of a client, and what it tells. */
const LIVES: Record<string, (create: (options?: object) => Client) => Promise<unknown>> = {
  async quit(create) {
    const client = create();
    const seen = statusesOf(client);
    await until(client, 'ready');
    const answer = await client.quit();
    await until(client, 'end');
    await ticks();
    const error = await errorOf(client.get('a'));
    return [seen, answer, client.status, error.message];
  },

  async disconnect(create) {
    const client = create();
    const seen = statusesOf(client);
    await until(client, 'ready');
    const blocked = errorOf(client.blpop('never', 0));
    await ticks();
    client.disconnect();
    const error = await blocked;
    await until(client, 'end');
    await ticks();
    return [seen, client.status, error.message];
  },

  async 'lazy connect'(create) {
    const client = create({ lazyConnect: true });
    const seen = statusesOf(client);
    const before = client.status;
    const connected = client.connect();
    const again = await errorOf(client.connect());
    await connected;
    await ticks();
    const late = await errorOf(client.connect());
    return [before, seen, again.message, late.message, await client.set('a', 1)];
  },

  async 'lazy connect by the first command'(create) {
    const client = create({ lazyConnect: true });
    const value = await client.set('a', 1);
    return [value, client.status];
  },

  async 'disconnect before connect'(create) {
    const client = create({ lazyConnect: true });
    client.disconnect();
    await until(client, 'end');
    const error = await errorOf(client.get('a'));
    return [client.status, error.message];
  },

  async 'connect again'(create) {
    const client = create();
    await until(client, 'ready');
    client.disconnect();
    await until(client, 'end');
    await client.connect();
    return [client.status, await client.set('a', 1)];
  },

  async 'disconnect and reconnect'(create) {
    const client = create();
    await until(client, 'ready');
    await ticks();
    const seen = statusesOf(client);
    client.disconnect(true);
    const value = await client.set('a', 1);
    await until(client, 'ready');
    await ticks();
    return [seen.filter((name) => name !== 'close' && name !== 'connect'), value];
  },

  async 'disconnect(true) while it connects'(create) {
    const client = create();
    const errors: string[] = [];
    client.on('error', ({ message }: Error) => errors.push(message));
    for (let time = 0; time < 3; time += 1) {
      await once(client, 'connecting');
      // Plain ioredis ends if this happens in the same turn.
      await ticks();
      client.disconnect(true);
    }
    await until(client, 'ready');
    const value = await client.set('a', 1);
    return [value, errors];
  },

  async 'events of connect()'(create) {
    const client = create({ lazyConnect: true });
    const seen = statusesOf(client);
    await client.connect();
    return [...seen];
  },

  async 'quit twice'(create) {
    const client = create();
    await until(client, 'ready');
    const both = [client.quit(), errorOf(client.quit())] as const;
    const answers = [await both[0], (await both[1]).message];
    await until(client, 'end');
    return [...answers, (await errorOf(client.quit())).message];
  },

  async 'quit in the same turn as the first commands'(create) {
    const client = create();
    const answers = [client.set('a', 1), client.incr('a'), client.quit()];
    return Promise.all(answers);
  },

  async 'quit behind a blocking command'(create) {
    const client = create();
    await until(client, 'ready');
    const answers = [client.blpop('queue', 0), client.quit()];
    const other = create();
    await other.rpush('queue', 'job');
    return Promise.all(answers);
  },

  async 'quit, and disconnect(true) in the middle of it'(create) {
    const client = create();
    await until(client, 'ready');
    const answer = client.quit();
    client.disconnect(true);
    await answer;
    await until(client, 'end');
    return client.status;
  },

  async 'commands between disconnect(true) and disconnect'(create) {
    const client = create();
    await until(client, 'ready');
    client.disconnect(true);
    const failed = [
      client.get('a'),
      client.multi().set('a', 1).exec(),
      client.subscribe('news'),
    ].map(errorOf);
    const piped = client.pipeline().get('a').exec();
    client.disconnect();
    const errors = (await Promise.all(failed)).map(({ message }) => message);
    return [errors, (await piped)[0][0].message];
  },

  async 'commands between disconnect(true) and quit'(create) {
    const client = create();
    await until(client, 'ready');
    client.disconnect(true);
    return Promise.all([
      client.set('a', 5),
      client.multi().incr('a').exec(),
      client.incr('a'),
      client.pipeline().get('a').exec(),
      client.quit(),
    ]);
  },

  async 'subscriptions of a new life'(create) {
    const client = create();
    const publisher = create();
    const seen: unknown[] = [];
    client.on('message', (...message: unknown[]) => seen.push(message));
    await client.subscribe('lives');
    client.disconnect();
    await until(client, 'end');
    await client.connect();
    // The server may count the connection of the life before.
    const isHeard = async () => (await publisher.publish('lives', 'a')) > 0 && seen.length > 0;
    await waitFor(isHeard, { what: 'a message', timeoutMs: 10_000 });
    const [message] = seen;
    client.disconnect(true);
    const other = await client.psubscribe('x*');
    return [message, other];
  },

  async 'callbacks of connect'(create) {
    const client = create({ lazyConnect: true });
    return new Promise((resolve) => {
      client.connect((error: unknown) => resolve([error ?? null, client.status]));
    });
  },
};

it.each(LIBRARIES)('%s: lives as a plain client does', async (_, Class) => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { Redis: Class });
  for (const [name, live] of Object.entries(LIVES)) {
    const expected = await live((options) => plainOf(Class, east, options));
    const received = await live((options) => redis.duplicate(options));
    expect([name, received]).toEqual([name, expected]);
  }
});

it('ends everything that it has opened', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const redis = await readyRedis([east, west]);
    const other = redis.duplicate();
    await other.subscribe('news');
    await other.set('a', 1);
    other.disconnect();
    await redis.quit();
    expect([redis.isOpen, other.isOpen]).toEqual([false, false]);
  });
});

it('many lives leave neither memory nor listeners', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  const live = async (count: number) => {
    for (let number = 0; number < count; number += 1) {
      const other = redis.duplicate();
      await other.get('a');
      if (number % 2 === 0) await other.quit();
      else other.disconnect();
    }
    return heapUsedAfterGc();
  };
  const before = await live(50);
  const listeners = () => process.eventNames().map((name) => process.listenerCount(name as 'exit'));
  const held = listeners();
  const after = await live(150);
  // A client that is kept has several times as much.
  expect((after - before) / 150).toBeLessThan(15_000);
  expect(listeners()).toEqual(held);
});

it('ends although a blocking command waits for a database that never serves', async () => {
  const [east, west] = await servers();
  await Promise.all([east.kill(), west.kill()]);
  const redis = redisOf([east, west], { commandDeadlineMs: 500, commandTimeoutMs: 500 });
  const blocked = errorOf(redis.blpop('never', 0));
  expect(await redis.quit()).toBe('OK');
  expect([redis.status, (await blocked).message]).toEqual(['end', 'Connection is closed.']);
});

it('a callback that throws harms no other command', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const thrown: string[] = [];
  process.on('uncaughtException', ({ message }) => thrown.push(message));
  const fail = (message: string) => () => {
    throw new Error(message);
  };
  try {
    redis.get('a', fail('of a command'));
    redis.pipeline().get('a', fail('in a pipeline')).set('b', 1).exec(fail('of a pipeline'));
    redis.multi().set('c', 1, fail('in a transaction')).exec(fail('of a transaction'));
    redis.subscribe('news', fail('of a subscription'));
    await waitFor(() => thrown.length === 6, { what: 'the errors' });
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const each of others) process.on('uncaughtException', each);
  }
  expect(await redis.mget('b', 'c')).toEqual(['1', '1']);
});

it('a quit that a disconnect overtakes does not end the life that begins after it', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const redis = await readyRedis([east, west]);
    const blocked = errorOf(redis.blpop('never', 0));
    const quitting = redis.quit();
    redis.disconnect();
    await redis.connect();
    await Promise.all([blocked, quitting]);
    expect([redis.status, await redis.set('a', 1)]).toEqual(['ready', 'OK']);
    redis.disconnect();
    expect([redis.status, redis.isOpen]).toEqual(['end', false]);
  });
});

it('is reconnecting while no database serves, and ready again by itself', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  const seen = statusesOf(redis);
  await Promise.all([east.kill(), west.kill()]);
  await until(redis, 'reconnecting');
  const blocking = [
    redis.blpop('never', 0),
    redis.xread('BLOCK', 0, 'STREAMS', 'never', '$'),
    redis.multi().blpop('never', 0).exec() as Promise<unknown>,
    redis.transaction('a', async (tx) => tx.multi().set('a', 1)),
  ];
  for (const call of blocking) {
    expect((await errorOf(call)).message).toBe('Connection is closed.');
  }
  const error = await errorOf(redis.get('a'));
  expect([error.message, error.code, error.maybeExecuted]).toEqual([
    'Connection is closed.',
    'TEMPORARILY_UNAVAILABLE',
    false,
  ]);
  expect(error.detail).toMatch(/no database can serve/);
  await west.restart();
  await until(redis, 'ready');
  await ticks();
  expect(await redis.set('a', 1)).toBe('OK');
  expect(seen).toEqual(['close', 'reconnecting', 'connecting', 'connect', 'ready']);
});

it('keeps trying when no database serves at the start', async () => {
  const [east, west] = await servers();
  await Promise.all([east.kill(), west.kill()]);
  const redis = redisOf([east, west], {
    redis: { lazyConnect: true },
    commandDeadlineMs: 500,
    commandTimeoutMs: 500,
  });
  const failed = await errorOf(redis.connect());
  expect(failed.code).toBe('INITIALIZATION_FAILED');
  expect(redis.status).toBe('reconnecting');
  await east.restart();
  await until(redis, 'ready');
  expect(await redis.set('a', 1)).toBe('OK');
});

it('a listener that throws does not stop a failover', async () => {
  const [east, west] = await servers();
  const redis: TestRedis = await readyRedis([east, west]);
  const errors: Error[] = [];
  redis.on('error', (error) => errors.push(error));
  redis.on('switch', () => {
    throw new Error('from a listener');
  });
  await east.kill();
  await waitFor(() => redis.activeDatabase === 'west', { what: 'west to be active' });
  await redis.set('a', 1);
  expect(errors.map(({ message }) => message)).toContain('from a listener');
});
