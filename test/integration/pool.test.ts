/** Databases of topology `pool`: several connections, each with one command at a time. */
import type { MultiDbClient, MultiDbClientOptions, PoolOptions } from 'redis-multidb';
import { expect, it } from 'vitest';
import { expectNoLeaks, type RedisServer, startProxy, waitFor } from '../kit/index.js';
import {
  clientOf,
  connected,
  connections,
  databases,
  errorOf,
  healthy,
  QUICK,
  recordEvents,
  servers,
  switchTo,
  type Target,
  Traffic,
} from './support.js';

/** A switch by hand lasts. */
const BY_HAND = { failbackSupported: false };

function pools(targets: readonly Target[], pool: PoolOptions): Partial<MultiDbClientOptions> {
  return {
    databases: databases(targets).map((each) => ({ ...each, topology: 'pool' as const, pool })),
  };
}

const pooled = (targets: readonly Target[], pool: PoolOptions = {}, options = {}) =>
  connected(targets, { ...pools(targets, pool), ...options });

/** Ids of a server's data connections: all but the prober's and the one that asks. */
async function dataConnections(server: RedisServer): Promise<number> {
  return (await connections(server)) - 1;
}

async function holds(server: RedisServer, count: number): Promise<void> {
  await waitFor(async () => (await dataConnections(server)) === count, {
    what: `${count} data connections`,
    timeoutMs: 5000,
  });
}

const blocked = (server: RedisServer, count: number) =>
  waitFor(async () => Number(await server.info('blocked_clients')) === count, {
    what: `${count} blocked connections`,
    timeoutMs: 5000,
  });

it('keeps the minimum, grows to the maximum and shrinks again', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 2, maximum: 5, cleanupDelay: 100 });
  await holds(east, 2);
  await holds(west, 2);

  const popped = Array.from({ length: 5 }, (_, index) => client.blPop(`list ${index}`, 0));
  await blocked(east, 5);
  await holds(east, 5);
  for (let index = 0; index < 5; index += 1) await east.command('LPUSH', `list ${index}`, 'x');
  await Promise.all(popped);
  await holds(east, 2);
  await client.close();
  await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
});

it('a minimum of 0 keeps none, and the next command opens one', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 0, cleanupDelay: 20 });
  await holds(east, 0);
  expect(client.isReady).toBe(true);
  expect(await client.set('k', 'v')).toBe('OK');
  await holds(east, 0);
});

it('a command that blocks delays no other', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { maximum: 3 });
  const popped = client.blPop('list', 0);
  await blocked(east, 1);
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await Promise.all([client.get('k'), client.incr('n')])).toEqual(['v', 1]);
  await client.lPush('list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
});

it('a command that finds no free connection in time fails, is not sent and is no failure', async () => {
  const [east, west] = await servers();
  const client = await pooled(
    [east, west],
    { maximum: 2, acquireTimeout: 150 },
    { failureDetector: { minNumOfFailures: 1, failureRateThreshold: 1 } },
  );
  const events = recordEvents(client);
  const popped = [client.blPop('a', 0), client.blPop('b', 0)];
  await blocked(east, 2);
  const late = await Promise.all(
    Array.from({ length: 3 }, () => errorOf(client.incr('n') as Promise<unknown>)),
  );
  for (const error of late) {
    expect(error).toMatchObject({ code: 'ACQUIRE_TIMEOUT', maybeExecuted: false });
    expect(error.databaseId).toBe('east');
  }
  for (const list of ['a', 'b']) await east.command('LPUSH', list, 'x');
  await Promise.all(popped);
  expect(await east.command('EXISTS', 'n')).toBe(0);
  expect(events.switches).toEqual([]);
  expect(events.of('breaker-open')).toEqual([]);
});

it('a connection that becomes free serves what waits, in order', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { maximum: 2, acquireTimeout: 60_000 });
  const popped = [client.blPop('a', 0), client.blPop('b', 0)];
  await blocked(east, 2);
  const waiting = [client.incr('n'), client.incr('n')];
  await east.command('LPUSH', 'a', 'x');
  expect(await Promise.all(waiting)).toEqual([1, 2]);
  await east.command('LPUSH', 'b', 'x');
  await Promise.all(popped);
});

it('transactions and pipelines have a connection for themselves', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 3, maximum: 3 });
  const all = await Promise.all(
    Array.from({ length: 30 }, () => client.multi().incr('n').incr('n').exec()),
  );
  // Nothing came between the two of a transaction.
  for (const [first, second] of all) expect(Number(second)).toBe(Number(first) + 1);
  const piped = await client.multi().set('k', 'v').get('k').execAsPipeline();
  expect(piped.map(String)).toEqual(['OK', 'v']);
});

it('executes each command once, when members are killed under traffic', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 5, maximum: 10 });
  const events = recordEvents(client);
  let issued = 0;
  const unknown = { count: 0 };
  const traffic = new Traffic(
    async () => {
      issued += 1;
      await client.incr('n').catch((error) => {
        if (error.code !== 'CONNECTION_LOST') throw error;
        unknown.count += 1;
      });
    },
    { callers: 50 },
  );
  for (let turn = 0; turn < 5; turn += 1) {
    await traffic.flows(300);
    const list = String(await east.command('CLIENT', 'LIST', 'TYPE', 'normal'));
    const ids = list
      .split('\n')
      .flatMap((line) => (line.includes('cmd=incr') ? [line.split(' ')[0]?.slice(3)] : []));
    for (const id of ids.slice(0, 2)) await east.command('CLIENT', 'KILL', 'ID', String(id));
  }
  await traffic.flows(300);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  const counted = Number(await east.command('GET', 'n'));
  expect(counted).toBeLessThanOrEqual(issued);
  expect(counted).toBeGreaterThanOrEqual(issued - unknown.count);
  expect(events.switches).toEqual([]);
});

it('stays when every connection of it is killed, however touchy the breaker', async () => {
  const [east, west] = await servers();
  const client = await pooled(
    [east, west],
    { minimum: 8, maximum: 8 },
    { failureDetector: { minNumOfFailures: 3, failureRateThreshold: 1 } },
  );
  const events = recordEvents(client);
  const popped = Array.from({ length: 8 }, (_, index) => errorOf(client.blPop(`l${index}`, 0)));
  await blocked(east, 8);
  await east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  for (const error of await Promise.all(popped)) {
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  }
  expect(await client.set('k', 'v')).toBe('OK');
  await holds(east, 8);
  expect(events.switches).toEqual([]);
  expect(events.of('breaker-open')).toEqual([]);
});

it('a blocking command whose own connection was cut is told, while the others go on', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 3 });
  const events = recordEvents(client);
  const popped = errorOf(client.blPop('list', 0));
  await blocked(east, 1);
  const list = String(await east.command('CLIENT', 'LIST', 'TYPE', 'normal'));
  const id = /id=(\d+) .*cmd=blpop/.exec(list)?.[1];
  const other = client.blPop('other', 0);
  await blocked(east, 2);
  await east.command('CLIENT', 'KILL', 'ID', String(id));
  expect(await popped).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  await client.lPush('other', 'x');
  expect(await other).toEqual({ key: 'other', element: 'x' });
  await holds(east, 3);
  expect(events.switches).toEqual([]);
});

it.each(['kill', 'freeze'] as const)('follows the active database after a %s', async (fault) => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { minimum: 3, maximum: 6 });
  const popped = [client.blPop('a', 0), client.blPop('b', 0)];
  await blocked(east, 2);
  const reads = new Traffic(() => client.get('k'), { callers: 20 });
  await reads.flows(200);
  const switched = switchTo(client, 'west');
  await east[fault]();
  await switched;
  await reads.flows(200);
  await reads.stop();
  expect(reads.errors).toEqual([]);
  await blocked(west, 2);
  await west.command('LPUSH', 'a', '1');
  await west.command('LPUSH', 'b', '2');
  expect((await Promise.all(popped)).map((each) => each?.element)).toEqual(['1', '2']);
});

it('what blocks goes on at the new database after a switch by hand, what waits as well', async () => {
  const [east, west] = await servers();
  const client = await pooled([east, west], { maximum: 2 }, BY_HAND);
  const popped = [client.blPop('a', 0), client.blPop('b', 0)];
  await blocked(east, 2);
  const waiting = [client.lPush('b', '1'), client.lPush('a', '2')];
  const west2 = clientOf([west], {});
  await west2.connect();
  await client.setActiveDatabase('west');
  // Both connections of the pool may block at west, while the others wait for them.
  await west2.lPush('a', 'x');
  await west2.lPush('b', 'y');
  expect((await Promise.all(popped)).length).toBe(2);
  expect((await Promise.all(waiting)).length).toBe(2);
  await blocked(east, 0);
  expect(await east.command('DBSIZE')).toBe(0);
});

it('notices one silent member while the others deliver, and replaces it', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await pooled([proxy, west], { minimum: 4, maximum: 4 });
  await healthy(client);
  const events = recordEvents(client);
  const probes = () => client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  const traffic = new Traffic(() => client.set('k', 'v'), { callers: 8 });
  await traffic.flows(200);
  const victim = proxy.openConnections.find((each) => each.seen.has('SET'));
  proxy.silence('both', { mode: 'drop', scope: (each) => each === victim });
  const at = Date.now();
  await waitFor(() => probes() > at, { what: 'a probe round after the silence' });
  await waitFor(() => traffic.errors.length > 0, { what: 'the end of what is silent' });
  await traffic.flows(500);
  await traffic.stop();
  expect(traffic.errors).toHaveLength(1);
  expect(traffic.errors[0]).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  await waitFor(async () => (await dataConnections(east)) >= 4, { what: 'a new member' });
  expect(events.switches).toEqual([]);
});

it('serves with fewer connections than its minimum when the server allows no more', async () => {
  const [east, west] = await servers();
  await east.command('CONFIG', 'SET', 'maxclients', '6');
  const client = clientOf([east, west], pools([east, west], { minimum: 10, maximum: 20 }));
  await client.connect();
  expect(await client.set('k', 'v')).toBe('OK');
});

it('a pool stands beside a single server', async () => {
  const [east, west] = await servers();
  const [first, second] = databases([east, west]);
  const client = clientOf([], {
    databases: [{ ...first, topology: 'pool', pool: { minimum: 2 } }, { ...second }],
  } as Partial<MultiDbClientOptions>);
  await client.connect();
  await healthy(client);
  expect(await client.set('k', 'east')).toBe('OK');
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  expect(await client.set('k', 'west')).toBe('OK');
  const returned = switchTo(client, 'east');
  await east.restart();
  await returned;
  expect(await client.set('k', 'again')).toBe('OK');
  expect(await east.command('GET', 'k')).toBe('again');
});

it('destroy ends everything at once, close waits', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const client: MultiDbClient = clientOf([east, west], pools([east, west], { maximum: 3 }));
    await client.connect();
    const popped = Array.from({ length: 6 }, () => errorOf(client.blPop('list', 0)));
    await blocked(east, 3);
    client.destroy();
    const errors = await Promise.all(popped);
    expect(errors.map((error) => error.code)).toEqual(Array(6).fill('CLIENT_CLOSED'));
    expect(errors.filter((error) => error.maybeExecuted)).toHaveLength(3);
    await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });

    await client.connect();
    const last = client.incr('n');
    await client.close();
    expect(await last).toBe(1);
  });
});

it('joins and leaves while commands are running', async () => {
  const [east, west] = await servers();
  const client = await pooled([east], { minimum: 2 }, QUICK);
  const traffic = new Traffic(() => client.incr('n'), { callers: 10 });
  await traffic.flows(100);
  await client.addDatabase({
    id: 'better',
    weight: 5,
    topology: 'pool',
    pool: { minimum: 2 },
    client: { url: west.url },
  });
  await waitFor(() => client.activeDatabase === 'better', { what: 'the better one' });
  await traffic.flows(100);
  await client.removeDatabase('better');
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  await waitFor(async () => (await connections(west)) === 0, { what: 'no connection' });
});
