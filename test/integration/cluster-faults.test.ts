/** Faults inside a cluster, and of a cluster as a whole. */
import { describe, expect, it } from 'vitest';
import { type RedisCluster, type RedisServer, waitFor } from '../kit/index.js';
import {
  aCluster,
  Counting,
  counted,
  healed,
  keyOfEach,
  masterOf,
  moveSlot,
  NODE_TIMEOUT_MS,
  OF_CLUSTERS,
  overCluster,
} from './cluster-support.js';
import { active, clientOf, errorOf, healthy, recordEvents, switchTo } from './support.js';

const full = { nodeTimeoutMs: NODE_TIMEOUT_MS };
const small = { ...full, replicasPerMaster: 0 };
/** Longer than a failover inside such a cluster takes, on a busy machine too. */
const HEALING_MS = 8000;

async function over(clusters: readonly RedisCluster[], options: object = {}) {
  const ids = ['east', 'west'];
  const list = clusters.map((cluster, i) => overCluster(ids[i] as string, cluster, 1 / (i + 1)));
  const client = clientOf([], {
    ...OF_CLUSTERS,
    databases: list,
    unhealthyAfterMs: HEALING_MS,
    commandTimeoutMs: 1500,
    commandDeadlineMs: 15_000,
    ...options,
  } as never);
  await client.connect();
  await healthy(client);
  const events = recordEvents(client);
  return { client, events };
}

/** No acknowledged count is lost; a count that was not acknowledged is one whose outcome was unknown. */
async function expectExact(cluster: RedisCluster, counting: Counting): Promise<void> {
  const there = await counted(cluster, counting.keys);
  expect(counting.refused).toEqual([]);
  expect(there).toBeGreaterThanOrEqual(counting.total);
  expect(there).toBeLessThanOrEqual(counting.total + counting.doubtful.length);
}

describe('a failover inside a cluster', () => {
  it.each(['kill', 'freeze'] as const)(
    'is none of ours: %s of a master heals, the others are served',
    async (fault) => {
      const [east, west] = await Promise.all([
        aCluster({ ...full, config: { 'cluster-require-full-coverage': 'no' } }),
        aCluster(small),
      ]);
      const { client, events } = await over([east, west]);
      const keys = Array.from({ length: 30 }, (_, i) => `count${i}`);
      const counting = new Counting((key) => client.incr(key), keys);
      await counting.goesOn();
      // What the replicas lack would be lost by the cluster itself.
      const victim = east.masters[0] as RedisServer;
      const others = keys.filter((key) => masterOf(east, key) !== victim);
      const hit = keys.filter((key) => masterOf(east, key) === victim);
      const [read] = hit as [string];

      await victim[fault]();
      await counting.goesOn(1, others.slice(0, 2));
      const reading = client.get(read);
      await counting.goesOn(5);
      expect(Number(await reading)).toBeGreaterThan(0);
      await healed(east, [victim]);
      await counting.goesOn(5);
      if (fault === 'freeze') await victim.thaw();
      await counting.goesOn(5);
      await counting.stop();

      expect(events.switches).toEqual([]);
      expect(client.activeDatabase).toBe('east');
      expect(counting.refused).toEqual([]);
      // Nothing twice: asynchronous replication may lose, it never adds.
      if (fault === 'freeze') await victim.kill();
      const there = await counted(east, keys);
      expect(there).toBeLessThanOrEqual(counting.total + counting.doubtful.length);
      await healthy(client, 'east');
    },
  );

  it('holds commands meanwhile, also where every master refuses', async () => {
    // By default a cluster that misses slots refuses everything with CLUSTERDOWN.
    const [east] = await Promise.all([aCluster(full)]);
    const { client, events } = await over([east], { commandRetry: { maxAttempts: 2 } });
    const keys = keyOfEach(east);
    for (const key of keys) await client.set(key, '0');
    const victim = east.masters[0] as RedisServer;
    await victim.kill();
    const results = await Promise.all(keys.map((key) => client.incr(key)));
    expect(results).toEqual([1, 1, 1]);
    expect(events.switches).toEqual([]);
  });

  it('by hand takes nothing but a redirection', async () => {
    const east = await aCluster(full);
    const { client, events } = await over([east]);
    const keys = keyOfEach(east);
    const counting = new Counting((key) => client.incr(key), keys);
    await counting.goesOn();
    const replica = east.replicas[0] as RedisServer;
    await replica.command('CLUSTER', 'FAILOVER');
    await waitFor(async () => String(await replica.command('ROLE')).startsWith('master'), {
      what: 'the replica to take over',
    });
    await counting.goesOn(20);
    await counting.stop();
    expect(counting.doubtful).toEqual([]);
    await expectExact(east, counting);
    expect(events.switches).toEqual([]);
  });
});

describe('a cluster that fails', () => {
  it('is left when it has not healed in time, and returned to', async () => {
    const [east, west] = await Promise.all([aCluster(small), aCluster(small)]);
    const { client, events } = await over([east, west], { unhealthyAfterMs: 500 });
    const counting = new Counting((key) => client.incr(key), keyOfEach(east));
    await counting.goesOn();

    const left = switchTo(client, 'west');
    const read = client.get(keyOfEach(east)[0] as string);
    await Promise.all(east.masters.map((node) => node.kill()));
    await left;
    await counting.goesOn();
    await read;
    expect(counting.refused).toEqual([]);

    await Promise.all(east.masters.map((node) => node.restart()));
    await healed(east);
    await active(client, 'east');
    await counting.goesOn();
    await counting.stop();
    expect(counting.refused).toEqual([]);
    expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
  });

  it('is left with one shard frozen for good, while the others answer', async () => {
    const [east, west] = await Promise.all([
      aCluster({ ...small, config: { 'cluster-require-full-coverage': 'no' } }),
      aCluster(small),
    ]);
    const { client } = await over([east, west], { unhealthyAfterMs: 500 });
    const keys = keyOfEach(east);
    const victim = east.masters[1] as RedisServer;
    const left = switchTo(client, 'west');
    await victim.freeze();
    const [first, frozen, last] = keys.map((key) => client.get(key));
    expect([await first, await last]).toEqual([null, null]);
    await left;
    // A read under way at the frozen node goes on in the west.
    expect(await frozen).toBeNull();
    await victim.thaw();
  });

  it('settles commands of several nodes, one of which is frozen', async () => {
    const east = await aCluster({
      ...small,
      config: { 'cluster-require-full-coverage': 'no' },
    });
    const { client } = await over([east], {
      unhealthyAfterMs: 30_000,
      commandTimeoutMs: 500,
      commandDeadlineMs: 1500,
    });
    const keys = keyOfEach(east);
    const victim = east.masters[1] as RedisServer;
    await victim.freeze();
    // With version 5 some of them go to one node, or are refused.
    const calls = [
      client.dbSize(),
      client.keys('*'),
      client.scriptLoad('return 1'),
      client.flushAll(),
      client.mGet(keys),
      client.mSet(keys.map((key) => [key, '1'] as [string, string])),
      client.del(keys),
    ];
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'fulfilled') continue;
      if (String(result.reason).includes('CROSSSLOT')) continue;
      expect(['COMMAND_TIMEOUT', 'CONNECTION_LOST']).toContain(result.reason.code);
      expect(result.reason.maybeExecuted).toBe(true);
    }
    expect(client.stats().pending).toBe(0);
    const [first, , last] = keys as [string, string, string];
    await Promise.all([client.set(first, 'x'), client.set(last, 'x')]);
    await victim.thaw();
    await waitFor(() => client.dbSize().then((size) => size > 0), { what: 'all to answer again' });
  });

  it('fails commands at once when nothing else is there, and serves again by itself', async () => {
    const east = await aCluster(small);
    const { client, events } = await over([east], { unhealthyAfterMs: 300 });
    const [key] = keyOfEach(east) as [string];
    await client.set(key, 'value');
    await Promise.all(east.masters.map((node) => node.kill()));
    await waitFor(() => events.of('all-databases-down').length === 1, { what: 'all to be down' });
    expect(await errorOf(client.get(key))).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    await Promise.all(east.masters.map((node) => node.restart()));
    await active(client, 'east');
    await waitFor(() => client.get(key).then(() => true), { what: 'it to serve again' });
  });
});

describe('slots that move', () => {
  it('under load: nothing is lost, repeated or refused', async () => {
    const east = await aCluster(small);
    const { client, events } = await over([east]);
    const keys = Array.from({ length: 12 }, (_, i) => `{moving}${i}`);
    const from = masterOf(east, '{moving}');
    const to = east.masters.find((node) => node !== from) as RedisServer;
    const counting = new Counting((key) => client.incr(key), keys);
    const transactions = new Counting(
      async (key) => {
        const [count] = await client.multi().incr(key).get(key).exec();
        return count;
      },
      keys.map((key) => `${key}:multi`),
    );
    const pipelines = new Counting(
      (key) => client.multi().incr(key).get(key).incr(`${key}:2`).execAsPipeline(),
      keys.map((key) => `${key}:pipeline`),
    );
    const all = [counting, transactions, pipelines];
    await Promise.all(all.map((each) => each.goesOn(2)));
    for (const [source, target] of [
      [from, to],
      [to, from],
    ] as const) {
      await moveSlot(east, '{moving}', source, target, () => counting.goesOn(1));
      await Promise.all(all.map((each) => each.goesOn(2)));
    }
    for (const each of all) {
      await each.stop();
      expect(each.doubtful).toEqual([]);
      await expectExact(east, each);
    }
    const second = pipelines.keys.map((key) => `${key}:2`);
    expect(await counted(east, second)).toBe(pipelines.total);
    expect(events.switches).toEqual([]);
  });

  it('new masters get connections, without any traffic', async () => {
    const east = await aCluster({ ...small, masters: 3 });
    const { client } = await over([east]);
    const [a, , c] = east.masters as [RedisServer, RedisServer, RedisServer];
    const [key] = keyOfEach(east) as [string];
    await client.set(key, 'value');
    await moveSlot(east, key, a, c);
    expect(await client.get(key)).toBe('value');
    expect(await c.command('GET', key)).toBe('value');
  });
});
