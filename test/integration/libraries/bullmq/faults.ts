/**
 * What happens to the jobs of a queue when something happens to its databases: four faults on a pair
 * with replication and on independent servers. Knows neither the library nor the client API.
 */
import type { MultiDbClient } from 'redis-multidb';
import { afterEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, startReplica, waitFor } from '../../../kit/index.js';
import { active, healthy, switchTo } from '../../support.js';

/** Producers and workers of a queue library that run until they are stopped. */
export interface QueueLoad {
  /** Jobs that were marked failed. */
  readonly failed: readonly string[];
  /** Resolves when `count` more jobs have completed. */
  flow(count?: number): Promise<void>;
  /** A job that is added now completes, and its producer hears of it. */
  finishes(): Promise<void>;
  /** Resolves when the scheduler has made `count` more jobs. */
  ticks(count?: number): Promise<void>;
  /** Creates the scheduler on the active database. */
  schedule(): Promise<void>;
  /** Stops the producers; resolves when every acknowledged job has completed. */
  drained(): Promise<void>;
  /** Stops the producers; resolves when nothing waits on the active database. */
  emptied(): Promise<void>;
  /** Lets the producers go on. */
  resume(): void;
  /** The names of the workers that the server knows; `undefined` where workers have no names. */
  workerNames?(): Promise<string[]>;
  close(): Promise<void>;
}

export interface Running {
  readonly client: MultiDbClient;
  readonly load: QueueLoad;
}

/** Timings of the client under test. */
export const SETTINGS = {
  commandDeadlineMs: 2500,
  failbackSupported: false,
  initialWaitMs: 10_000,
  // A busy machine does not count as a failure.
  healthCheck: { intervalMs: 500, timeoutMs: 1500, numProbes: 2, delayInBetweenProbesMs: 50 },
  suspectAfterMs: 500,
} as const;

/** With it every fault runs on every kind of databases, with every library. */
export const runsAll = process.env.BULLMQ_FAULTS === 'all';

export const FAULTS = ['kill', 'freeze', 'switch by hand', 'outage of all'] as const;
export type Fault = (typeof FAULTS)[number];
export type Kind = 'pair' | 'independent';

/**
 * `start` starts a load on a client of these databases, of which the first one is active. `settle`
 * resolves when what was acknowledged before it was called can't be lost any more.
 */
export function describeFaults(
  start: (targets: readonly RedisServer[], settle: () => Promise<void>) => Promise<Running>,
  runs: (kind: Kind, fault: Fault) => boolean,
): void {
  let current: QueueLoad | undefined;

  afterEach(async () => {
    await current?.close();
    current = undefined;
  });

  async function started(targets: readonly RedisServer[], settle = async () => {}) {
    const running = await start(targets, settle);
    current = running.load;
    await running.load.flow();
    return running;
  }

  describe('a pair with replication: the replica is promoted', () => {
    async function pair() {
      const east = await startRedis({ persist: true });
      const west = await startReplica(east, { persist: true });
      let isPromoted = false;
      // What counts as acknowledged is on both: replication is asynchronous.
      const settle = async () => {
        if (!isPromoted && (await client.wait(1, 1000)) < 1) {
          throw new Error('not replicated');
        }
      };
      const { client, load } = await started([east, west], () => settle());
      const promote = async () => {
        isPromoted = true;
        await west.command('REPLICAOF', 'NO', 'ONE');
      };
      return { east, west, client, load, promote };
    }

    for (const fault of FAULTS) {
      it.runIf(runs('pair', fault))(
        fault,
        async () => {
          const world = await pair();
          await STRIKE_PAIR[fault](world);
          await goesOn(world.load);
        },
        120_000,
      );
    }
  });

  describe('independent servers: jobs that wait stay behind until the return', () => {
    for (const fault of FAULTS) {
      it.runIf(runs('independent', fault))(
        fault,
        async () => {
          const [east, west] = await Promise.all([
            startRedis({ persist: true }),
            startRedis({ persist: true }),
          ]);
          const { client, load } = await started([east, west]);
          client.on('switch', ({ to }) => {
            if (to !== undefined) load.schedule().catch(() => {});
          });
          const restore = await STRIKE_BOTH[fault]({ east, west, client });
          // The other database is another queue, which works.
          await load.flow();
          await load.finishes();
          await load.emptied();
          await restore();
          await healthy(client, 'east');
          await client.setActiveDatabase('east');
          load.resume();
          await goesOn(load);
        },
        120_000,
      );
    }
  });
}

/** Jobs, events and the scheduler go on, every job completes, and none was marked failed. */
async function goesOn(load: QueueLoad): Promise<void> {
  await load.flow();
  await load.finishes();
  await load.ticks();
  await load.drained();
  expect(load.failed).toEqual([]);
  if (load.workerNames === undefined) return;
  expect(await load.workerNames()).toEqual(expect.arrayContaining(['first', 'second']));
}

interface World {
  readonly east: RedisServer;
  readonly west: RedisServer;
  readonly client: MultiDbClient;
}

type Pair = World & { readonly promote: () => Promise<void> };

const STRIKE_PAIR: Record<Fault, (world: Pair) => Promise<void>> = {
  async kill({ east, client, promote }) {
    const switched = switchTo(client, 'west');
    await east.kill();
    await promote();
    await switched;
  },
  async freeze({ east, client, promote }) {
    const switched = switchTo(client, 'west');
    await east.freeze();
    await promote();
    await switched;
    // Fenced: it must not come back as another master.
    await east.kill();
  },
  async 'switch by hand'({ east, west, client, promote }) {
    await east.command('FAILOVER', 'TO', west.host, String(west.port), 'TIMEOUT', '20000');
    await waitFor(async () => (await west.info('role')) === 'master', {
      what: 'west to be the master',
      timeoutMs: 20_000,
    });
    await promote();
    if (client.activeDatabase !== 'west') await client.forceActiveDatabase('west');
  },
  async 'outage of all'({ east, west, client, promote }) {
    await Promise.all([east.kill(), west.kill()]);
    await down(client);
    await west.restart();
    await promote();
    await active(client, 'west');
  },
};

/** Each resolves to what brings the first database back. */
const STRIKE_BOTH: Record<Fault, (world: World) => Promise<() => Promise<void>>> = {
  async kill({ east, client }) {
    const switched = switchTo(client, 'west');
    await east.kill();
    await switched;
    return () => east.restart();
  },
  async freeze({ east, client }) {
    const switched = switchTo(client, 'west');
    await east.freeze();
    await switched;
    return () => east.thaw();
  },
  async 'switch by hand'({ client }) {
    await client.forceActiveDatabase('west');
    return async () => {};
  },
  async 'outage of all'({ east, west, client }) {
    await Promise.all([east.kill(), west.kill()]);
    await down(client);
    await west.restart();
    await active(client, 'west');
    return () => east.restart();
  },
};

const down = (client: MultiDbClient) =>
  waitFor(() => !client.isReady, { what: 'the outage', timeoutMs: 10_000 });
