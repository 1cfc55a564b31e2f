/**
 * The published queue libraries over an ioredis client: what happens to jobs when something happens to
 * databases. All of it runs with `BULLMQ_FAULTS=all`; otherwise two faults with each library.
 */
import * as bullmq6 from 'bullmq';
import * as bullmq5 from 'bullmq-5';
import type { MultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import type { RedisServer } from '../../kit/index.js';
import {
  describeFaults,
  type Fault,
  type Kind,
  type QueueLoad,
  runsAll,
  SETTINGS,
} from '../libraries/bullmq/faults.js';
import { BullMqLoad } from '../libraries/bullmq/scenario.js';
import { walk } from '../libraries/bullmq/walk.js';
import '../libraries/support.js';
import { own, servers } from '../support.js';
import { BullLoad } from './bull-load.js';
import { LIBRARIES, plainOf, readyRedis, type TestRedis } from './support.js';

type Settle = () => Promise<void>;

/** How a load of the library starts on a client. */
type Start = (redis: TestRedis, settle: Settle) => Promise<QueueLoad>;

const overBullMq =
  (library: typeof bullmq6): Start =>
  (redis, settle) => {
    const view = redis.withRetrySafety('accumulating').withOutage('wait');
    const connections = {
      producer: () => redis as unknown as bullmq6.ConnectionOptions,
      worker: () => own(view.duplicate()) as unknown as bullmq6.ConnectionOptions,
    };
    return BullMqLoad.start(connections, settle, library);
  };

const overBull: Start = (redis, settle) => {
  const view = redis.withRetrySafety('accumulating').withOutage('wait');
  return BullLoad.start(view, () => own(view.duplicate()), settle);
};

interface Case {
  readonly start: Start;
  /** Which copy of ioredis the client belongs to. */
  readonly ioredis: string;
  readonly byDefault: Record<Kind, readonly Fault[]>;
}

const CASES: Record<string, Case> = {
  'BullMQ 6 with ioredis 6': {
    start: overBullMq(bullmq6),
    ioredis: 'ioredis 6',
    byDefault: { pair: ['kill'], independent: [] },
  },
  'BullMQ 6 with iovalkey': {
    start: overBullMq(bullmq6),
    ioredis: 'iovalkey',
    byDefault: { pair: [], independent: ['freeze'] },
  },
  'BullMQ 5 with ioredis 5': {
    start: overBullMq(bullmq5 as unknown as typeof bullmq6),
    ioredis: 'ioredis 5',
    byDefault: { pair: ['outage of all'], independent: [] },
  },
  'BullMQ 5 with iovalkey': {
    start: overBullMq(bullmq5 as unknown as typeof bullmq6),
    ioredis: 'iovalkey',
    byDefault: { pair: [], independent: ['kill'] },
  },
  'Bull 4 with ioredis 5': {
    start: overBull,
    ioredis: 'ioredis 5',
    byDefault: { pair: ['freeze'], independent: [] },
  },
  'Bull 4 with iovalkey': {
    start: overBull,
    ioredis: 'iovalkey',
    byDefault: { pair: [], independent: ['switch by hand'] },
  },
};

describe.each(Object.entries(CASES))('%s', (_, { start, ioredis, byDefault }) => {
  const Redis = classOf(ioredis);

  describeFaults(
    async (targets: readonly RedisServer[], settle: Settle) => {
      const redis = await readyRedis(targets, {
        Redis,
        ...SETTINGS,
        // What the libraries require of their clients.
        redis: { maxRetriesPerRequest: null, enableReadyCheck: false },
      });
      const load = await start(redis, settle);
      return { client: redis as unknown as MultiDbClient, load };
    },
    (kind, fault) => runsAll || byDefault[kind].includes(fault),
  );
});

it.each([
  ['BullMQ 6', 'ioredis 6', bullmq6],
  ['BullMQ 5', 'ioredis 5', bullmq5 as unknown as typeof bullmq6],
  ['BullMQ 6', 'iovalkey', bullmq6],
  ['BullMQ 5', 'iovalkey', bullmq5 as unknown as typeof bullmq6],
] as const)(
  '%s with %s gives the same results as over the plain client',
  async (_, ioredis, library) => {
    const Redis = classOf(ioredis);
    const options = { maxRetriesPerRequest: null };
    const [server, other] = await servers();
    const plain = await walk(
      library,
      async () => plainOf(Redis, server, options) as unknown as bullmq6.ConnectionOptions,
    );
    const redis = await readyRedis([other], { Redis, redis: options });
    const mine = await walk(
      library,
      async () => own(redis.duplicate()) as unknown as bullmq6.ConnectionOptions,
    );
    expect(mine).toEqual(plain);
    expect(mine).toMatchObject({ order: ['first', 'b1', 'b2', 'high', 'low'], errors: [] });
  },
);

function classOf(ioredis: string): (typeof LIBRARIES)[number][1] {
  const found = new Map(LIBRARIES).get(ioredis);
  if (found === undefined) throw new Error(`unknown: ${ioredis}`);
  return found;
}
