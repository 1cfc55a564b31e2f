/**
 * RESP, key prefix, type mappings, scripts, functions and modules shape what a caller sends and
 * gets. The judge is node-redis itself: one program runs over a plain client and over this one,
 * before and after a switch, and has to answer the same; and the servers have to hold the same.
 */
import { createClient, defineScript, RESP_TYPES } from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, waitFor } from '../kit/index.js';
import { databases, healthy, own, QUICK } from './support.js';

// biome-ignore lint/suspicious/noExplicitAny: two clients of different types, used in the same way
type Client = any;

const hasPrefix = '_keyPrefix' in Object.getPrototypeOf(Object.getPrototypeOf(createClient()));

/** Its keys are arguments of the parser's, as a user's script declares them. */
const append = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: "return redis.call('APPEND', KEYS[1], ARGV[1])",
  parseCommand(parser: Client, key: string, text: string) {
    parser.pushKey(key);
    parser.push(text);
  },
  transformReply: (reply: unknown) => Number(reply) as never,
});

const library = `#!lua name=shaping
redis.register_function('shaping_get', function(keys) return redis.call('GET', keys[1]) end)`;

const functions = {
  shaping: {
    get: {
      NUMBER_OF_KEYS: 1,
      NAME: 'shaping_get',
      parseCommand(parser: Client, key: string) {
        parser.pushKey(key);
      },
      transformReply: undefined as never,
    },
  },
};

const modules = {
  own: {
    // As Redis's modules are: a command with a key.
    getOf: {
      parseCommand(parser: Client, key: string) {
        parser.push('GET');
        parser.pushKey(key);
      },
      transformReply: undefined as never,
    },
  },
};

async function all<T>(iterator: AsyncIterable<T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of iterator) found.push(...page);
  return found.sort();
}

/** By name, what is called and its answer; errors by their message. */
const PROGRAM: readonly ((client: Client) => Promise<unknown>)[] = [
  (client) => client.set('text', 'value', { expiration: { type: 'EX', value: 1000 } }),
  (client) => client.mSet({ a: '1', b: '2' }),
  (client) => client.mGet(['text', 'a', 'none']),
  (client) => client.get(Buffer.from('a')),
  (client) => client.hSet('hash', { one: '1', two: '2' }),
  (client) => client.hGetAll('hash'),
  (client) => client.zAdd('sorted', { score: 1.5, value: 'x' }),
  (client) => client.zScore('sorted', 'x'),
  (client) => client.zRangeWithScores('sorted', 0, -1),
  (client) => client.sAdd('set', ['2', '1']),
  (client) => client.sMembers('set'),
  (client) => client.sIsMember('set', '1'),
  (client) => client.expire('set', 100),
  (client) => client.lPush('list', ['x', 'y']),
  (client) => client.blPop('list', 1),
  (client) => client.xAdd('stream', '1-1', { field: 'value' }),
  (client) => client.xRange('stream', '-', '+'),
  (client) => client.copy('a', 'c'),
  (client) => client.rename('c', 'd'),
  (client) => client.exists(['a', 'd', 'none']),
  (client) => client.append('text', '!'),
  (client) => client.script('text', '?'),
  (client) => client.eval('return {KEYS[1], ARGV[1]}', { keys: ['a'], arguments: ['b'] }),
  (client) => client.functionLoad(library, { REPLACE: true }),
  (client) => client.shaping.get('text'),
  (client) => client.own.getOf('text'),
  (client) => client.multi().set('m', '1').incr('m').hGetAll('hash').own.getOf('m').exec(),
  (client) => client.multi().get('text').zScore('sorted', 'x').execAsPipeline(),
  (client) => client.multi().script('text', '#').exec(),
  (client) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('text'),
  (client) => client.withTypeMapping({ [RESP_TYPES.MAP]: Map }).hGetAll('hash'),
  (client) => client.withTypeMapping({ [RESP_TYPES.DOUBLE]: String }).zScore('sorted', 'x'),
  (client) => client.withTypeMapping({ [RESP_TYPES.NUMBER]: String }).incr('counter'),
  (client) =>
    client
      .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
      .multi()
      .get('a')
      .exec(),
  (client) =>
    client
      .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
      .multi()
      .get('a')
      .execAsPipeline(),
  (client) => all(client.scanIterator()),
  (client) => all(client.scanIterator({ MATCH: '*a*' })),
  (client) => all(pages(client)),
  (client) => all(client.sScanIterator('set')),
  (client) => client.sendCommand(['GET', 'text']),
  (client) => client.sendCommand(['HGETALL', 'app:hash']),
  (client) => client.hGet('text', 'x'),
  (client) => client.objectEncoding('a'),
  (client) => client.sort('set', { ALPHA: true }),
  (client) => client.lmPop(['list', 'other'], 'LEFT'),
  (client) => client.pfAdd('hll', 'a'),
  (client) => client.geoAdd('geo', { longitude: 1, latitude: 2, member: 'm' }),
  (client) => client.geoPos('geo', 'm'),
];

async function* pages(client: Client): AsyncGenerator<string[]> {
  for await (const page of client.hScanIterator('hash')) {
    yield page.map(({ field, value }: { field: string; value: string }) => `${field}=${value}`);
  }
}

/** The answers of one run; equal programs on equal servers answer equally. */
async function run(client: Client): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const step of PROGRAM) {
    try {
      answers.push([String(step), await step(client)]);
    } catch (error) {
      answers.push([String(step), (error as Error).message]);
    }
  }
  return answers;
}

async function content(server: RedisServer): Promise<unknown> {
  const keys = (await server.command('KEYS', '*')) as string[];
  const held = keys.sort().map(async (key) => [key, await server.command('DUMP', key)]);
  return Promise.all(held);
}

describe.each([2, 3] as const)('RESP %i', (RESP) => {
  it.each([
    ['no prefix', undefined],
    ['a prefix', 'app:'],
    ['a prefix of bytes', Buffer.from([0x61, 0x3a])],
  ])('and %s: answers and data are those of a plain client', async (_what, keyPrefix) => {
    if (keyPrefix !== undefined && !hasPrefix) return;
    const [plainServer, east, west] = await Promise.all([startRedis(), startRedis(), startRedis()]);
    const shape = { RESP, keyPrefix, scripts: { script: append }, functions, modules } as object;
    const plain = createClient({ ...shape, url: plainServer.url }) as Client;
    own(plain);
    plain.on('error', () => {});
    await plain.connect();
    const client = own(
      createMultiDbClient({
        ...QUICK,
        databases: databases([east, west]),
        client: shape,
      } as never),
    ) as Client;
    await client.connect();
    await healthy(client);

    const expected = await run(plain);
    expect(await run(client)).toEqual(expected);
    const expectedContent = await content(plainServer);
    expect(await content(east)).toEqual(expectedContent);

    // The script is unknown there, and the data as well.
    await client.forceActiveDatabase('west');
    await plainServer.command('FLUSHALL');
    await plainServer.command('SCRIPT', 'FLUSH');
    const again = await run(plain);
    expect(await run(client)).toEqual(again);
    expect(await content(west)).toEqual(await content(plainServer));
    await waitFor(() => client.activeDatabase === 'west', { what: 'west' });
  });
});
