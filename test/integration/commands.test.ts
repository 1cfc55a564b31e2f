import { defineScript } from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../kit/index.js';
import { isRedis7 } from '../kit/index.js';
import { connected, databases, errorOf, own, QUICK, servers } from './support.js';

const since7 = it.runIf(await isRedis7());

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

it('has the typed commands of node-redis, in both spellings', async () => {
  const client = await connected([east, west]);
  expect(await client.set('key', 'value', { expiration: { type: 'EX', value: 100 } })).toBe('OK');
  expect(await client.GET('key')).toBe('value');
  expect(await client.hSet('hash', { a: '1', b: '2' })).toBe(2);
  expect({ ...(await client.hGetAll('hash')) }).toEqual({ a: '1', b: '2' });
  expect(await client.zAdd('sorted', [{ value: 'x', score: 1.5 }])).toBe(1);
  expect(await client.zRangeWithScores('sorted', 0, -1)).toEqual([{ value: 'x', score: 1.5 }]);
  expect(await client.mGet(['key', 'none'])).toEqual(['value', null]);
  expect(await client.exists('none')).toBe(0);
  expect(await client.eval('return ARGV[1]', { arguments: ['x'] })).toBe('x');
  expect(await client.ping()).toBe('PONG');
});

it('sends raw commands, strings and Buffers', async () => {
  const client = await connected([east, west]);
  expect(await client.sendCommand(['SET', 'key', Buffer.from([0, 255])])).toBe('OK');
  expect(await client.sendCommand([Buffer.from('strlen'), 'key'])).toBe(2);
  const error = await errorOf(client.sendCommand(['NONSENSE', 'x']));
  expect(error.message).toMatch(/^ERR unknown command/);
});

it('hands a server’s error to the caller unchanged', async () => {
  const client = await connected([east, west]);
  await client.set('text', 'value');
  const error = await errorOf(client.lPush('text', 'x'));
  expect(error.constructor.name).toBe('SimpleError');
  expect(error.message).toMatch(/^WRONGTYPE/);
});

it('rejects a wrong argument, as node-redis does, and goes on', async () => {
  const client = await connected([east, west]);
  const error = await errorOf(client.set('key', { wrong: true } as never));
  expect(error).toBeInstanceOf(TypeError);
  expect(await client.ping()).toBe('PONG');
  expect(client.activeDatabase).toBe('east');
});

const plus = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: 'return redis.call("INCRBY", KEYS[1], ARGV[1])',
  parseCommand(parser, key: string, by: number) {
    parser.pushKey(key);
    parser.push(by.toString());
  },
  transformReply: (reply: unknown) => Number(reply) * 10,
});

const echo = {
  echo: {
    parseCommand(parser: { push(...args: string[]): unknown }, text: string) {
      parser.push('ECHO', text);
    },
    transformReply: (reply: unknown) => `module: ${reply}`,
  },
};

const LIBRARY = `#!lua name=library
redis.register_function{ function_name='twice', callback=function(keys, args) return args[1] * 2 end, flags={ 'no-writes' } }`;
const library = {
  twice: {
    NUMBER_OF_KEYS: 0,
    parseCommand(parser: { push(...args: string[]): unknown }, value: number) {
      parser.push(value.toString());
    },
    transformReply: (reply: unknown) => reply as number,
  },
};

since7('has modules, scripts and functions', async () => {
  const client = own(
    createMultiDbClient({
      ...QUICK,
      failbackSupported: false,
      databases: databases([east, west]),
      client: {
        modules: { mod: echo as never },
        scripts: { plus },
        functions: { library: library as never },
      },
    }),
  ) as never as {
    connect(): Promise<unknown>;
    setActiveDatabase(id: string): Promise<void>;
    functionLoad(code: string, options: object): Promise<unknown>;
    plus(key: string, by: number): Promise<number>;
    mod: { echo(text: string): Promise<string> };
    library: { twice(value: number): Promise<number> };
    destroy(): void;
  };
  await client.connect();
  expect(await client.mod.echo('hello')).toBe('module: hello');
  expect(await client.plus('counter', 2)).toBe(20);
  await client.functionLoad(LIBRARY, { REPLACE: true });
  expect(await client.library.twice(21)).toBe(42);

  // The other one has never seen the script: EVALSHA answers NOSCRIPT there, and EVAL follows.
  await client.setActiveDatabase('west');
  expect(await client.plus('counter', 5)).toBe(50);
  expect(await client.mod.echo('west')).toBe('module: west');
  expect(await west.command('GET', 'counter')).toBe('5');
});

it('iterates over keys and fields', async () => {
  const client = await connected([east, west]);
  await Promise.all(Array.from({ length: 500 }, (_, i) => client.set(`key:${i}`, 'x')));
  const found = new Set<string>();
  for await (const keys of client.scanIterator({ MATCH: 'key:*', COUNT: 50 })) {
    for (const key of keys) found.add(key);
  }
  expect(found.size).toBe(500);

  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, `v${i}`]));
  await client.hSet('hash', fields);
  const read: Record<string, string> = {};
  for await (const entries of client.hScanIterator('hash')) {
    for (const { field, value } of entries) read[field] = value;
  }
  expect(read).toEqual(fields);
});

it('ends an iteration with a typed error when the database changes under it', async () => {
  const client = await connected([east, west]);
  await Promise.all(Array.from({ length: 500 }, (_, i) => client.set(`key:${i}`, 'x')));
  const iteration = client.scanIterator({ COUNT: 10 });
  expect((await iteration.next()).done).toBe(false);
  await client.setActiveDatabase('west');
  const error = await errorOf(iteration.next());
  expect(error).toMatchObject({ code: 'DATABASE_SWITCHED' });
});

describe.each([2, 3] as const)('RESP %i', (RESP) => {
  it('decodes replies as node-redis does', async () => {
    const client = await connected([east, west], {
      client: { RESP },
      failbackSupported: false,
    });
    await client.hSet('hash', { a: '1' });
    expect({ ...(await client.hGetAll('hash')) }).toEqual({ a: '1' });
    const raw = await client.sendCommand(['HGETALL', 'hash']);
    if (RESP === 2) expect(raw).toEqual(['a', '1']);
    else expect({ ...(raw as unknown as object) }).toEqual({ a: '1' });
    await client.zAdd('sorted', { value: 'x', score: 2 });
    expect(await client.zScore('sorted', 'x')).toBe(2);
    await client.setActiveDatabase('west');
    await client.hSet('hash', { b: '2' });
    expect({ ...(await client.hGetAll('hash')) }).toEqual({ b: '2' });
  });
});

it('carries 32 MB in one value and 10 000 commands at once', async () => {
  // A probe may wait for a core while the server copies the value.
  const client = await connected([east, west], {
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 10_000 },
  });
  const big = 'x'.repeat(32 * 1024 * 1024);
  expect(await client.set('big', big)).toBe('OK');
  expect((await client.get('big'))?.length).toBe(big.length);

  const replies = await Promise.all(Array.from({ length: 10_000 }, () => client.incr('counter')));
  expect(replies).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
});

it('refuses what exceeds maxPendingCommands, and only that', async () => {
  const client = await connected([east, west], { maxPendingCommands: 100 });
  const replies = await Promise.allSettled(
    Array.from({ length: 150 }, () => client.incr('counter')),
  );
  const refused = replies.filter((reply) => reply.status === 'rejected');
  expect(refused).toHaveLength(50);
  for (const { reason } of refused) {
    expect(reason).toMatchObject({ code: 'OVERLOADED', maybeExecuted: false });
  }
  expect(await client.get('counter')).toBe('100');
  expect(client.databases[0]?.failures).toBe(0);
});

it('uses the options of each database: password, logical database', async () => {
  await east.command('CONFIG', 'SET', 'requirepass', 'secret');
  const client = own(
    createMultiDbClient({
      ...QUICK,
      failbackSupported: false,
      databases: [
        { id: 'east', weight: 2, client: { url: east.url, password: 'secret', database: 3 } },
        { id: 'west', client: { socket: { host: '127.0.0.1', port: west.port }, database: 5 } },
      ],
    }),
  );
  await client.connect();
  await client.set('key', 'east');
  await client.setActiveDatabase('west');
  await client.set('key', 'west');
  await client.sendCommand(['SWAPDB', '0', '5']);
  expect(await west.command('GET', 'key')).toBe('west');
});

it('says which credentials are wrong, without them', async () => {
  await east.command('CONFIG', 'SET', 'requirepass', 'secret');
  const client = createMultiDbClient({
    ...QUICK,
    databases: [{ id: 'east', client: { url: `redis://:wrong-one@127.0.0.1:${east.port}` } }],
  });
  const error = await errorOf(client.connect());
  expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
  expect(error.message).toMatch(/WRONGPASS/);
  expect(error.message).not.toContain('wrong-one');
});
