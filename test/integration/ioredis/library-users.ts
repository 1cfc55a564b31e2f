/** What applications do with published libraries that take an ioredis client. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import fastifyRedis from '@fastify/redis';
import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import { Redlock } from '@sesamecare-oss/redlock';
import { createAdapter } from '@socket.io/redis-adapter';
import fastify from 'fastify';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Mutex } from 'redis-semaphore';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { expect } from 'vitest';
import { waitFor } from '../../kit/index.js';
import { own } from '../support.js';
import type { TestRedis } from './support.js';

/** An application that uses one library. */
export interface LibraryUser {
  /** One use; each has another `id`. Rejects if the library reports an error. */
  use(id: string): Promise<unknown>;
  /** Rejects if the library does not do what it is for. */
  verify(id: string): Promise<unknown>;
  close(): Promise<unknown> | unknown;
}

type Start = (redis: TestRedis) => Promise<LibraryUser> | LibraryUser;

const MINUTE_MS = 60_000;

export const LIBRARY_USERS: Readonly<Record<string, Start>> = {
  '@sesamecare-oss/redlock': (redis) => {
    const redlock = new Redlock([redis], { retryCount: 0 });
    // It also reports here each attempt that fails.
    redlock.on('error', () => {});
    return {
      async use(id) {
        const lock = await redlock.acquire([id], MINUTE_MS);
        // Another server does not know the lock.
        await lock.release().catch(() => {});
      },
      async verify(id) {
        const lock = await redlock.acquire([id], MINUTE_MS);
        await expect(redlock.acquire([id], MINUTE_MS)).rejects.toThrow();
        await lock.release();
        await (await redlock.acquire([id], MINUTE_MS)).release();
      },
      close: () => redlock.quit().catch(() => {}),
    };
  },

  'redis-semaphore': (redis) => {
    const mutex = (id: string, acquireTimeout: number) =>
      new Mutex(redis, id, { lockTimeout: MINUTE_MS, acquireTimeout, retryInterval: 10 });
    return {
      async use(id) {
        const one = mutex(id, MINUTE_MS);
        await one.acquire();
        await one.release();
      },
      async verify(id) {
        const one = mutex(id, MINUTE_MS);
        await one.acquire();
        await expect(mutex(id, 20).acquire()).rejects.toThrow();
        await one.release();
        await expect(mutex(id, MINUTE_MS).tryAcquire()).resolves.toBe(true);
      },
      close: () => {},
    };
  },

  'rate-limiter-flexible': (redis) => {
    const limiter = new RateLimiterRedis({ storeClient: redis, points: 2, duration: 60 });
    return {
      use: (id) => limiter.consume(id),
      async verify(id) {
        await limiter.consume(id);
        await limiter.consume(id);
        await expect(limiter.consume(id)).rejects.toMatchObject({ remainingPoints: 0 });
      },
      close: () => {},
    };
  },

  '@fastify/redis with @fastify/rate-limit': async (redis) => {
    const app = fastify();
    // It has the types of its own copy of ioredis.
    await app.register(fastifyRedis, { client: redis as never });
    await app.register(rateLimit, {
      max: 2,
      timeWindow: MINUTE_MS,
      redis: app.redis,
      keyGenerator: ({ headers }) => String(headers['x-caller']),
    });
    app.get('/', async () => app.redis.get('greeting'));
    const status = async (id: string) => {
      const { statusCode, body } = await app.inject({ url: '/', headers: { 'x-caller': id } });
      if (statusCode >= 500) throw new Error(body);
      return statusCode;
    };
    return {
      use: async (id) => expect(await status(id)).toBe(200),
      verify: async (id) =>
        expect([await status(id), await status(id), await status(id)]).toEqual([200, 200, 429]),
      close: () => app.close(),
    };
  },

  '@nest-lab/throttler-storage-redis': (redis) => {
    const storage = new ThrottlerStorageRedisService(redis as never);
    const hit = (id: string) => storage.increment(id, MINUTE_MS, 1, MINUTE_MS, 'default');
    return {
      use: hit,
      async verify(id) {
        expect(await hit(id)).toMatchObject({ totalHits: 1, isBlocked: false });
        expect(await hit(id)).toMatchObject({ totalHits: 2, isBlocked: true });
      },
      close: () => storage.onModuleDestroy(),
    };
  },

  'graphql-redis-subscriptions': async (redis) => {
    const subscriber = own(redis.duplicate());
    // It has the types of its own copy of ioredis 5.
    const pubsub = new RedisPubSub({ publisher: redis as never, subscriber: subscriber as never });
    const seen = new Set<string>();
    await pubsub.subscribe('news', ({ id }: { id: string }) => seen.add(id));
    return {
      ...delivery(
        (id) => pubsub.publish('news', { id }),
        (id) => seen.has(id),
      ),
      // Its `close()` would quit the client of the others as well.
      close: () => subscriber.quit(),
    };
  },

  '@socket.io/redis-adapter': async (redis) => {
    const nodes = [1, 2].map(() => {
      const http = createServer();
      const subscriber = own(redis.duplicate());
      const server = new Server(http, { adapter: createAdapter(redis, subscriber) });
      return { http, server, subscriber };
    });
    const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    await new Promise<void>((resolve) => two.http.listen(0, '127.0.0.1', resolve));
    const { port } = two.http.address() as AddressInfo;
    const browser = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
    const seen = new Set<string>();
    browser.on('news', (id: string) => seen.add(id));
    await new Promise<void>((resolve) => browser.once('connect', resolve));
    return {
      ...delivery(
        (id) => one.server.emit('news', id),
        (id) => seen.has(id),
      ),
      async close() {
        browser.disconnect();
        await Promise.all(nodes.map(({ server }) => server.close()));
        await Promise.all(nodes.map(({ subscriber }) => subscriber.quit()));
      },
    };
  },
};

/** A message that is sent while the subscription moves to another database is lost: send again. */
function delivery(send: (id: string) => unknown, arrived: (id: string) => boolean) {
  const use = (id: string) =>
    waitFor(
      async () => {
        if (!arrived(id)) await send(id);
        return arrived(id);
      },
      { what: `message ${id}`, timeoutMs: 10_000 },
    );
  return { use, verify: use };
}
