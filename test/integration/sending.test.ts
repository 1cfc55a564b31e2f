/**
 * How commands reach the socket: in order, whole, and known to be written or not, whichever way
 * they are handed to node-redis.
 */
import { constants } from 'node:buffer';
import { channel } from 'node:diagnostics_channel';
import * as library from '@redis/client';
import type { MultiDbClient } from 'redis-multidb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import { clientOf, connected, QUICK, servers, switchTo } from './support.js';

/** node-redis 6 traces commands there; what it traces is sent by its own `sendCommand`. */
const TRACE = 'tracing:node-redis:command:start';
const traces = 'DEFAULT_RESP' in library;

/** A later node-redis without what the direct way needs. */
function withoutUnpause(): () => void {
  const { prototype } = Object.getPrototypeOf(library.createClient({})).constructor;
  let owner = prototype;
  while (!Object.hasOwn(owner, '_unpause')) owner = Object.getPrototypeOf(owner);
  const { _unpause } = owner;
  owner._unpause = undefined;
  return () => {
    owner._unpause = _unpause;
  };
}

const ways: [string, () => () => void][] = [
  ['handed over as records', () => () => {}],
  [
    'while somebody traces',
    () => {
      const listener = () => {};
      channel(TRACE).subscribe(listener);
      return () => void channel(TRACE).unsubscribe(listener);
    },
  ],
  ['by sendCommand', withoutUnpause],
];

describe.each(ways)('%s', (_name, begin) => {
  let end: () => void;
  beforeEach(() => {
    end = begin();
  });
  afterEach(() => end());

  it('keeps the order of commands, transactions and pipelines', async () => {
    const client = await connected(await servers());
    const sent: Promise<unknown>[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      sent.push(client.rPush('list', `${turn} single`));
      sent.push(client.multi().rPush('list', `${turn} multi`).exec());
      sent.push(client.multi().rPush('list', `${turn} pipeline`).execAsPipeline());
    }
    await Promise.all(sent);
    const expected = Array.from({ length: 200 }, (_, turn) =>
      ['single', 'multi', 'pipeline'].map((kind) => `${turn} ${kind}`),
    );
    expect(await client.lRange('list', 0, -1)).toEqual(expected.flat());
  });

  it('keeps large Buffers whole behind a full socket', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], { suspectAfterMs: 30_000 });
    const value = (size: number, fill: number) => Buffer.alloc(size, fill);
    proxy.silence('both');
    const sizes = [100_000, 1, 20_000, 16_384, 5, 3_000_000, 70_000];
    const sent = sizes.map((size, index) =>
      client.set(`buffer:${index}`, value(size, 65 + index), {}),
    );
    const text = client.set('text', 'ü'.repeat(100_000));
    await new Promise((resolve) => setImmediate(resolve));
    await proxy.restore();
    await Promise.all([...sent, text]);
    for (const [index, size] of sizes.entries()) {
      const stored = await client.get(`buffer:${index}`);
      expect(stored?.length).toBe(size);
      expect(new Set(stored)).toEqual(new Set([String.fromCharCode(65 + index)]));
    }
    expect(await client.get('text')).toBe('ü'.repeat(100_000));
  });

  it('rejects what can not be encoded, and nothing beside it', async () => {
    const client = await connected(await servers());
    const outcomes = await Promise.allSettled([
      client.set('a', '1'),
      client.sendCommand(['SET', 'b', 5 as unknown as string]),
      client.sendCommand(['SET', undefined as unknown as string]),
      client.set('c', '3'),
      client
        .multi()
        .set('d', '4')
        .addCommand(['SET', 'e', {} as string])
        .exec(),
      client.get('c'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    const { reason } = outcomes[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(TypeError);
    expect(await client.mGet(['a', 'b', 'c', 'e'])).toEqual(['1', null, '3', null]);
  });

  it('rejects arguments that lie or throw, and nothing beside them', async () => {
    const client = await connected(await servers());
    const longer = Object.defineProperty(Buffer.from('abcdef'), 'length', { value: 3 });
    const fake = Object.create(Buffer.prototype, { length: { value: 3 } });
    const throwing = {
      toString: () => {
        throw new Error('toString');
      },
      get length() {
        throw new Error('length');
      },
    };
    const bad = [longer, fake, throwing, new String('text'), null, 5n, Symbol('s'), [], () => {}];
    for (const arg of bad as string[]) {
      const outcomes = await Promise.allSettled([
        client.set('a', '1'),
        client.sendCommand(['SET', 'b', arg]),
        client.sendCommand(['SET', arg, 'b']),
        client.sendCommand([arg]),
        client.multi().set('c', '2').addCommand(['SET', 'd', arg]).exec(),
        client.multi().set('c', '2').addCommand([arg]).execAsPipeline(),
        client.echo('e'),
      ]);
      expect(outcomes.map(({ status }) => status.at(0)).join('')).toBe('frrrrrf');
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(TypeError);
      }
    }
    expect(await client.exists(['b', 'c', 'd'])).toBe(0);
    expect(client.stats().pending).toBe(0);
  });

  it('refuses what no server would answer: the next reply would be taken for its own', async () => {
    const client = await connected(await servers());
    const none = 'expected an array that begins with the name of a command';
    const outcomes = await Promise.allSettled([
      client.sendCommand([]),
      client.echo('first'),
      client.sendCommand([null as unknown as string]),
      client.sendCommand('PING' as unknown as string[]),
      client.multi().addCommand([]).exec(),
      client.multi().set('key', '1').addCommand([]).execAsPipeline(),
      client
        .multi()
        .addCommand('SET' as unknown as string[])
        .exec(),
      client.echo('second'),
    ]);
    expect(outcomes).toEqual([
      { status: 'rejected', reason: new TypeError(`args: ${none}`) },
      { status: 'fulfilled', value: 'first' },
      { status: 'rejected', reason: new TypeError(`args: ${none}`) },
      { status: 'rejected', reason: new TypeError(`args: ${none}`) },
      { status: 'rejected', reason: new TypeError(`command 1: ${none}`) },
      { status: 'rejected', reason: new TypeError(`command 2: ${none}`) },
      { status: 'rejected', reason: new TypeError(`command 1: ${none}`) },
      { status: 'fulfilled', value: 'second' },
    ]);
    expect(await client.get('key')).toBeNull();
    expect(client.stats().pending).toBe(0);
  });

  it('takes back what waits behind a full socket, at a switch', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    // West stays healthy although this process and the servers are busy with 40 megabytes.
    const healthCheck = { ...QUICK.healthCheck, timeoutMs: 1000 };
    const client = await connected([proxy, west], { healthCheck });
    proxy.silence('both');
    const large = 'x'.repeat(2 ** 20);
    const first = Array.from({ length: 40 }, () => client.append('large', large));
    await new Promise((resolve) => setImmediate(resolve));
    const switched = switchTo(client, 'west');
    const later = Array.from({ length: 500 }, () => client.incr('counter'));
    await switched;
    // None of them was written: all ran once, on west.
    expect(await Promise.all(later)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    expect(await east.command('GET', 'counter')).toBeNull();
    client.destroy();
    await Promise.allSettled(first);
  });

  it('sends asap before what waits in the same turn', async () => {
    const client = await connected(await servers());
    const order = await Promise.all([
      client.rPush('order', 'a'),
      client.rPush('order', 'b'),
      (client.asap() as unknown as MultiDbClient).rPush('order', 'first'),
    ]);
    expect(order).toEqual([2, 3, 1]);
  });

  it('puts nothing into a transaction or pipeline that is partly written', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], {
      suspectAfterMs: 30_000,
      // However long the silence lasts on a busy machine, nothing is left.
      healthCheck: { ...QUICK.healthCheck, timeoutMs: 30_000 },
    });
    const asap = client.asap() as unknown as MultiDbClient;
    const large = Buffer.alloc(300_000, 'x');
    await client.set('k', 'v');
    for (const exec of ['exec', 'execAsPipeline'] as const) {
      await client.rPush('list', 'element');
      proxy.silence('both');
      const batch = client.multi();
      for (let index = 0; index < 60; index += 1) batch.set(`large:${index}`, large);
      const executed = batch[exec]();
      // Written as far as the socket takes it.
      await waitFor(() => proxy.bytes.toServer.received > large.length, { what: 'a part' });
      // Asks for the id of its connection.
      const popped = client.blPop('list', 5);
      const reads: Promise<unknown>[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        reads.push(asap.get('k'), client.get('k'));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await proxy.restore();
      expect(new Set(await Promise.all(reads))).toEqual(new Set(['v']));
      expect(await executed).toEqual(Array.from({ length: 60 }, () => 'OK'));
      expect(await popped).toMatchObject({ element: 'element' });
    }
  });

  it('settles everything when the client is destroyed in the same turn', async () => {
    const client = await connected(await servers());
    const sent = Array.from({ length: 100 }, () => client.incr('counter'));
    sent.push(client.multi().incr('counter').exec().then(Number));
    client.destroy();
    const outcomes = await Promise.allSettled(sent);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    for (const outcome of outcomes as PromiseRejectedResult[]) {
      expect(outcome.reason).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
    }
  });

  it('may be destroyed by who awaits a reply, with more replies in the same packet', async () => {
    const [east, west] = await servers();
    const client = clientOf([east, west]);
    await client.connect();
    const sent = Array.from({ length: 1000 }, (_, index) =>
      client.incr('counter').then((reply) => {
        if (index === 0) client.destroy();
        return reply;
      }),
    );
    const outcomes = await Promise.allSettled(sent);
    const replies = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(replies.length).toBeGreaterThan(0);
    await waitFor(async () => Number(await east.command('GET', 'counter')) > 0, {
      what: 'a count',
    });
  });
});

it('a text almost as long as a string can be goes out, and what is longer is refused', async () => {
  const [east, west] = await servers();
  await east.command('CONFIG', 'SET', 'client-query-buffer-limit', '4gb');
  const client = await connected([east, west], {
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 30_000 },
    suspectAfterMs: 30_000,
    commandTimeoutMs: 30_000,
  });
  const longest = constants.MAX_STRING_LENGTH;
  const outcomes = await Promise.allSettled([
    client.set('a', 'x'.repeat(200)),
    client.strLen('a'),
    client.sendCommand(['ECHO', 'x'.repeat(longest)]),
    client.multi().set('b', '1').set('c', 'x'.repeat(longest)).exec(),
    client.sendCommand(['STRLEN', 'x'.repeat(longest - 88)]),
    client.set('d', '2'),
  ]);
  expect(outcomes.map(({ status }) => status.at(0)).join('')).toBe('ffrrff');
  expect((outcomes[2] as PromiseRejectedResult).reason).toBeInstanceOf(RangeError);
  expect(await client.mGet(['b', 'd'])).toEqual([null, '2']);
});

it.runIf(traces)('node-redis goes on telling its tracing channel of every command', async () => {
  const seen: string[] = [];
  const listener = (message: unknown) => {
    seen.push((message as { command: string }).command);
  };
  const client = await connected(await servers());
  channel(TRACE).subscribe(listener);
  try {
    await Promise.all([client.set('a', '1'), client.get('a'), client.incr('n')]);
  } finally {
    channel(TRACE).unsubscribe(listener);
  }
  await client.get('a');
  expect(seen.filter((command) => command !== 'PING')).toEqual(['SET', 'GET', 'INCR']);
});
