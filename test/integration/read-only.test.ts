/** A replica serves reads until it is promoted, with real replication and traffic. */
import { Redis } from 'ioredis';
import { createMultiDbClient, type MultiDbClient, type MultiDbClientOptions } from 'redis-multidb';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { expect, it } from 'vitest';
import { type RedisServer, startRedis, waitFor } from '../kit/index.js';
import { clientOf, databases, errorOf, healthy, own, Traffic } from './support.js';
import { LONG_GRACE } from './timing.js';

type PromotionContext = Parameters<NonNullable<MultiDbClientOptions['onPromotionNeeded']>>[0];

/** East takes writes, and west is its replica and up to date. */
async function masterAndReplica(): Promise<[RedisServer, RedisServer]> {
  const east = await startRedis();
  await east.command('SET', 'key', 'value');
  const west = await startRedis({ config: { replicaof: `127.0.0.1 ${east.port}` } });
  await waitFor(async () => (await west.command('GET', 'key')) === 'value', {
    what: 'the replica to have the data',
    timeoutMs: 20_000,
  });
  return [east, west];
}

async function connectedTo(
  targets: readonly RedisServer[],
  options: Partial<MultiDbClientOptions> = {},
  own: object = { writable: 'auto' },
): Promise<MultiDbClient> {
  const client = clientOf([], {
    ...LONG_GRACE,
    keepConnectingMs: 10_000,
    commandDeadlineMs: 60_000,
    databases: databases(targets).map((each) => ({ ...each, ...own })),
    ...options,
  } as Partial<MultiDbClientOptions>);
  await client.connect();
  await healthy(client);
  await waitFor(() => client.activeDatabase === 'east', { what: 'east to be active' });
  await waitFor(() => client.databases[1]?.readOnly === true, { what: 'west to be read-only' });
  return client;
}

it.each([
  ['client', {}],
  ['pool', { topology: 'pool', pool: { minimum: 2, maximum: 4 } }],
])(
  '%s: reads go on at the replica at once, and writes when it is promoted',
  async (_, topology) => {
    const [east, west] = await masterAndReplica();
    const calls: PromotionContext[] = [];
    const client = await connectedTo(
      [east, west],
      { onPromotionNeeded: (context) => calls.push(context) },
      { writable: 'auto', ...topology },
    );
    const reads = new Traffic(() => client.get('key'), { callers: 10 });
    await reads.flows(50);
    await east.kill();
    await waitFor(() => client.activeDatabase === 'west', { what: 'west to be active' });
    const writes = ['a', 'b', 'c'].map((key) => client.set(key, '1'));
    const counted = client.multi().incr('n').incr('n').exec();
    let calledBack = 0;
    const transferred = client.transaction('balance', async (tx) => {
      calledBack += 1;
      return tx.multi().incr('balance').exec();
    });
    const isPending = Promise.race([
      ...writes,
      counted,
      transferred,
      reads.flows(200).then(() => 'pending'),
    ]);
    expect(await isPending).toBe('pending');
    await waitFor(() => calls.length > 0, { what: 'the call' });
    expect(calls).toMatchObject([{ id: 'west', cause: expect.stringContaining('east') }]);
    expect(client.explain().toString()).toContain('serving reads only');
    expect(await calls[0]?.sendCommand(['REPLICAOF', 'NO', 'ONE'])).toEqual('OK');
    expect(await Promise.all(writes)).toEqual(['OK', 'OK', 'OK']);
    expect(await counted).toEqual([1, 2]);
    expect([await transferred, calledBack]).toEqual([[1], 1]);
    await reads.flows(50);
    await reads.stop();
    expect(reads.errors).toEqual([]);
    expect([await west.command('GET', 'n'), calls.length, calls[0]?.signal.aborted]).toEqual([
      '2',
      1,
      true,
    ]);
  },
);

it('writes reject with `readOnlyWrites: reject`, and a check that writes does not keep reads away', async () => {
  const [east, west] = await masterAndReplica();
  const { WriteReadStrategy } = await import('redis-multidb');
  const client = await connectedTo([east, west], {
    readOnlyWrites: 'reject',
    healthCheck: { ...LONG_GRACE.healthCheck, strategy: new WriteReadStrategy() },
  });
  await east.kill();
  await waitFor(() => client.activeDatabase === 'west', { what: 'west to be active' });
  expect(await errorOf(client.set('key', 'other'))).toMatchObject({
    code: 'NOT_WRITABLE',
    databaseId: 'west',
    maybeExecuted: false,
  });
  const transaction = client.transaction('key', (tx) => tx.multi().set('key', 'other').exec());
  expect(await errorOf(transaction)).toMatchObject({ code: 'NOT_WRITABLE', databaseId: 'west' });
  expect(await client.get('key')).toBe('value');
});

it('with the API of ioredis: reads go on, and writes and transactions when it is promoted', async () => {
  const [east, west] = await masterAndReplica();
  const redis = own(
    createMultiDbRedis({
      Redis,
      databases: [east, west].map(({ port }, at) => ({
        id: ['east', 'west'][at] as string,
        weight: 1 / (at + 1),
        redis: { port, host: '127.0.0.1' },
        writable: 'auto' as const,
      })),
      commandDeadlineMs: 60_000,
      ...LONG_GRACE,
    }),
  );
  await waitFor(() => redis.activeDatabase === 'east', { what: 'east', timeoutMs: 20_000 });
  await waitFor(() => redis.databases[1]?.readOnly === true, { what: 'west to be read-only' });
  await east.kill();
  await waitFor(() => redis.activeDatabase === 'west', { what: 'west to be active' });
  const written = redis.set('k', 'v');
  const counted = redis.transaction(['n'], (tx) => tx.multi().incr('n').exec());
  expect(await redis.get('key')).toBe('value');
  expect(await Promise.race([written, counted, redis.get('key')])).toBe('value');
  await west.command('REPLICAOF', 'NO', 'ONE');
  expect(await written).toBe('OK');
  expect(await counted).toEqual([[null, 1]]);
});

it('an active database that is demoted in the middle of writes is left for the promoted one', async () => {
  const [east, west] = await masterAndReplica();
  const client = await connectedTo([east, west]);
  let acknowledged = 0;
  const traffic = new Traffic(
    async () => {
      await client.incr('counter');
      acknowledged += 1;
    },
    { callers: 5 },
  );
  await traffic.flows(100);
  // As an operator changes the roles.
  await west.command('REPLICAOF', 'NO', 'ONE');
  await east.command('REPLICAOF', '127.0.0.1', String(west.port));
  await waitFor(() => client.activeDatabase === 'west', {
    what: 'west to be active',
    timeoutMs: 20_000,
  });
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(acknowledged).toBeGreaterThanOrEqual(200);
  await waitFor(() => client.databases[0]?.readOnly === true, {
    what: 'east to be known as a replica',
    timeoutMs: 20_000,
  });
  expect(client.isHealthy('east')).toBe(true);
});

it('refuses the option where the deployment finds its masters itself', () => {
  const create = (own: object) => () =>
    createMultiDbClient({ databases: [{ id: 'x', ...own }] } as unknown as MultiDbClientOptions);
  const url = 'redis://127.0.0.1:1';
  expect(create({ client: { url }, writable: true })).toThrow("writable: expected 'auto' or false");
  const cluster = { topology: 'cluster', cluster: { rootNodes: [{ url }] } };
  expect(create({ ...cluster, writable: 'auto' })).toThrow(
    'databases[0].writable: expected nothing for the topology cluster',
  );
});
