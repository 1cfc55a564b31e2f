/** Scripts that are called by their digest (EVALSHA) where a server does not know them. */
import { createHash } from 'node:crypto';
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { isRedis7, type RedisServer, startCluster, waitFor } from '../kit/index.js';
import { keyOfEach, masterOf, overCluster } from './cluster-support.js';
import {
  active,
  clientOf,
  connected,
  databases,
  errorOf,
  LONG_GRACE,
  own,
  servers,
  switchTo,
} from './support.js';

const BY_HAND = { ...LONG_GRACE, failbackSupported: false, initialWaitMs: 10_000 };
const ADD = 'return redis.call("INCRBY", KEYS[1], ARGV[1])';
const READ = 'return redis.call("GET", KEYS[1])';

type Call = [sha: string, options: { keys: string[]; arguments: string[] }];

/** Loads a script over `client`, and returns a call of it. */
async function loaded(client: MultiDbClient, source = ADD) {
  const sha = await client.scriptLoad(source);
  return (key: string, by = '1'): Call => [sha, { keys: [key], arguments: [by] }];
}

/** How often a server was given a script to load; before Redis 7, how often SCRIPT was called. */
async function loads(server: RedisServer): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  return Number(/cmdstat_script(?:\|load)?:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

it('is loaded on the database that is active after a switch, in MULTI and pipelines as well', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], BY_HAND);
  const call = await loaded(client);
  expect(await client.evalSha(...call('a'))).toBe(1);
  await client.setActiveDatabase('west');
  // None of them knows the script when it is sent.
  const replies = await Promise.all([
    client
      .multi()
      .evalSha(...call('a'))
      .evalSha(...call('a'))
      .exec(),
    client
      .multi()
      .set('b', '5')
      .evalSha(...call('b'))
      .execAsPipeline(),
    client.sendCommand(['evalsha', ...flat(call('c'))]),
  ]);
  expect(replies).toEqual([[1, 2], ['OK', 6], 1]);
  expect(await loads(west)).toBe(1);
  // A script of another client of the group, over a connection of its own.
  const other = own(client.duplicate());
  await other.connect();
  expect(await other.evalSha(...call('a', '5'))).toBe(7);
});

const flat = ([sha, { keys, arguments: rest }]: Call) => [
  sha,
  String(keys.length),
  ...keys,
  ...rest,
];

it('is loaded again after a restart, a failover and SCRIPT FLUSH', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], BY_HAND);
  const call = await loaded(client);
  await client.scriptFlush();
  expect(
    await client
      .multi()
      .evalSha(...call('a'))
      .exec(),
  ).toEqual([1]);
  // Somebody else's: single calls are healed, many at once load it once.
  await east.command('SCRIPT', 'FLUSH');
  const before = await loads(east);
  const sums = await Promise.all(Array.from({ length: 50 }, () => client.evalSha(...call('a'))));
  expect(sums).toHaveLength(50);
  expect(await client.get('a')).toBe('51');
  expect(await loads(east)).toBeLessThan(before + 5);
  await east.command('SCRIPT', 'FLUSH');
  // The rest of the transaction was executed, so it is not repeated; the next one finds the script.
  const torn = await errorOf(
    client
      .multi()
      .set('x', '1')
      .evalSha(...call('a'))
      .exec(),
  );
  expect(torn.message).toMatch(/1 commands failed/);
  expect(
    await client
      .multi()
      .evalSha(...call('a'))
      .exec(),
  ).toEqual([52]);

  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  expect(
    await client
      .multi()
      .evalSha(...call('a', '3'))
      .exec(),
  ).toEqual([3]);
  await west.restart();
  await waitFor(() => client.isHealthy('west'), { what: 'west to be back', timeoutMs: 10_000 });
  await active(client, 'west');
  expect(
    await client
      .multi()
      .evalSha(...call('fresh'))
      .exec(),
  ).toEqual([1]);
});

it('EVALSHA_RO, digests in upper case, Buffers; an unknown digest is an error as ever', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], BY_HAND);
  const call = await loaded(client, READ);
  await client.setActiveDatabase('west');
  await west.command('SET', 'key', 'value');
  const [sha] = call('key');
  if (await isRedis7()) expect(await client.evalShaRo(...call('key'))).toBe('value');
  await west.command('SCRIPT', 'FLUSH');
  expect(await client.sendCommand(['EVALSHA', sha.toUpperCase(), '1', 'key'])).toBe('value');
  const raw = ['EVALSHA', sha, '1', 'key'].map((each) => Buffer.from(each));
  expect(await client.sendCommand(raw as never)).toBe('value');
  const unknown = createHash('sha1').update('return 1').digest('hex');
  const error = await errorOf(client.evalSha(unknown));
  expect(error.message).toMatch(/^NOSCRIPT/);
  // It was not executed, and nothing claims that it may have been.
  expect(error.maybeExecuted).not.toBe(true);
});

it('goes with a transaction, over its own connection', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], BY_HAND);
  const call = await loaded(client);
  await client.setActiveDatabase('west');
  const result = await client.transaction('a', async (tx) => {
    await tx.evalSha(...call('b'));
    return tx
      .multi()
      .evalSha(...call('a'))
      .evalSha(...call('a'));
  });
  expect(result).toEqual([1, 2]);
});

it('of a pool: each connection loads it', async () => {
  const [east, west] = await servers();
  const pool = { minimum: 3, maximum: 3 };
  const client = await connected([east, west], {
    ...BY_HAND,
    databases: databases([east, west]).map((each) => ({ ...each, topology: 'pool', pool })),
  });
  const call = await loaded(client);
  await client.setActiveDatabase('west');
  const all = Array.from({ length: 6 }, () =>
    client
      .multi()
      .evalSha(...call('a'))
      .exec(),
  );
  expect((await Promise.all(all)).flat().sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

it('of a cluster: is loaded on the node that serves the key', async () => {
  const cluster = await startCluster({ masters: 3 });
  const client = clientOf([], {
    ...BY_HAND,
    keepConnectingMs: 20_000,
    databases: [overCluster('east', cluster)] as never,
  });
  await client.connect();
  const call = await loaded(client);
  for (const node of cluster.nodes) await node.command('SCRIPT', 'FLUSH');
  for (const key of keyOfEach(cluster)) {
    expect(
      await client
        .multi()
        .evalSha(...call(key))
        .exec(),
    ).toEqual([1]);
    expect(await client.evalSha(...call(key))).toBe(2);
    await masterOf(cluster, key).command('SCRIPT', 'FLUSH');
    expect(await client.evalSha(...call(key))).toBe(3);
  }
});
