/** Published libraries that take an ioredis client, across a failover. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { Redlock } from '@sesamecare-oss/redlock';
import { createAdapter } from '@socket.io/redis-adapter';
import Queue from 'bull';
import fastify from 'fastify';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Mutex } from 'redis-semaphore';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { expect, it } from 'vitest';
import {
  type RedisServer,
  startRedis,
  startReplica,
  waitFor,
  waitForSync,
} from '../../kit/index.js';
import { LONG_GRACE, servers, Traffic } from '../support.js';
import { readyRedis, type TestRedis } from './support.js';

const toWest = (redis: TestRedis) =>
  waitFor(() => redis.activeDatabase === 'west', { what: 'west to be active', timeoutMs: 10_000 });

async function fail(east: RedisServer, redis: TestRedis): Promise<void> {
  await east.kill();
  await toWest(redis);
}

it('Bull 4: every acknowledged job completes when the master is killed and its replica promoted', async () => {
  const east = await startRedis();
  const west = await startReplica(east);
  await waitForSync(east, west);
  const redis = await readyRedis([east, west], {
    ...LONG_GRACE,
    // What Bull requires of its clients.
    redis: { maxRetriesPerRequest: null, enableReadyCheck: false },
  });
  const view = redis.withRetrySafety('accumulating');
  const clients: TestRedis[] = [];
  const queue = new Queue('jobs', {
    createClient(type) {
      const client = type === 'client' ? view : view.duplicate();
      if (type !== 'client') clients.push(client);
      // Bull has the types of its own copy of ioredis 5.
      return client as never;
    },
    settings: { stalledInterval: 1000, lockDuration: 20_000 },
  });
  const errors: Error[] = [];
  queue.on('error', (error) => errors.push(error));
  const done = new Set<string>();
  const failed: unknown[] = [];
  queue.on('failed', (job, error) => failed.push([job.id, error.message]));
  queue.process(5, async (job: { data: { id: string } }) => {
    done.add(job.data.id);
  });
  await queue.isReady();
  const acknowledged: string[] = [];
  let next = 0;
  const traffic = new Traffic(
    async () => {
      const id = `job-${next++}`;
      await queue.add({ id }, { jobId: id });
      // What the replica has received survives.
      if ((await redis.call('WAIT', '1', '1000')) === 1) acknowledged.push(id);
    },
    { callers: 5, pauseMs: 5 },
  );
  await waitFor(() => done.size > 20, { what: 'jobs to complete', timeoutMs: 10_000 });
  await east.kill();
  await west.command('REPLICAOF', 'NO', 'ONE');
  await toWest(redis);
  await traffic.stop();
  const last = await queue.add({ id: 'last' }, { jobId: 'last' });
  acknowledged.push(String(last.id));
  await waitFor(() => acknowledged.every((id) => done.has(id)), {
    what: 'every acknowledged job to complete',
    timeoutMs: 20_000,
  });
  expect(failed).toEqual([]);
  await queue.close();
  for (const client of clients) client.disconnect();
});

it('redlock: a lock is taken on the next database, and released there', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const redlock = new Redlock([redis], { retryCount: 5, retryDelay: 20 });
  redlock.on('error', () => {});
  const before = await redlock.acquire(['a'], 5000);
  await before.release();
  await fail(east, redis);
  const lock = await redlock.acquire(['a'], 5000);
  expect(await west.command('EXISTS', 'a')).toBe(1);
  await lock.release();
  expect(await west.command('EXISTS', 'a')).toBe(0);
});

it('redis-semaphore: a mutex excludes others after a switch as well', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const options = { lockTimeout: 5000, acquireTimeout: 100, retryInterval: 10 };
  const first = new Mutex(redis, 'key', options);
  await first.acquire();
  await first.release();
  await fail(east, redis);
  await first.acquire();
  await expect(new Mutex(redis, 'key', options).acquire()).rejects.toThrow();
  await first.release();
});

it('graphql-redis-subscriptions: messages reach subscribers after a switch', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const subscriber = redis.duplicate();
  // It has the types of its own copy of ioredis 5.
  const pubsub = new RedisPubSub({ publisher: redis as never, subscriber: subscriber as never });
  const seen: unknown[] = [];
  await pubsub.subscribe('news', (message) => seen.push(message));
  await pubsub.publish('news', { text: 'before' });
  await waitFor(() => seen.length === 1, { what: 'the first message' });
  const restored = new Promise((resolve) => subscriber.on('subscriptions-restored', resolve));
  await fail(east, redis);
  await restored;
  await pubsub.publish('news', { text: 'after' });
  await waitFor(() => seen.length === 2, { what: 'the second message' });
  expect(seen).toEqual([{ text: 'before' }, { text: 'after' }]);
  await pubsub.close();
});

it('rate-limiter-flexible: limits go on with the next database', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 2, duration: 60 });
  expect((await limiter.consume('a')).remainingPoints).toBe(1);
  await fail(east, redis);
  await limiter.consume('a');
  await limiter.consume('a');
  await expect(limiter.consume('a')).rejects.toMatchObject({ remainingPoints: 0 });
});

it('@fastify/rate-limit: requests are answered and limited after a switch', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const app = fastify();
  await app.register(rateLimit, { max: 2, timeWindow: 60_000, redis });
  app.get('/', async () => 'ok');
  const status = async () => (await app.inject('/')).statusCode;
  expect(await status()).toBe(200);
  await fail(east, redis);
  expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
  await app.close();
});

it('@socket.io/redis-adapter: servers reach each other after a switch', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], LONG_GRACE);
  const nodes = [1, 2].map(() => {
    const http = createServer();
    const subscriber = redis.duplicate();
    const server = new Server(http, { adapter: createAdapter(redis, subscriber) });
    return { http, server, subscriber };
  });
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
  await new Promise<void>((resolve) => two.http.listen(0, resolve));
  const client = io(`http://127.0.0.1:${(two.http.address() as AddressInfo).port}`, {
    transports: ['websocket'],
  });
  const seen: string[] = [];
  client.on('news', (message: string) => seen.push(message));
  await new Promise<void>((resolve) => client.once('connect', resolve));
  const restored = nodes.map(
    ({ subscriber }) => new Promise((resolve) => subscriber.on('subscriptions-restored', resolve)),
  );
  await fail(east, redis);
  await Promise.all(restored);
  one.server.emit('news', 'hello');
  await waitFor(() => seen.length === 1, { what: 'the message' });
  expect(seen).toEqual(['hello']);
  client.disconnect();
  await Promise.all(nodes.map(({ server }) => server.close()));
});
