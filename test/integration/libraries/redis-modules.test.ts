/** The modules of the package `redis`, by `redis-multidb/redis`. */
import type { CommandParser } from '@redis/client';
import { BasicCommandParser } from '@redis/client/dist/lib/client/parser.js';
import { createClient, type RedisClientType } from 'redis';
import { createMultiDbClient } from 'redis-multidb/redis';
import { describe, expect, it } from 'vitest';
import { commandTraits } from '../../../src/core/command-category.js';
import { firstKey } from '../../../src/core/command-keys.js';
import { COMMAND_TABLE } from '../../../src/core/command-table.js';
import { type RedisServer, startRedis } from '../../kit/index.js';
import { databases, healthy, own, QUICK, servers, switchTo } from '../support.js';

/** Shared libraries of modules, that `npm run test:servers` gives; `:` between them. */
const MODULES = (process.env.REDIS_MODULES ?? '').split(':').filter((file) => file !== '');

type Call = readonly [module: string, method: string, ...args: unknown[]];

/** Reads and writes of every module, with keys in each place in which a module has them. */
const CALLS: readonly Call[] = [
  ['json', 'set', 'doc', '$', { name: 'Ada', list: [1] }],
  ['json', 'get', 'doc', { path: '$.name' }],
  ['json', 'mGet', ['doc', 'other'], '$.name'],
  ['json', 'arrAppend', 'doc', '$.list', 2, 3],
  ['json', 'numIncrBy', 'doc', '$.list[0]', 5],
  ['json', 'merge', 'doc', '$', { name: null }],
  ['json', 'del', 'doc'],
  ['ft', 'create', 'index', { name: { type: 'TEXT' } }, { ON: 'HASH', PREFIX: 'user:' }],
  ['ft', 'search', 'index', '@name:Ada', { LIMIT: { from: 0, size: 5 } }],
  ['ft', 'aggregate', 'index', '*'],
  ['ft', 'dropIndex', 'index'],
  ['ts', 'create', 'series', { RETENTION: 1000, LABELS: { region: 'east' } }],
  ['ts', 'add', 'series', 1, 42],
  ['ts', 'mAdd', [{ key: 'series', timestamp: 2, value: 1 }]],
  ['ts', 'get', 'series'],
  ['ts', 'range', 'series', '-', '+'],
  ['ts', 'mGet', 'region=east'],
  ['bf', 'reserve', 'filter', 0.01, 100],
  ['bf', 'add', 'filter', 'item'],
  ['bf', 'exists', 'filter', 'item'],
  ['cf', 'add', 'cuckoo', 'item'],
  ['cms', 'initByDim', 'sketch', 10, 5],
  ['cms', 'incrBy', 'sketch', { item: 'a', incrementBy: 2 }],
  ['topK', 'reserve', 'top', 3],
  ['topK', 'add', 'top', 'item'],
  ['tDigest', 'create', 'digest'],
  ['tDigest', 'add', 'digest', [1, 2]],
];

type Loose<T> = Record<string, Record<string, T>>;

/** The reply or error of each call; the same of a server without the module, which repeats the arguments. */
async function outcomes(client: object): Promise<unknown[]> {
  const modules = client as Loose<(...args: readonly unknown[]) => Promise<unknown>>;
  const found: unknown[] = [];
  for (const [module, method, ...args] of CALLS) {
    found.push(await modules[module]?.[method]?.(...args).catch((error: unknown) => String(error)));
  }
  return found;
}

function clientOf(targets: readonly RedisServer[]) {
  return own(
    createMultiDbClient({ ...QUICK, databases: databases(targets), keepConnectingMs: 10_000 }),
  );
}

async function plainClient({ url }: RedisServer): Promise<RedisClientType> {
  const client = createClient({ url });
  client.on('error', () => {});
  return (await own(client).connect()) as RedisClientType;
}

describe.each([
  ['without modules', []],
  ...(MODULES.length === 0 ? [] : [['with modules', MODULES] as [string, string[]]]),
])('on servers %s', (_name, loadmodule: readonly string[]) => {
  const start = () => startRedis({ config: { loadmodule } });

  it('every call gives what a client of redis gives', async () => {
    const [east, other] = await Promise.all([start(), start()]);
    const client = clientOf([east]);
    await client.connect();
    const expected = await outcomes(await plainClient(other));
    expect(await outcomes(client)).toEqual(expected);
    expect(expected).not.toContain(undefined);
  });
});

it.runIf(MODULES.length > 0)('documents, indexes and filters go on after a failover', async () => {
  const start = () => startRedis({ config: { loadmodule: MODULES } });
  const [east, west] = await Promise.all([start(), start()]);
  const client = clientOf([east, west]);
  await client.connect();
  await healthy(client as never);
  const fill = async (name: string) => {
    await client.json.set('doc', '$', { name });
    await client.bf.add('filter', name);
    await client.ft.create('index', { name: { type: 'TEXT' } }, { ON: 'HASH', PREFIX: 'user:' });
    await client.hSet('user:1', { name });
  };
  await fill('east');
  const switched = switchTo(client as never, 'west');
  await east.kill();
  await switched;
  await fill('west');
  expect(await client.json.get('doc', { path: '$.name' })).toEqual(['west']);
  expect([
    await client.bf.exists('filter', 'west'),
    await client.bf.exists('filter', 'east'),
  ]).toEqual([true, false]);
  expect((await client.ft.search('index', '@name:west')).total).toBe(1);
});

it('a module of the user is beside those of redis', async () => {
  const [east] = await servers(1);
  const echo = {
    parseCommand: (parser: CommandParser, text: string) => parser.push('ECHO', text),
    transformReply: undefined as unknown as () => string,
  };
  const client = own(
    createMultiDbClient({
      databases: databases([east]),
      keepConnectingMs: 10_000,
      client: { modules: { own: { echo } } },
    }),
  );
  await client.connect();
  expect(await client.own.echo('text')).toBe('text');
  expect(typeof client.json.get).toBe('function');
});

describe('routing', () => {
  interface Definition {
    parseCommand(parser: CommandParser, ...args: readonly unknown[]): void;
  }
  const modules = createClient().options?.modules as unknown as Loose<Definition>;
  const table = new Set(COMMAND_TABLE.flatMap(([, names]) => names.split(' ')));

  it.each(CALLS.map(([module, method, ...args]) => ({ module, method, args })))(
    '$module.$method',
    ({ module, method, args }) => {
      const parser = new BasicCommandParser();
      modules[module]?.[method]?.parseCommand(parser, ...args);
      const sent = parser.redisArgs;
      expect(table.has(String(sent[0]))).toBe(true);
      // An index is no key: every node of a cluster answers for the whole.
      expect(firstKey(sent)).toEqual(module === 'ft' ? undefined : parser.firstKey);
      const isRead = /get|search|aggregate|range|exists/i.test(method);
      expect(commandTraits(sent).category === 'read').toBe(isRead);
    },
  );
});
