import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { type RedisServer, sleep, startProxy, waitFor } from '../kit/index.js';
import {
  clientOf,
  connected,
  connections,
  databases,
  recordEvents,
  QUICK as SHORT,
  servers,
} from './support.js';

/** A switch by hand lasts. */
const QUICK = { ...SHORT, failbackSupported: false };

/** Held by the server: a connection that waits for a list. */
const isBlocked = async (server: { info(field: string): Promise<unknown> }, count = 1) =>
  Number(await server.info('blocked_clients')) >= count;

it('goes on at the new database after a switch by hand', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], QUICK);
  await client.connect();
  const popped = client.blPop('list', 0);
  const behind = client.blPop('other', 30);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });

  await client.setActiveDatabase('west');
  await west.command('LPUSH', 'list', 'x');
  await west.command('LPUSH', 'other', 'y');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
  expect(await behind).toEqual({ key: 'other', element: 'y' });
  expect(await isBlocked(east)).toBe(false);
});

it.each([
  ['removed', (client) => client.removeDatabase('east')],
  [
    'replaced',
    (client, { url }) => client.replaceDatabase('east', { id: 'east', client: { url } }),
  ],
  [
    'left and then removed',
    async (client) => {
      await client.setActiveDatabase('west');
      await client.removeDatabase('east');
    },
  ],
] as [string, (client: MultiDbClient, west: RedisServer) => Promise<unknown>][])(
  'is called back from a database that is %s, and its connection is closed',
  async (_what, leave) => {
    const [east, west] = await servers();
    const client = await connected([east, west], QUICK);
    const popped = client.blPop('list', 0);
    await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });

    await leave(client, west);
    await waitFor(async () => !(await isBlocked(east)), { what: 'BLPOP to be called back' });
    await waitFor(async () => (await connections(east)) === 0, { what: 'no connection' });
    await east.command('RPUSH', 'list', 'stays');
    await west.command('RPUSH', 'list', 'x');
    expect(await popped).toEqual({ key: 'list', element: 'x' });
    expect(await east.command('LLEN', 'list')).toBe(1);
  },
);

it('does not wait for one that falls silent before it has called it back', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const socket = { connectTimeout: 700 };
  const client = await connected([proxy, west], { ...QUICK, client: { socket } });
  const popped = client.blPop('list', 0);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });

  client.once('switch', () => proxy.silence('both'));
  await client.setActiveDatabase('west');
  await west.command('RPUSH', 'list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
});

it('leaves no connection to a lazy standby', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { ...QUICK, standbyConnections: 'lazy' });
  const popped = client.blPop('list', 0);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  await client.setActiveDatabase('west');
  await west.command('RPUSH', 'list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
  await waitFor(async () => (await connections(east)) === 1, { what: 'that of the probes alone' });
});

it('takes nothing from the old database that it does not deliver', async () => {
  const [east, west] = await servers();
  // Each switch asks for a probe, which a busy machine answers late.
  const healthCheck = { ...QUICK.healthCheck, intervalMs: 10_000, timeoutMs: 10_000 };
  const client = clientOf([east, west], { ...QUICK, suspectAfterMs: 60_000, healthCheck });
  await client.connect();
  const taken: (string | undefined)[] = [];
  const pushed: string[] = [];
  let isOver = false;
  const worker = (async () => {
    while (!isOver) taken.push((await client.blPop('list', 1))?.element);
  })();
  for (let turn = 0; turn < 10; turn += 1) {
    const [server, next] = turn % 2 === 0 ? [east, 'west'] : [west, 'east'];
    pushed.push(`${turn}`);
    const switched = client.setActiveDatabase(next as string);
    await server?.command('RPUSH', 'list', `${turn}`);
    await switched;
  }
  // What was pushed to a database after it was left waits there.
  const left = async () => [
    ...((await east.command('LRANGE', 'list', '0', '-1')) as string[]),
    ...((await west.command('LRANGE', 'list', '0', '-1')) as string[]),
  ];
  isOver = true;
  await worker;
  const found = [...taken.filter((element) => element !== undefined), ...(await left())];
  expect(found.sort()).toEqual(pushed.sort());
});

it.each([
  ['active', ['east']],
  ['left', ['west', 'east']],
])('is not cut by a question to its database, %s, that waits behind it', async (_, ids) => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    ...QUICK,
    suspectAfterMs: 10_000,
    healthCheck: { intervalMs: 60_000, timeoutMs: 10_000, delayInBetweenProbesMs: 20 },
  });
  const popped = client.blPop('list', 0);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  // What the server answers is on its way for long; new connections are as fast as ever.
  proxy.silence('to-client', { scope: 'present' });
  await east.command('RPUSH', 'list', 'x');
  for (const id of ids) await client.setActiveDatabase(id);
  await sleep(500);
  await proxy.restore();
  expect(await popped).toEqual({ key: 'list', element: 'x' });
});

it.each(['kill', 'freeze'] as const)('goes on at the new database after a %s', async (fault) => {
  const [east, west] = await servers();
  const client = clientOf([east, west], QUICK);
  await client.connect();
  const popped = client.blPop('list', 0);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  await east[fault]();
  await waitFor(() => isBlocked(west), { what: 'BLPOP to block on the other' });
  await west.command('LPUSH', 'list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
});

it('keeps the block time that is left', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], QUICK);
  await client.connect();
  const order: string[] = [];
  const popped = client.blPop('list', 1.5).then((reply) => order.push(`popped ${reply}`));
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  const longer = new Promise((resolve) => setTimeout(resolve, 2600)).then(() => order.push('late'));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await client.setActiveDatabase('west');
  await Promise.all([popped, longer]);
  expect(order).toEqual(['popped null', 'late']);
});

it('tells the caller when its connection was cut and the database is healthy', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], QUICK);
  await client.connect();
  const popped = client.blPop('list', 0);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  await east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await expect(popped).rejects.toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  expect(client.activeDatabase).toBe('east');
});

it('sends no WAIT and no cursor to another database', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], QUICK);
  await client.connect();
  await east.command('DEBUG', 'POPULATE', '1000');
  await west.command('DEBUG', 'POPULATE', '1000');
  const pages = client.scanIterator();
  await pages.next();
  await client.setActiveDatabase('west');
  await expect(pages.next()).rejects.toMatchObject({ code: 'DATABASE_SWITCHED' });
  let seen = 0;
  for await (const keys of client.scanIterator()) seen += keys.length;
  expect(seen).toBe(1000);
});

const OTHERS_DEADLINES = {
  ...QUICK,
  commandTimeoutMs: 200,
  commandDeadlineMs: 400,
  commandRetry: { maxAttempts: 1 },
  failureDetector: { minNumOfFailures: 3, failureRateThreshold: 1 },
} as const;

/** Calls behind what blocks, each of which ends by its own deadline, for over two seconds. */
async function callBehind(call: () => Promise<unknown>): Promise<unknown[]> {
  const codes: Promise<unknown>[] = [];
  for (let count = 0; count < 22; count += 1) {
    codes.push(
      call().then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    await sleep(100);
  }
  return Promise.all(codes);
}

it('is not cut by the deadline of a command behind it', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], OTHERS_DEADLINES);
  const events = recordEvents(client);
  const first = client.blPop('list', 10);
  await waitFor(() => isBlocked(east), { what: 'BLPOP to block' });
  const before = await connections(east);
  const short = client.blPop('other', 0.3);
  const stream = client.xRead({ key: 'stream', id: '$' }, { BLOCK: 20_000 });
  const codes = await callBehind(() => client.get('key'));
  expect(new Set(codes)).toEqual(new Set(['COMMAND_TIMEOUT']));
  expect(await isBlocked(east)).toBe(true);

  await east.command('LPUSH', 'list', 'x');
  expect(await first).toEqual({ key: 'list', element: 'x' });
  // What is behind it begins to block now: its deadline counts the block times before it.
  expect(await short).toBeNull();
  await waitFor(() => isBlocked(east), { what: 'XREAD to block' });
  await sleep(500);
  await waitFor(() => isBlocked(east), { what: 'XREAD to block' });
  expect(new Set(await callBehind(() => client.get('key')))).toEqual(new Set(['COMMAND_TIMEOUT']));
  await east.command('XADD', 'stream', '*', 'field', 'value');
  expect(await stream).toHaveLength(1);
  await expect(client.get('key')).resolves.toBeNull();
  expect(await connections(east)).toEqual(before);
  expect(events.of('switch')).toEqual([]);
  expect(events.of('breaker-open')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
});

it('is not cut by what waits for a connection of its pool', async () => {
  const [east, west] = await servers();
  const pool = { minimum: 1, maximum: 2, acquireTimeout: 10_000, cleanupDelay: 60_000 };
  const client = await connected([], {
    ...OTHERS_DEADLINES,
    databases: databases([east, west]).map((each) => ({
      ...each,
      ...{ topology: 'pool' as const, pool },
    })),
  });
  const popped = [client.blPop('list', 10), client.blPop('list', 10)];
  await waitFor(() => isBlocked(east, 2), { what: 'both to block' });
  const third = client.blPop('other', 0.1).catch((error) => error.code);
  const codes = await callBehind(() => client.get('key'));
  expect(new Set(codes)).toEqual(new Set(['COMMAND_TIMEOUT']));
  // In a pool no command is sent behind them.
  expect(await third).toBe('COMMAND_TIMEOUT');
  await east.command('RPUSH', 'list', 'x', 'y');
  expect(await Promise.all(popped)).toEqual([
    { key: 'list', element: 'x' },
    { key: 'list', element: 'y' },
  ]);
});
