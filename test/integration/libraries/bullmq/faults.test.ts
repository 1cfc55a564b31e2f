/**
 * The published BullMQ over this client: what happens to jobs when something happens to databases. All
 * of it runs with `BULLMQ_FAULTS=all`; otherwise each fault and each kind of databases at least once.
 */
import * as library from '@redis/client';
import type { ConnectionOptions } from 'bullmq';
import type { MultiDbClient } from 'redis-multidb';
import { afterEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, startReplica, waitFor } from '../../../kit/index.js';
import { active, connected, healthy, own, switchTo } from '../../support.js';
import '../support.js';
import { BullMqLoad } from './scenario.js';

const SETTINGS = {
  commandDeadlineMs: 2500,
  failbackSupported: false,
  initialWaitMs: 10_000,
  // A busy machine does not count as a failure.
  healthCheck: { intervalMs: 500, timeoutMs: 1500, numProbes: 2, delayInBetweenProbesMs: 50 },
  suspectAfterMs: 500,
} as const;

const runsAll = process.env.BULLMQ_FAULTS === 'all';
const isVersion5 = !('DEFAULT_RESP' in library);
/** Whether a case runs by default; with client version 5 one of them does. */
const runs = { always: true, with6: runsAll || !isVersion5, onDemand: runsAll };

type Fault = 'kill' | 'freeze' | 'switch by hand' | 'outage of all';
const FAULTS: readonly Fault[] = ['kill', 'freeze', 'switch by hand', 'outage of all'];

let load: BullMqLoad | undefined;

afterEach(async () => {
  await load?.close();
  load = undefined;
});

/** BullMQ under load on a client of these databases, of which the first one is active. */
async function startLoad(targets: readonly RedisServer[], settle?: () => Promise<void>) {
  const client = await connected(targets, SETTINGS);
  const another = async () => {
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    return duplicate.withRetrySafety('accumulating') as unknown as ConnectionOptions;
  };
  const producer = () => client as unknown as ConnectionOptions;
  const running = await BullMqLoad.start({ producer, worker: another }, settle ?? settleNothing);
  load = running;
  await running.flow();
  return { client, running };
}

const settleNothing = async () => {};

/** Jobs, events and the scheduler go on, every job completes, and none was marked failed. */
async function goesOn(running: BullMqLoad): Promise<void> {
  await running.flow();
  await running.finishes();
  await running.ticks();
  await running.drained();
  expect(running.failed).toEqual([]);
  const workers = await running.queue.getWorkers();
  const names = workers.map(({ rawname }) => String(rawname).split(':').at(-1));
  expect(names).toEqual(expect.arrayContaining(['first', 'second']));
}

const down = (client: MultiDbClient) =>
  waitFor(() => !client.isReady, { what: 'the outage', timeoutMs: 10_000 });

describe('a pair with replication: the replica is promoted', () => {
  async function pair() {
    const east = await startRedis({ persist: true });
    const west = await startReplica(east, { persist: true });
    let isPromoted = false;
    // What counts as acknowledged is on both: replication is asynchronous.
    const settle = async () => {
      if (!isPromoted && (await client.wait(1, 1000)) < 1) throw new Error('not replicated');
    };
    const { client, running } = await startLoad([east, west], () => settle());
    const promote = async () => {
      isPromoted = true;
      await west.command('REPLICAOF', 'NO', 'ONE');
    };
    return { east, west, client, running, promote };
  }

  const strike: Record<Fault, (world: Awaited<ReturnType<typeof pair>>) => Promise<void>> = {
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
  const when = { kill: 'always', 'outage of all': 'with6' } as Record<Fault, keyof typeof runs>;

  for (const fault of FAULTS) {
    it.runIf(runs[when[fault] ?? 'onDemand'])(
      fault,
      async () => {
        const world = await pair();
        await strike[fault](world);
        await goesOn(world.running);
      },
      120_000,
    );
  }
});

describe('independent servers: jobs that wait stay behind until the return', () => {
  async function both() {
    const [east, west] = await Promise.all([
      startRedis({ persist: true }),
      startRedis({ persist: true }),
    ]);
    const { client, running } = await startLoad([east, west]);
    client.on('switch', ({ to }) => {
      if (to !== undefined) running.schedule().catch(() => {});
    });
    return { east, west, client, running };
  }

  type World = Awaited<ReturnType<typeof both>>;
  const strike: Record<Fault, (world: World) => Promise<() => Promise<void>>> = {
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
  const when = { freeze: 'with6', 'switch by hand': 'with6' } as Record<Fault, keyof typeof runs>;

  for (const fault of FAULTS) {
    it.runIf(runs[when[fault] ?? 'onDemand'])(
      fault,
      async () => {
        const world = await both();
        const { client, running } = world;
        const restore = await strike[fault](world);
        // The other database is another queue, which works.
        await running.flow();
        await running.finishes();
        await running.emptied();
        await restore();
        await healthy(client, 'east');
        await client.setActiveDatabase('east');
        running.resume();
        await goesOn(running);
      },
      120_000,
    );
  }
});
