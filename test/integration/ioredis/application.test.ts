/**
 * An application with BullMQ, Bull and plain ioredis code, seen from outside: the line that creates its
 * client and one configuration block change, and its active database is killed under load.
 */
import type { EventEmitter } from 'node:events';
import type { ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { expect, it } from 'vitest';
import { startRedis, startReplica, waitFor } from '../../kit/index.js';
import { BullMqLoad } from '../libraries/bullmq/scenario.js';
import '../libraries/support.js';
import { own, Traffic } from '../support.js';
import { BullLoad } from './bull-load.js';
import { plainOf } from './support.js';

/** What Bull and BullMQ require of their clients. */
const OPTIONS = { maxRetriesPerRequest: null, enableReadyCheck: false };

/** How many times as long as 20 jobs of each library the next job may take after a kill. */
const LONGEST_PAUSE = 10;

/** The application. It knows ioredis alone; `queues` is its client for queues. */
async function start(redis: Redis, queues: Redis, settle: () => Promise<void>) {
  const duplicate = () => {
    const made = queues.duplicate();
    own({ destroy: () => made.disconnect() });
    return made;
  };
  const asConnection = (client: Redis) => client as unknown as ConnectionOptions;
  const bullmq = await BullMqLoad.start(
    { producer: () => asConnection(queues), worker: () => asConnection(duplicate()) },
    settle,
  );
  const bull = await BullLoad.start(queues, duplicate, settle);
  await redis.hset('user:1', { name: 'Ada' });
  const calls = [
    () => redis.get('page'),
    () => redis.hgetall('user:1'),
    () => redis.mget('a', 'b'),
    async () => {
      const results = await redis.pipeline().get('a').smembers('s').exec();
      for (const [error] of results ?? []) if (error) throw error;
    },
  ];
  let turn = 0;
  const reads = new Traffic(() => (calls[turn++ % calls.length] as () => Promise<unknown>)(), {
    callers: 10,
    pauseMs: 1,
  });
  const loads = [bullmq, bull] as const;
  return {
    reads,
    loads,
    flow: () => Promise.all([reads.flows(200), ...loads.map((load) => load.flow())]),
    /** Every acknowledged job has completed and none has failed; no read saw an error. */
    async end() {
      await waitFor(() => loads.every(({ acknowledged }) => acknowledged.size >= 20), {
        what: 'jobs to be acknowledged',
        timeoutMs: 30_000,
      });
      await Promise.all(loads.map((load) => load.drained()));
      await reads.stop();
      expect(reads.errors).toEqual([]);
      expect(loads.flatMap(({ failed }) => failed)).toEqual([]);
      await Promise.all(loads.map((load) => load.close()));
    },
  };
}

it('runs on plain ioredis', async () => {
  const server = await startRedis();
  const redis = plainOf(Redis, server, OPTIONS);
  const application = await start(redis, plainOf(Redis, server, OPTIONS), async () => {});
  await application.flow();
  await application.end();
});

it('runs on when the active database is killed', async ({ annotate }) => {
  const east = await startRedis();
  const west = await startReplica(east);
  let isPromoted = false;

  // What has changed.
  const redis = createMultiDbRedis({
    Redis,
    redis: OPTIONS,
    // A busy machine does not count as a failure.
    initialWaitMs: 10_000,
    healthCheck: { timeoutMs: 5000 },
    // Reads go to the replica until it is promoted, and writes wait.
    databases: [
      { id: 'east', weight: 1, writable: 'auto', redis: { host: east.host, port: east.port } },
      { id: 'west', weight: 0.5, writable: 'auto', redis: { host: west.host, port: west.port } },
    ],
    onPromotionNeeded: async ({ sendCommand }) => {
      isPromoted = true;
      await sendCommand(['REPLICAOF', 'NO', 'ONE']);
    },
  });
  const queues = redis.withRetrySafety('accumulating').withOutage('wait');

  own(redis);
  // What is acknowledged is on both: replication is asynchronous.
  const settle = async () => {
    if (!isPromoted && (await queues.wait(1, 1000)) < 1) throw new Error('not replicated');
  };
  const application = await start(redis, queues, settle);
  await application.flow();
  const begun = performance.now();
  await application.flow();
  const flowMs = performance.now() - begun;
  const since = performance.now();
  const next = application.loads.map(
    ({ workers }) =>
      new Promise<number>((resolve) => {
        redis.once('failover', () => {
          for (const worker of workers as readonly EventEmitter[]) {
            worker.once('completed', () => resolve(Math.round(performance.now() - since)));
          }
        });
      }),
  );
  await east.kill();
  const pauses = await Promise.all(next);
  const [bullmq, bull] = pauses;
  const pace = `20 jobs of each before in ${Math.round(flowMs)} ms`;
  await annotate(`the next job: BullMQ after ${bullmq} ms, Bull after ${bull} ms; ${pace}`);
  // Half a second on a machine that is not busy, and compared with the pace before, because it may be.
  // A worker that hangs goes on after the deadline of its command, which is ten seconds.
  expect(Math.max(...pauses)).toBeLessThan(LONGEST_PAUSE * flowMs);
  await application.flow();
  await application.end();
});
