/** The name of a client and its other settings, which hold for each of its connections. */
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { isRedis7, type RedisServer, startCluster, waitFor } from '../kit/index.js';
import { keyOfEach, overCluster } from './cluster-support.js';
import { clientOf, connected, databases, errorOf, LONG_GRACE, own, servers } from './support.js';

const BY_HAND = { ...LONG_GRACE, failbackSupported: false, initialWaitMs: 10_000 };

/** The values of one field in CLIENT LIST, without those of connections that have none. */
async function listed(server: RedisServer, field: string): Promise<string[]> {
  const list = String(await server.command('CLIENT', 'LIST'));
  return list
    .trim()
    .split('\n')
    .map((line) => new RegExp(` ${field}=(\\S*)`).exec(line)?.[1] ?? '')
    .filter((value) => value !== '');
}

/** Resolves when a server has exactly `count` connections with this name. */
async function named(server: RedisServer, name: string, count: number): Promise<void> {
  let names: string[] = [];
  await waitFor(
    async () => {
      names = (await listed(server, 'name')).filter((each) => each === name);
      return names.length === count;
    },
    { what: `${count} connections called ${name}`, timeoutMs: 10_000 },
  );
}

it('the name holds on every connection: data, standby, subscriptions, transactions', async () => {
  const [east, west] = await servers();
  // With RESP 2 an open connection for subscriptions takes no other commands.
  const client = await connected([east, west], { ...BY_HAND, client: { RESP: 3 } });
  await client.subscribe('channel', () => {});
  expect(await client.clientSetName('orders')).toBe('OK');
  expect(await client.clientGetName()).toBe('orders');
  await named(east, 'orders', 2);
  await named(west, 'orders', 1);
  const inside = await client.transaction([], async (tx) => tx.clientGetName());
  expect(inside).toBe('orders');

  await client.setActiveDatabase('west');
  expect(await client.clientGetName()).toBe('orders');
  // A connection that is opened later has it before its first command.
  await west.command('CLIENT', 'KILL', 'TYPE', 'normal');
  expect(await client.clientGetName()).toBe('orders');
  expect(await client.sendCommand(['client', 'setname', 'billing'])).toBe('OK');
  await named(east, 'billing', 1);
  await named(west, 'billing', 2);
  expect(await client.multi().clientSetName('third').clientGetName().exec()).toEqual([
    'OK',
    'third',
  ]);
  await named(west, 'third', 2);

  await client.close();
  await client.connect();
  expect(await client.clientGetName()).toBe('third');
});

it('a name that the server refuses changes nothing', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], BY_HAND);
  await client.clientSetName('orders');
  const error = await errorOf(client.clientSetName('with spaces'));
  expect(error.message).toMatch(/^ERR Client names cannot contain spaces/);
  await client.setActiveDatabase('west');
  expect(await client.clientGetName()).toBe('orders');
});

it('a duplicate has a name of its own, given or not', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    ...BY_HAND,
    client: { name: 'first' },
  });
  const second = own(client.duplicate({ name: 'second' }));
  const third = own(second.duplicate());
  await Promise.all([second.connect(), third.connect()]);
  const names = (all: MultiDbClient[]) => Promise.all(all.map((each) => each.clientGetName()));
  expect(await names([client, second, third])).toEqual(['first', 'second', 'second']);
  await third.clientSetName('third');
  await client.setActiveDatabase('west');
  expect(await names([client, second, third])).toEqual(['first', 'second', 'third']);
  expect(() => client.duplicate({ name: 'two words' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', option: 'duplicate.name' }),
  );
});

it.runIf(await isRedis7())(
  'CLIENT NO-EVICT and the library of SETINFO are settings of the client, too',
  async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], BY_HAND);
    await client.clientNoEvict(true);
    // Data connections of the client only: health checks keep their own settings.
    const flags = async (server: RedisServer) =>
      (await listed(server, 'flags')).filter((each) => each.includes('e')).length;
    await waitFor(async () => (await flags(east)) === 1 && (await flags(west)) === 1, {
      what: 'NO-EVICT on both',
      timeoutMs: 10_000,
    });
    // Redis 7.0 knows neither SETINFO nor NO-TOUCH; what it refuses is not repeated elsewhere.
    const outcome = await client.sendCommand(['CLIENT', 'SETINFO', 'LIB-NAME', 'mine']).then(
      (reply) => reply,
      (error: Error) => error.message,
    );
    expect(outcome).toMatch(/^(OK$|ERR unknown subcommand)/i);
  },
);

it('each connection of a pool and each node of a cluster', async () => {
  const [east] = await servers(1);
  const cluster = await startCluster({ masters: 3 });
  const pool = { minimum: 2, maximum: 4 };
  const client = clientOf([], {
    ...BY_HAND,
    keepConnectingMs: 20_000,
    databases: [
      { ...databases([east])[0], id: 'east', topology: 'pool', pool },
      overCluster('west', cluster, 0.5),
    ] as never,
  });
  await client.connect();
  await client.clientSetName('orders');
  await named(east, 'orders', 2);
  await waitFor(() => client.isHealthy('west'), { what: 'the cluster', timeoutMs: 20_000 });
  for (const master of cluster.masters) await named(master, 'orders', 1);
  // Further connections of the pool.
  const popping = ['a', 'b', 'c'].map((key) => client.blPop(key, 0));
  await named(east, 'orders', 3);
  await east.command('MSET', 'unused', '1');
  for (const key of ['a', 'b', 'c']) await east.command('LPUSH', key, 'x');
  await Promise.all(popping);
  await client.setActiveDatabase('west');
  for (const key of keyOfEach(cluster)) await client.set(key, 'x');
});
