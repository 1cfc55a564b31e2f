/** Status, its events, connect, quit and disconnect, as plain ioredis has them. */
import { expect, it } from 'vitest';
import { expectNoLeaks, waitFor } from '../../kit/index.js';
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
