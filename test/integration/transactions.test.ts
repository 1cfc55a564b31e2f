import { ErrorReply, MultiErrorReply } from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startProxy, waitFor } from '../kit/index.js';
import { connected, databases, errorOf, own, QUICK, servers } from './support.js';

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

it('executes as one, with typed replies, on whichever database is active', async () => {
  // A failback would return to east.
  const client = await connected([east, west], { failbackSupported: false });
  for (const id of ['east', 'west']) {
    await client.setActiveDatabase(id);
    const replies = await client
      .multi()
      .set('key', id)
      .get('key')
      .hSet('hash', 'a', '1')
      .hGetAll('hash')
      .exec();
    expect(replies.slice(0, 3)).toEqual(['OK', id, 1]);
    expect({ ...(replies[3] as unknown as object) }).toEqual({ a: '1' });
    expect(await client.multi().incr('counter').incr('counter').execTyped()).toEqual([1, 2]);
  }
});

it('takes maps of RESP 3 as the first of two replies', async () => {
  const client = await connected([east, west], { client: { RESP: 3 } });
  await client.hSet('hash', 'a', '1');
  const [hash, missing] = await client.multi().hGetAll('hash').get('missing').exec();
  expect({ ...(hash as unknown as object) }).toEqual({ a: '1' });
  expect(missing).toBeNull();
});

it('shows nothing of a transaction to others before its end', async () => {
  const client = await connected([east, west]);
  const transactions = Array.from({ length: 50 }, () => client.multi().incr('a').incr('b').exec());
  const others = Array.from({ length: 50 }, () => client.mGet(['a', 'b']));
  for (const pair of await Promise.all(others)) expect(pair[0]).toBe(pair[1]);
  const replies = await Promise.all(transactions);
  for (const [a, b] of replies) expect(a).toBe(b);
});

it('pipelines without a transaction', async () => {
  const client = await connected([east, west]);
  expect(await client.multi().set('key', '1').incr('key').execAsPipeline()).toEqual(['OK', 2]);
  expect(await client.multi().exec()).toEqual([]);
});

it('reports error replies within as node-redis does', async () => {
  const client = await connected([east, west]);
  await client.set('text', 'value');
  const error = await errorOf(client.multi().set('key', '1').lPush('text', 'x').incr('key').exec());
  expect(error).toBeInstanceOf(MultiErrorReply);
  const { replies, errorIndexes } = error as unknown as MultiErrorReply;
  expect(errorIndexes).toEqual([1]);
  expect(replies[0]).toBe('OK');
  expect(replies[1]).toBeInstanceOf(ErrorReply);
  expect(replies[2]).toBe(2);
});

it('reports a transaction that the server discarded', async () => {
  const client = await connected([east, west]);
  const error = await errorOf(client.multi().set('key', '1').addCommand(['NONSENSE']).exec());
  expect(error.message).toMatch(/EXECABORT|ERR unknown command/);
  expect(await client.get('key')).toBeNull();
  expect(await client.ping()).toBe('PONG');
});

it('has modules and scripts in it, and a key prefix', async () => {
  const client = own(
    createMultiDbClient({
      ...QUICK,
      databases: databases([east, west]),
      client: { keyPrefix: 'app:' } as never,
    }),
  );
  await client.connect();
  await client.multi().set('key', '1').incr('key').exec();
  await client.mSet({ a: '1', b: '2' });
  const keys = (await east.command('KEYS', '*')) as string[];
  // Version 5 has no key prefix.
  const prefix = keys.some((key) => key.startsWith('app:')) ? 'app:' : '';
  expect(keys.sort()).toEqual(['a', 'b', 'key'].map((key) => prefix + key).sort());
  expect(await client.mGet(['a', 'b', 'key'])).toEqual(['1', '2', '2']);
});

it('does not repeat a transaction whose outcome is unknown', async () => {
  const proxy = await startProxy(east);
  const client = await connected([proxy, west]);
  await client.incr('counter');
  proxy.silence('to-client', { scope: ({ seen }) => seen.has('INCR') });
  const failed = errorOf(client.multi().incr('counter').exec());
  await waitFor(async () => (await east.command('GET', 'counter')) === '2', { what: 'EXEC' });
  proxy.refuse();
  proxy.reset();
  expect(await failed).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  expect(await client.get('counter')).toBeNull();
});

describe('a switch in the middle', () => {
  const BY_HAND = { failbackSupported: false };
  type Client = Awaited<ReturnType<typeof connected>>;
  const KINDS: Record<string, (client: Client) => Promise<unknown[]>> = {
    exec: (client) => client.multi().incr('a').incr('b').exec(),
    execTyped: (client) => client.multi().incr('a').incr('b').execTyped(),
    execAsPipeline: (client) => client.multi().incr('a').incr('b').execAsPipeline(),
  };

  it.each(Object.entries(KINDS))('%s goes to one database as a whole', async (_name, run) => {
    const client = await connected([east, west], BY_HAND);
    const results: Promise<unknown[]>[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      // Some are written, some not yet, when the active database changes.
      for (let count = 0; count < 50; count += 1) results.push(run(client));
      await client.setActiveDatabase(turn % 2 === 0 ? 'west' : 'east');
    }
    for (const reply of await Promise.all(results)) expect(reply[0]).toBe(reply[1]);
    const sums = [await east.command('MGET', 'a', 'b'), await west.command('MGET', 'a', 'b')];
    for (const [a, b] of sums as string[][]) expect(a).toBe(b);
    const total = (sums as string[][]).reduce((sum, [a]) => sum + Number(a ?? 0), 0);
    expect(total).toBe(results.length);
  });

  it.each(Object.entries(KINDS))('%s that was not written goes on at the next', async (_n, run) => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], { ...BY_HAND, unhealthyAfterMs: 60_000 });
    // Executed while there is no connection to the active one.
    proxy.refuse();
    proxy.reset();
    await waitFor(() => !client.isReady, { what: 'the loss to be noticed' });
    const reply = run(client);
    await client.setActiveDatabase('west');
    expect(await reply).toEqual([1, 1]);
    expect(await east.command('MGET', 'a', 'b')).toEqual([null, null]);
    expect(await west.command('MGET', 'a', 'b')).toEqual(['1', '1']);
  });

  it.each(Object.entries(KINDS))('%s whose outcome is unknown is told', async (_name, run) => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], BY_HAND);
    await client.incr('other');
    proxy.silence('to-client', { scope: ({ seen }) => seen.has('INCR') });
    const failed = errorOf(run(client));
    await waitFor(async () => (await east.command('GET', 'b')) === '1', { what: 'it to run' });
    proxy.refuse();
    proxy.reset();
    expect(await failed).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect(await client.mGet(['a', 'b'])).toEqual([null, null]);
    expect(client.activeDatabase).toBe('west');
  });
});

it.each(['exec', 'execAsPipeline'] as const)(
  'executes nothing with %s if one of the commands cannot be encoded',
  async (run) => {
    const client = await connected([east, west]);
    const multi = client
      .multi()
      .set('a', '1')
      .addCommand(['SET', 'b', undefined] as never)
      .set('c', '1');
    const error = await errorOf(multi[run]());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('command 2 (SET)');
    expect(error.maybeExecuted).toBeUndefined();
    expect(await east.command('DBSIZE')).toBe(0);
    expect(await client.ping()).toBe('PONG');
  },
);
