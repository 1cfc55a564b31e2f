/** What libraries leave of an ioredis client: nothing when it ends, and no more after many switches. */
import type { EventEmitter } from 'node:events';
import type { ConnectionOptions } from 'bullmq';
import * as bullmq6 from 'bullmq';
import * as bullmq5 from 'bullmq-5';
import { expect, it } from 'vitest';
import { expectNoLeaks, heapUsedAfterGc, startProxy } from '../../kit/index.js';
import { runsAll } from '../libraries/bullmq/faults.js';
import { BullMqLoad } from '../libraries/bullmq/scenario.js';
import '../libraries/support.js';
import { servers } from '../support.js';
import { BullLoad } from './bull-load.js';
import { LIBRARY_USERS } from './library-users.js';
import { readyRedis, type TestRedis } from './support.js';

const OPTIONS = { maxRetriesPerRequest: null, enableReadyCheck: false };

/** Uses a library, across a switch, and closes what belongs to the library. */
type Life = (redis: TestRedis, change: () => Promise<void>) => Promise<void>;

const overBullMq =
  (library: typeof bullmq6): Life =>
  async (redis, change) => {
    const connection = () => redis as unknown as ConnectionOptions;
    const load = await BullMqLoad.start(
      { producer: connection, worker: connection },
      async () => {},
      library,
    );
    await load.flow();
    await change();
    await load.flow();
    await load.close();
  };

const LIVES: Record<string, Life> = {
  'BullMQ 6': overBullMq(bullmq6),
  'BullMQ 5': overBullMq(bullmq5 as unknown as typeof bullmq6),
  async 'Bull 4'(redis, change) {
    const made: TestRedis[] = [];
    const another = () => {
      const client = redis.duplicate();
      made.push(client);
      return client;
    };
    const load = await BullLoad.start(redis, another);
    await load.flow();
    await change();
    await load.flow();
    await load.close();
    await Promise.all(made.map((client) => client.status === 'end' || client.quit()));
  },
};
for (const [name, start] of Object.entries(LIBRARY_USERS)) {
  LIVES[name] = async (redis, change) => {
    const user = await start(redis);
    await user.use(`${name}-1`);
    await change();
    await user.use(`${name}-2`);
    await user.close();
  };
}

it('a client that has ended leaves nothing open, whichever library has used it', async () => {
  const [east, west] = await servers();
  let isQuit = false;
  for (const [name, life] of Object.entries(LIVES)) {
    isQuit = !isQuit;
    await expectNoLeaks(
      async () => {
        const redis = await readyRedis([east, west], { redis: OPTIONS, failbackSupported: false });
        await life(redis, () => redis.setActiveDatabase('west'));
        // Libraries such as Redlock have ended it already.
        if (isQuit && redis.status !== 'end') await redis.quit();
        else redis.disconnect();
      },
      { timeoutMs: 10_000 },
    ).catch((cause: Error) => {
      throw new Error(`${name}: ${cause.message}`, { cause });
    });
  }
});

it('many switches under BullMQ grow neither memory nor listeners', async ({ annotate }) => {
  // Two ways to one server: on independent servers a job would be reported to the one without it.
  const [server] = await servers(1);
  const redis = await readyRedis([server, await startProxy(server)], {
    redis: OPTIONS,
    failbackSupported: false,
  });
  const connection = () => redis as unknown as ConnectionOptions;
  const workers = redis.withRetrySafety('accumulating') as unknown as ConnectionOptions;
  const load = await BullMqLoad.start({ producer: connection, worker: () => workers });
  const listeners = () => {
    const emitter: EventEmitter = redis;
    return Object.fromEntries(
      emitter.eventNames().map((name) => [name, emitter.listenerCount(name)]),
    );
  };
  const change = async (count: number) => {
    for (let number = 0; number < count; number += 1) {
      await redis.setActiveDatabase(redis.activeDatabase === 'west' ? 'east' : 'west');
    }
    await load.flow();
  };
  // Jobs stay in memory of the test.
  await load.emptied();
  const settle = async (count: number) => {
    load.resume();
    await change(count);
    await load.emptied();
    return { heap: await heapUsedAfterGc(), listeners: listeners() };
  };
  const before = await settle(20);
  const switches = runsAll ? 500 : 30;
  const after = await settle(switches);
  const grown = Math.round((after.heap - before.heap) / 1024);
  await annotate(`${switches} switches: ${grown} KiB`);
  expect(after.listeners).toEqual(before.listeners);
  expect(grown / switches).toBeLessThan(20);
  expect(load.failed).toEqual([]);
  await load.close();
});
