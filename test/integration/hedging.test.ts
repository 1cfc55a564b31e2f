/** Reads that are sent to a standby as well, on real servers that freeze. */
import { tracingChannel } from 'node:diagnostics_channel';
import {
  type CommandReport,
  createMultiDbClient,
  type MultiDbClient,
  type MultiDbClientOptions,
} from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { type RedisServer, startProxy, waitFor } from '../kit/index.js';
import { aCluster, OF_CLUSTERS } from './cluster-support.js';
import { connected, databases, errorOf, healthy, own, servers, Traffic } from './support.js';

/** Those that decide have their defaults: a frozen database is left after two seconds. */
const BY_DEFAULT = {
  healthCheck: { intervalMs: 5000, timeoutMs: 1000 },
  suspectAfterMs: 1000,
} as const;

const hedgesOf = (client: MultiDbClient, id = 'west') =>
  client.stats().databases.find((each) => each.id === id)?.hedges;

/** Reads that are in flight when the server freezes, and that come later, until `isOver`. */
async function readsDuring(client: MultiDbClient, isOver: () => boolean): Promise<unknown[]> {
  const replies: Promise<unknown>[] = [];
  while (!isOver()) {
    replies.push(client.get('key'), client.hGet('hash', 'field'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return Promise.all(replies);
}

async function filled(...all: readonly RedisServer[]): Promise<void> {
  for (const server of all) {
    await server.command('SET', 'key', 'value');
    await server.command('HSET', 'hash', 'field', 'value');
  }
}

it('a frozen second is over before a read waits for the failover, and there is none', async () => {
  const [east, west] = await servers();
  await filled(east, west);
  const client = await connected([east, west], {
    ...BY_DEFAULT,
    hedging: { afterMs: 50, maxShare: 1 },
  });
  await east.freeze();
  const fates: string[] = [];
  const first = [client.get('key'), client.hGetAll('hash'), client.mGet(['key', 'none'])];
  const answered = Promise.all(first).then((replies) => {
    fates.push('answered');
    return replies;
  });
  const later = readsDuring(client, () => fates.includes('thawed'));
  const write = client.set('written', '1').then(() => fates.push('written'));
  expect(await answered).toEqual([
    'value',
    expect.objectContaining({ field: 'value' }),
    ['value', null],
  ]);
  fates.push('thawed');
  await east.thaw();
  await write;
  // Every read was answered while the server was frozen; the write has waited for it.
  expect(fates).toEqual(['answered', 'thawed', 'written']);
  expect(new Set(await later)).toEqual(new Set(['value']));
  expect(client.activeDatabase).toBe('east');
  expect(client.stats().switches).toHaveLength(1);
  expect(hedgesOf(client)?.won).toBeGreaterThanOrEqual(3);
  // The late replies of the frozen server do no harm.
  const traffic = new Traffic(() => client.get('key'), { callers: 20 });
  await traffic.flows(200);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  const [at] = client.stats().databases;
  await waitFor(() => client.stats().databases[0]?.inFlight === 0, {
    what: 'no command in flight',
  });
  expect(at?.commands.outcomeUnknown).toBe(0);
});

it('no read waits for the failover from a server that stays frozen, by default detection', async () => {
  const [east, west] = await servers();
  await filled(east, west);
  const client = await connected([east, west], {
    ...BY_DEFAULT,
    failbackSupported: false,
    hedging: { afterMs: 50, maxShare: 1 },
  });
  let isLeft = false;
  const left = new Promise<void>((resolve) => {
    client.once('switch', () => {
      isLeft = true;
      resolve();
    });
  });
  await east.freeze();
  let beforeIt = 0;
  const count = () => {
    if (!isLeft) beforeIt += 1;
  };
  const traffic = new Traffic(() => client.get('key').then(count), { callers: 10 });
  await left;
  // Each caller has had one reply after the other meanwhile.
  expect(beforeIt).toBeGreaterThan(50);
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(client.activeDatabase).toBe('west');
  await east.thaw();
});

it('sends no more than `maxShare` of the reads', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    ...BY_DEFAULT,
    hedging: { afterMs: 20, maxShare: 0.1 },
  });
  for (let n = 0; n < 100; n += 1) await client.get('key');
  await east.freeze();
  const reads = Array.from({ length: 100 }, () => client.get('key'));
  await waitFor(() => (hedgesOf(client, 'east')?.suppressed ?? 0) >= 80, {
    what: 'the last hedge',
  });
  expect(hedgesOf(client)?.sent).toBeLessThanOrEqual(20);
  expect(hedgesOf(client)?.sent).toBeGreaterThanOrEqual(10);
  await east.thaw();
  expect(await Promise.all(reads)).toHaveLength(100);
});

describe('the other database', () => {
  it('is never asked for what is bound to the active one', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(west, { recordCommands: true });
    const client = await connected([east, proxy], {
      ...BY_DEFAULT,
      suspectAfterMs: 60_000,
      hedging: { afterMs: 20, maxShare: 1 },
    });
    const worker = own(client.duplicate());
    await worker.connect();
    await east.freeze();
    const pending: Promise<unknown>[] = [
      client.set('key', 'value'),
      client.incr('counter'),
      client.multi().get('key').exec(),
      client.multi().get('key').execAsPipeline(),
      client.transaction('key', async (tx) => tx.get('key')),
      worker.blPop('list', 0.1),
      client.hScan('hash', '0'),
      client.scan('0'),
      client.dbSize(),
      client.sendCommand(['WAIT', '0', '0']),
    ];
    for (const each of pending) each.catch(() => {});
    // One that may be asked shows that the time of the others is over.
    expect(await client.get('shown')).toBeNull();
    await client.get('shown');
    const asked = proxy.commands.map(({ args }) => args.map(String).join(' ').toUpperCase());
    const others = asked.filter((text) => !/^(GET SHOWN|PING|HELLO|CLIENT|AUTH|INFO)/.test(text));
    expect(others).toEqual([]);
    await east.thaw();
    await Promise.all(pending);
  });

  it('answers for a pool', async () => {
    const [east, west] = await servers();
    await filled(east, west);
    const pool = { minimum: 2, maximum: 4 };
    const both = databases([east, west]).map((each) => ({ ...each, topology: 'pool', pool }));
    const client = await connected([], {
      ...BY_DEFAULT,
      databases: both as never,
      hedging: { afterMs: 50, maxShare: 1 },
    });
    await waitFor(() => client.activeDatabase === 'east', { what: 'east to be active' });
    await east.freeze();
    // More than the pool of the frozen server has connections for.
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.get('key')));
    expect(new Set(replies)).toEqual(new Set(['value']));
    expect(client.activeDatabase).toBe('east');
    await east.thaw();
    await client.set('key', 'after');
    expect(await client.get('key')).toBe('after');
  });

  it('answers for a cluster, and a cluster for it', async () => {
    const [single] = await servers(1);
    const cluster = await aCluster();
    const topology = {
      id: 'cluster',
      topology: 'cluster',
      cluster: { rootNodes: cluster.masters.slice(0, 1).map(({ url }) => ({ url })) },
    };
    const client = own(
      createMultiDbClient({
        ...OF_CLUSTERS,
        ...BY_DEFAULT,
        databases: [
          { id: 'single', weight: 1, client: { url: single.url } },
          { ...topology, weight: 2 },
        ],
        hedging: { afterMs: 50, maxShare: 1 },
        commandDeadlineMs: 20_000,
      } as unknown as MultiDbClientOptions) as unknown as MultiDbClient,
    );
    await client.connect();
    await healthy(client);
    await waitFor(() => client.activeDatabase === 'cluster', { what: 'the cluster to be active' });
    await Promise.all(cluster.masters.map((master) => master.freeze()));
    expect(await Promise.all(['a', 'b', 'c'].map((key) => client.get(key)))).toEqual([
      null,
      null,
      null,
    ]);
    expect(hedgesOf(client, 'single')?.won).toBe(3);
    await Promise.all(cluster.masters.map((master) => master.thaw()));
    await client.setActiveDatabase('single');
    await single.freeze();
    expect(await client.get('a')).toBeNull();
    expect(hedgesOf(client, 'cluster')?.won).toBeGreaterThanOrEqual(1);
    await single.thaw();
  });
});

it('views, duplicates and clients without the option', async () => {
  const [east, west] = await servers();
  await filled(east, west);
  const client = await connected([east, west], BY_DEFAULT);
  const view = client.withHedging({ afterMs: 30, maxShare: 1 });
  const duplicate = own(view.duplicate());
  await duplicate.connect();
  await east.freeze();
  const plain = client.get('key').then((reply) => `plain ${reply}`);
  const off = view
    .withHedging(false)
    .get('key')
    .then((reply) => `off ${reply}`);
  expect(await view.get('key')).toBe('value');
  expect(await view.withCommandOptions({ asap: true }).get('key')).toBe('value');
  expect(await duplicate.get('key')).toBe('value');
  expect(await Promise.race([plain, off, Promise.resolve('neither')])).toBe('neither');
  await east.thaw();
  expect(await Promise.all([plain, off])).toEqual(['plain value', 'off value']);
});

it('traces show the hedge and which database answered', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    ...BY_DEFAULT,
    hedging: { afterMs: 30, maxShare: 1 },
  });
  const reports: CommandReport[] = [];
  const subscriber = {
    start() {},
    end() {},
    asyncStart() {},
    asyncEnd({ multiDb }: { multiDb?: CommandReport }) {
      if (multiDb !== undefined) reports.push(multiDb);
    },
    error() {},
  };
  const tracing = tracingChannel<{ multiDb?: CommandReport }>('node-redis:command');
  tracing.subscribe(subscriber);
  try {
    await east.freeze();
    expect(await client.get('key')).toBeNull();
    await east.thaw();
    await client.set('key', 'value');
  } finally {
    tracing.unsubscribe(subscriber);
  }
  const [read, write] = reports;
  expect(read?.databaseId).toBe('west');
  const seen = read?.attempts.map(({ databaseId, hedge, outcome }) => [databaseId, hedge, outcome]);
  expect(seen).toEqual([
    ['east', false, 'abandoned'],
    ['west', true, 'answered'],
  ]);
  expect(write?.attempts.map(({ hedge }) => hedge)).toEqual([false]);
});

it('refuses what can not be right', async () => {
  const [east, west] = await servers();
  const create = (options: object) =>
    createMultiDbClient({
      databases: databases([east, west]),
      ...options,
    } as unknown as MultiDbClientOptions) as unknown as MultiDbClient;
  const hedging = { afterMs: 50 };
  expect(() => create({ hedging, standbyConnections: 'lazy' })).toThrow(
    "hedging: expected standbyConnections: 'warm'",
  );
  expect(() => create({ hedging, client: { RESP: 3, clientSideCache: {} } })).toThrow(
    'hedging: expected no client.clientSideCache',
  );
  expect(() => create({ hedging: { afterMs: 0 } })).toThrow('hedging.afterMs: expected');
  expect(() => create({ hedging: { maxShare: 2 } })).toThrow('hedging.maxShare: expected');
  const lazy = create({ standbyConnections: 'lazy' });
  expect(() => lazy.withHedging()).toThrow("withHedging: expected standbyConnections: 'warm'");
  expect(() => lazy.withHedging({ afterMs: 'p50' } as never)).toThrow('withHedging.afterMs');
  expect(await errorOf(lazy.withHedging(false).get('key'))).toMatchObject({
    code: 'CLIENT_CLOSED',
  });
});
