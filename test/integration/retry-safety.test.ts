/** What may have been executed is repeated only if repeating it is harmless, or allowed. */
import { ConnectionLostError } from 'redis-multidb';
import { beforeEach, expect, it } from 'vitest';
import { type FaultProxy, type RedisServer, startProxy, turns, waitFor } from '../kit/index.js';
import { connected, errorOf, servers } from './support.js';

let east: RedisServer;
let west: RedisServer;
let proxy: FaultProxy;

beforeEach(async () => {
  [east, west] = await servers();
  proxy = await startProxy(east);
});

/** Executes on east, loses the reply, and then the database. */
async function loseReply(executed: () => Promise<boolean>): Promise<void> {
  await waitFor(executed, { what: 'it to be executed' });
  proxy.refuse();
  proxy.reset();
}

const dataOnly = { scope: ({ seen }: { seen: ReadonlySet<string> }) => seen.has('EXISTS') };

it('fails a write in flight, and does not execute it twice', async () => {
  const client = await connected([proxy, west]);
  await client.exists('mark');
  proxy.silence('to-client', dataOnly);
  const failed = errorOf(client.incr('counter'));
  await loseReply(async () => (await east.command('GET', 'counter')) === '1');
  const error = await failed;
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect(error).toMatchObject({
    code: 'CONNECTION_LOST',
    maybeExecuted: true,
    databaseId: 'east',
    cause: expect.any(Error),
  });
  expect(await client.get('counter')).toBeNull();
  expect(await east.command('GET', 'counter')).toBe('1');
});

it.each([
  ['withRetrySafety', {}, true],
  ['commandRetry.safety', { commandRetry: { safety: 'accumulating' } }, false],
] as const)('repeats it when %s allows it', async (_how, options, perCall) => {
  const client = await connected([proxy, west], options);
  await client.exists('mark');
  proxy.silence('to-client', dataOnly);
  const daring = perCall ? client.withRetrySafety('accumulating') : client;
  const counted = daring.incr('counter');
  await loseReply(async () => (await east.command('GET', 'counter')) === '1');
  expect(await counted).toBe(1);
  expect(await west.command('GET', 'counter')).toBe('1');
});

it('withRetrySafety can forbid what the options allow', async () => {
  const client = await connected([proxy, west], { commandRetry: { safety: 'accumulating' } });
  await client.exists('mark');
  proxy.silence('to-client', dataOnly);
  const failed = errorOf(client.withRetrySafety('read').incr('counter'));
  await loseReply(async () => (await east.command('GET', 'counter')) === '1');
  expect(await failed).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  expect(await west.command('GET', 'counter')).toBeNull();
});

it('repeats a read whose outcome is unknown', async () => {
  const client = await connected([proxy, west]);
  await client.exists('mark');
  await west.command('SET', 'key', 'west');
  proxy.silence('to-client', dataOnly);
  const misses = Number(await east.info('keyspace_misses'));
  const read = client.get('key');
  await loseReply(async () => Number(await east.info('keyspace_misses')) > misses);
  expect(await read).toBe('west');
});

it('sends what was not written to the next database, once', async () => {
  const client = await connected([east, west], {
    suspectAfterMs: 60_000,
    healthCheck: { intervalMs: 600_000 },
  });
  await east.freeze();
  // More than the sockets hold, so that the rest stays in the queue.
  const block = 'x'.repeat(1024 * 1024);
  const blocks = Array.from({ length: 64 }, (_, i) =>
    client.set(`block:${i}`, block).then(
      () => 'moved',
      (error) => error,
    ),
  );
  const counted = Promise.allSettled(Array.from({ length: 100 }, () => client.incr('counter')));
  await turns(20);
  await east.kill();

  expect(await counted).toEqual(
    Array.from({ length: 100 }, (_, i) => ({ status: 'fulfilled', value: i + 1 })),
  );
  expect(await west.command('GET', 'counter')).toBe('100');
  const outcomes = await Promise.all(blocks);
  const lost = outcomes.filter((outcome) => outcome !== 'moved');
  for (const error of lost) {
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  }
  // Some were written and some were not, or this test shows nothing.
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.length).toBeLessThan(64);
  expect(Number(await west.command('DBSIZE'))).toBe(64 - lost.length + 1);
});

it('keeps the order of one caller’s commands over a switch', async () => {
  const client = await connected([east, west]);
  await east.freeze();
  const block = 'x'.repeat(1024 * 1024);
  const blocks = Array.from({ length: 32 }, () => client.set('block', block).catch(() => {}));
  const pushed = Array.from({ length: 500 }, (_, i) =>
    client.rPush('list', String(i)).catch(() => {}),
  );
  await turns(20);
  await east.kill();
  await Promise.all([...blocks, ...pushed]);
  expect(await west.command('LRANGE', 'list', '0', '-1')).toEqual(
    Array.from({ length: 500 }, (_, i) => String(i)),
  );
});

it('gives up after maxAttempts', async () => {
  const client = await connected([proxy], {
    commandRetry: { maxAttempts: 3, waitDurationMs: 1 },
  });
  let asked = 0;
  proxy.answerWith((command) => {
    if (command[0] !== 'GET') return undefined;
    asked += 1;
    return '-LOADING Redis is loading the dataset in memory';
  });
  expect((await errorOf(client.get('key'))).message).toMatch(/^LOADING/);
  expect(asked).toBe(3);
});

it('does not wait for the next attempt when the active database changes', async () => {
  const client = await connected([proxy, west], {
    commandRetry: { waitDurationMs: 3_600_000 },
    commandDeadlineMs: 7_200_000,
  });
  proxy.answerWith((command) =>
    command[0] === 'GET' ? '-LOADING Redis is loading the dataset in memory' : undefined,
  );
  const read = client.get('key');
  await waitFor(() => Number(client.databases[0]?.failures) > 0, { what: 'an attempt to fail' });
  await client.setActiveDatabase('west');
  expect(await read).toBeNull();
});

it('sends nothing again that was answered by an error of the application', async () => {
  const client = await connected([proxy, west], { commandRetry: { safety: 'admin' } });
  let asked = 0;
  proxy.answerWith((command) => {
    if (command[0] !== 'INCR') return undefined;
    asked += 1;
    return '-ERR value is not an integer or out of range';
  });
  await errorOf(client.incr('key'));
  expect(asked).toBe(1);
});
