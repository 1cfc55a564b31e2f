/** A cursor belongs to a server process: what becomes of scans when another one takes its place. */
import type { MultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  only,
  type RedisServer,
  startCluster,
  startProxy,
  startRedis,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import { keyOfEach, overCluster } from './cluster-support.js';
import { clientOf, errorOf, healthy } from './support.js';

const SIZE = 2000;
const SWITCHED = { code: 'DATABASE_SWITCHED', databaseId: 'east' };

async function fill(server: RedisServer): Promise<void> {
  const names = Array.from({ length: SIZE }, (_, index) => `m${index}`);
  await server.command('DEBUG', 'POPULATE', String(SIZE));
  await server.command('HSET', 'hash', ...names.flatMap((name) => [name, 'x'.repeat(80)]));
  await server.command('SADD', 'set', ...names);
  await server.command('ZADD', 'zset', ...names.flatMap((name, score) => [String(score), name]));
}

type Page = { cursor: unknown };
type Scan = (client: MultiDbClient, cursor: string) => Promise<Page>;
const BY_HAND: Readonly<Record<string, Scan>> = {
  SCAN: (client, cursor) => client.scan(cursor, { COUNT: 50 }),
  HSCAN: (client, cursor) => client.hScan('hash', cursor, { COUNT: 50 }),
  SSCAN: (client, cursor) => client.sScan('set', cursor, { COUNT: 50 }),
  ZSCAN: (client, cursor) => client.zScan('zset', cursor, { COUNT: 50 }),
};

async function overProxy(proxy: FaultProxy, options: object = {}) {
  const client = clientOf([proxy], { unhealthyAfterMs: 10_000, ...options });
  await client.connect();
  await healthy(client);
  return client;
}

const POOL = (proxy: FaultProxy) => ({
  databases: [
    {
      id: 'east',
      topology: 'pool' as const,
      client: { url: proxy.url },
      pool: { minimum: 3, maximum: 3 },
    },
  ],
});

/** New connections lead to `server`, and there are only new ones. */
async function move(client: MultiDbClient, proxy: FaultProxy, server: RedisServer) {
  proxy.moveTo(server);
  await cut(client, proxy);
}

/** All connections break, and the client has others. */
async function cut(client: MultiDbClient, proxy: FaultProxy) {
  // Behind it, the server has told which one it is.
  await client.ping();
  proxy.reset();
  await waitFor(() => client.ping().catch(() => false), { what: 'it to be connected again' });
}

/** All that an iterator answers; `disturb` is called after the third page. */
async function collect(pages: AsyncIterable<readonly string[]>, disturb: () => Promise<unknown>) {
  const seen = new Set<string>();
  let count = 0;
  for await (const page of pages) {
    for (const name of page) seen.add(name);
    count += 1;
    if (count === 3) await disturb();
  }
  return seen;
}

describe.each(['client', 'pool'])('an endpoint that leads to another server (%s)', (topology) => {
  it('ends scans by hand and iterators, or has them begin again', async () => {
    const [first, second] = await Promise.all([startRedis(), startRedis()]);
    await Promise.all([fill(first), fill(second)]);
    const proxy = await startProxy(first);
    const client = await overProxy(proxy, topology === 'pool' ? POOL(proxy) : {});
    const servers = [second, first, second];
    const next = () => move(client, proxy, servers.shift() as RedisServer);

    const scans = Object.values(BY_HAND);
    const pages = await Promise.all(scans.map((scan) => scan(client, '0')));
    const iterator = client.scanIterator({ COUNT: 50 });
    await iterator.next();
    await next();
    for (const [index, scan] of scans.entries()) {
      const error = errorOf(scan(client, String(pages[index]?.cursor)));
      expect(await error, Object.keys(BY_HAND)[index]).toMatchObject(SWITCHED);
    }
    expect(await errorOf(iterator.next())).toMatchObject(SWITCHED);
    const members = client.sScanIterator('set', { COUNT: 50 });
    expect(await errorOf(collect(members, next))).toMatchObject(SWITCHED);
    const view = client.withCommandOptions({ iterators: 'restart' });
    const seen = await collect(view.scanIterator({ COUNT: 50 }) as never, next);
    expect(seen.size).toBe(SIZE + 3);
  });

  it('does not mind a connection that breaks', async () => {
    const server = await startRedis();
    await fill(server);
    const proxy = await startProxy(server);
    const client = await overProxy(proxy, topology === 'pool' ? POOL(proxy) : {});
    const seen = await collect(client.scanIterator({ COUNT: 50 }), () => cut(client, proxy));
    expect(seen.size).toBe(SIZE + 3);
    for (const scan of Object.values(BY_HAND)) {
      const { cursor } = await scan(client, '0');
      await cut(client, proxy);
      await scan(client, String(cursor));
    }
  });
});

it('a restart of the server ends what it handed out', async () => {
  const server = await startRedis({ persist: true });
  await fill(server);
  const client = clientOf([server], { unhealthyAfterMs: 10_000 });
  await client.connect();
  const { cursor } = await client.scan('0');
  const error = errorOf(
    collect(client.sScanIterator('set', { COUNT: 50 }), async () => {
      await server.restart();
      await waitFor(() => client.ping().catch(() => false), { what: 'it to be back' });
    }),
  );
  expect(await error).toMatchObject(SWITCHED);
  expect(await errorOf(client.scan(cursor))).toMatchObject(SWITCHED);
});

it('where nobody may ask which server it is, a cursor ends with its connection', async () => {
  const server = await startRedis();
  await fill(server);
  await server.command('ACL', 'SETUSER', 'default', '-info');
  const proxy = await startProxy(server);
  const client = await overProxy(proxy);
  const whole = await collect(client.scanIterator({ COUNT: 50 }), async () => {});
  expect(whole.size).toBe(SIZE + 3);
  const { cursor } = await client.scan('0');
  await cut(client, proxy);
  expect(await errorOf(client.scan(cursor))).toMatchObject(SWITCHED);
});

it('equal cursors of several scans are told apart by their number', async () => {
  const [first, second] = await Promise.all([startRedis(), startRedis()]);
  await Promise.all([fill(first), fill(second)]);
  const proxy = await startProxy(first);
  const client = await overProxy(proxy);
  const [{ cursor }, again] = await Promise.all([client.scan('0'), client.scan('0')]);
  expect(again.cursor).toBe(cursor);
  await client.scan(cursor);
  await move(client, proxy, second);
  expect(await errorOf(client.scan(cursor))).toMatchObject(SWITCHED);
});

it('cursors of FT.AGGREGATE as well', async () => {
  const [first, second] = await Promise.all([startRedis(), startRedis()]);
  const proxy = await startProxy(first);
  const replies = (next: string) => `*2\r\n*1\r\n:1\r\n:${next}\r\n`;
  const answer = () =>
    proxy.answerWith(
      ([name]) => replies(name === 'FT.AGGREGATE' ? '77' : '78'),
      only('FT.AGGREGATE', 'FT.CURSOR'),
    );
  answer();
  const client = await overProxy(proxy);
  const send = (...args: string[]) => client.sendCommand(args);
  await send('FT.AGGREGATE', 'index', '*', 'WITHCURSOR', 'COUNT', '10');
  await cut(client, proxy);
  await send('FT.CURSOR', 'READ', 'index', '77');
  await move(client, proxy, second);
  expect(await errorOf(send('FT.CURSOR', 'READ', 'index', '78'))).toMatchObject(SWITCHED);
});

it('another master of a Sentinel deployment', async () => {
  const east = await startSentinel({ sentinels: 1, replicas: 1 });
  await fill(await east.master());
  const client = clientOf([], {
    databases: [
      {
        id: 'east',
        topology: 'sentinel',
        sentinel: { name: east.name, sentinelRootNodes: east.seeds },
      },
    ],
    unhealthyAfterMs: 10_000,
  });
  await client.connect();
  const failover = async () => {
    const former = await east.master();
    await waitFor(() => east.sentinels[0]?.command('SENTINEL', 'FAILOVER', east.name), {
      what: 'a failover to begin',
      timeoutMs: 10_000,
    });
    const next = await east.waitForFailover(former);
    const isThere = async () => {
      await client.set('there', '1').catch(() => {});
      return (await next.command('GET', 'there')) === '1';
    };
    await waitFor(isThere, { what: 'the client to follow' });
  };
  const { cursor } = await client.hScan('hash', '0', { COUNT: 50 });
  const error = errorOf(collect(client.scanIterator({ COUNT: 50 }), failover));
  expect(await error).toMatchObject(SWITCHED);
  expect(await errorOf(client.hScan('hash', cursor, { COUNT: 50 }))).toMatchObject(SWITCHED);
});

describe('a cluster', () => {
  it('whose master fails over or restarts: SCAN sees all, HSCAN ends', async () => {
    const cluster = await startCluster({ masters: 2, nodeTimeoutMs: 1000 });
    const client = clientOf([], { databases: [overCluster('east', cluster)] } as never);
    await client.connect();
    const keys = Array.from({ length: SIZE }, (_, index) => `k${index}`);
    for (const key of keys) void client.set(key, 'x');
    const [hash] = keyOfEach(cluster, 'h') as [string];
    const fields = keys.flatMap((key) => [key, 'x'.repeat(80)]);
    await client.sendCommand(['HSET', hash, ...fields]);
    const replica = cluster.replicas[0] as RedisServer;
    const failover = async () => {
      await replica.command('CLUSTER', 'FAILOVER');
      await waitFor(async () => String(await replica.command('ROLE')).startsWith('master'), {
        what: 'the replica to take over',
      });
    };
    const { cursor } = await client.hScan(hash, '0', { COUNT: 50 });
    const seen = await collect(client.scanIterator({ COUNT: 50 }), failover);
    expect(seen.size).toBe(SIZE + 1);
    expect(await errorOf(client.hScan(hash, cursor, { COUNT: 50 }))).toMatchObject(SWITCHED);
  });

  it('hands out the cursors of its masters when reads go to replicas', async () => {
    const cluster = await startCluster({ masters: 1 });
    const client = clientOf([], {
      databases: [overCluster('east', cluster, 1, { useReplicas: true })],
    } as never);
    await client.connect();
    const names = Array.from({ length: SIZE }, (_, index) => `m${index}`);
    await client.sAdd('set', names);
    const seen = await collect(client.sScanIterator('set', { COUNT: 50 }), async () => {});
    expect(seen.size).toBe(SIZE);
  });
});
