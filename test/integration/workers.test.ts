/** Workers that know nothing of databases: a loop around a blocking command on a duplicate. */
import type { MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import { isRedis7, type RedisServer, waitFor } from '../kit/index.js';
import { active, connected, own, servers } from './support.js';

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

interface Worker {
  readonly taken: string[];
  readonly errors: unknown[];
}

type Take = (client: MultiDbClient) => Promise<string[]>;

/** Not one line here is about switches. */
async function startWorker(client: MultiDbClient, take: Take): Promise<Worker> {
  const duplicate = own(client.duplicate());
  await duplicate.connect();
  const worker: Worker = { taken: [], errors: [] };
  const run = async () => {
    while (duplicate.isOpen) worker.taken.push(...(await take(duplicate)));
  };
  run().catch((error) => duplicate.isOpen && worker.errors.push(error));
  return worker;
}

const KINDS: Record<string, { take: Take; push: string[]; left: string[]; prepare?: string[] }> = {
  BLPOP: {
    take: async (client) => {
      const popped = await client.blPop('jobs', 0);
      return popped === null ? [] : [popped.element];
    },
    push: ['RPUSH', 'jobs'],
    left: ['LRANGE', 'jobs', '0', '-1'],
  },
  XREADGROUP: {
    take: async (client) => {
      const streams = await client.xReadGroup(
        'workers',
        'one',
        { key: 'jobs', id: '>' },
        { BLOCK: 0, COUNT: 1 },
      );
      const found = (streams ?? []) as { messages: { message: { job?: string } }[] }[];
      return found.flatMap(({ messages }) => messages.map(({ message }) => String(message.job)));
    },
    push: ['XADD', 'jobs', '*', 'job'],
    left: [],
    prepare: ['XGROUP', 'CREATE', 'jobs', 'workers', '$', 'MKSTREAM'],
  },
};

describe.each(Object.entries(KINDS))('a %s worker', (_name, { take, push, left, prepare }) => {
  let client: MultiDbClient;
  let worker: Worker;
  let pushed: string[];

  beforeEach(async () => {
    if (prepare !== undefined) {
      await east.command(...prepare);
      await west.command(...prepare);
    }
    pushed = [];
  });

  const start = async (options = {}) => {
    client = await connected([east, west], options);
    worker = await startWorker(client, take);
  };

  const add = async (server: RedisServer, count = 1) => {
    for (let i = 0; i < count; i += 1) {
      pushed.push(`job ${pushed.length}`);
      await server.command(...push, pushed.at(-1) as string);
    }
  };
  const hasAll = (count: number) =>
    waitFor(() => worker.taken.length >= count, { what: `${count} jobs`, timeoutMs: 10_000 });
  const blocks = (server: RedisServer) =>
    waitFor(async () => (await server.info('blocked_clients')) === '1', { what: 'it to wait' });

  it('takes each job once over many switches by hand', async () => {
    await start({ failbackSupported: false });
    const sides = [east, west] as const;
    for (let turn = 0; turn < 12; turn += 1) {
      const next = client.setActiveDatabase(turn % 2 === 0 ? 'west' : 'east');
      // In the middle of the switch: on either side of it.
      await Promise.all([add(sides[turn % 2] as RedisServer, 3), next]);
      await add(sides[(turn + 1) % 2] as RedisServer, 2);
    }
    // What was pushed to a database after it had been left waits there.
    await client.setActiveDatabase('west');
    await client.setActiveDatabase('east');
    const waiting = await leftAt(west);
    await hasAll(pushed.length - waiting.length);
    expect([...worker.taken, ...waiting].sort()).toEqual([...pushed].sort());
    expect(worker.errors).toEqual([]);
  });

  /** Not taken by anybody. */
  async function leftAt(server: RedisServer): Promise<string[]> {
    if (left.length > 0) return (await server.command(...left)) as string[];
    const read = ['XREADGROUP', 'GROUP', 'workers', 'two', 'STREAMS', 'jobs', '>'];
    const streams = (await server.command(...read)) as [string, [string, string[]][]][] | null;
    return (streams ?? []).flatMap(([, messages]) =>
      messages.map(([, fields]) => String(fields[1])),
    );
  }

  it.each(['kill', 'freeze'] as const)('goes on elsewhere after a %s', async (fault) => {
    await start();
    await add(east, 5);
    await hasAll(5);
    await blocks(east);
    await east[fault]();
    await add(west, 5);
    await hasAll(10);
    expect(worker.taken).toEqual(pushed);
    await blocks(west);
    expect(client.activeDatabase).toBe('west');
    expect(worker.errors).toEqual([]);
  });

  it('takes each job once while its database is replaced again and again', async () => {
    await start();
    for (let turn = 0; turn < 12; turn += 1) {
      const same = { id: 'east', weight: 1, client: { url: east.url } };
      await Promise.all([add(east, 3), client.replaceDatabase('east', same)]);
      await add(east, 2);
    }
    await hasAll(pushed.length);
    expect([...worker.taken].sort()).toEqual([...pushed].sort());
    expect(worker.errors).toEqual([]);
  });

  it('is asked to let go of a database that is removed, and leaves nothing open there', async () => {
    await start();
    await blocks(east);
    await client.removeDatabase('east');
    await add(west, 2);
    await hasAll(2);
    const stats = String(await east.command('INFO', 'commandstats'));
    // Redis 6.2 counts subcommands together, those that it refuses as well.
    if (await isRedis7()) expect(stats).toMatch(/cmdstat_client\|unblock:calls=1,.*failed_calls=0/);
    await waitFor(async () => (await east.info('connected_clients')) === '1', {
      what: 'every connection to be closed but the one that asks',
    });
    expect(worker.errors).toEqual([]);
  });

  it('leaves no connection behind on a standby that holds none', async () => {
    await start({ standbyConnections: 'lazy', failbackSupported: false });
    await blocks(east);
    await client.setActiveDatabase('west');
    await blocks(west);
    await waitFor(
      async () => !/cmd=(blpop|xreadgroup) /.test(String(await east.command('CLIENT', 'LIST'))),
      { what: 'the connection of the worker to be closed' },
    );
  });

  it('goes back with a failback, and takes nothing twice', async () => {
    await start();
    await east.freeze();
    await active(client, 'west');
    await blocks(west);
    await add(west, 3);
    await hasAll(3);
    await east.thaw();
    await active(client, 'east');
    await blocks(east);
    await waitFor(async () => (await west.info('blocked_clients')) === '0', { what: 'to be left' });
    await add(east, 3);
    await hasAll(6);
    expect(worker.taken).toEqual(pushed);
    expect(worker.errors).toEqual([]);
  });

  it('is told of an outage of every database', async () => {
    await start();
    await blocks(east);
    // Only the worker's command is pending, so only that rejects in the outage.
    await Promise.all([east.kill(), west.kill()]);
    await waitFor(() => worker.errors.length > 0, { what: 'the worker to be told' });
    expect(worker.errors[0]).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    await west.restart();
    await active(client, 'west');
    expect(await client.ping()).toBe('PONG');
  });
});
