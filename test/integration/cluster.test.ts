/** A cluster as a database: where commands go, what is refused, what its health is. */
import { PingStrategy, ReplicationStrategy, WriteReadStrategy } from 'redis-multidb';
import { redisSteering } from 'redis-multidb/steering';
import { describe, expect, it } from 'vitest';
import { hashSlot } from '../../src/core/hash-slot.js';
import { expectNoLeaks, startRedis, waitFor } from '../kit/index.js';
import {
  aCluster,
  healed,
  keyOfEach,
  masterOf,
  NODE_TIMEOUT_MS,
  OF_CLUSTERS,
  overCluster,
} from './cluster-support.js';
import { expectSteered, KEY } from './steering-support.js';
import {
  active,
  clientOf,
  connections,
  databases,
  errorOf,
  healthy,
  own,
  recordEvents,
  switchTo,
} from './support.js';

type Client = ReturnType<typeof clientOf>;

const small = { replicasPerMaster: 0, nodeTimeoutMs: NODE_TIMEOUT_MS };

async function over(list: readonly object[], options: object = {}): Promise<Client> {
  const client = clientOf([], { ...OF_CLUSTERS, databases: list as never, ...options });
  await client.connect();
  await healthy(client);
  return client;
}

describe('a cluster beside a single server', () => {
  it('sends everything where its keys are, and as a whole', async () => {
    const [east, west] = await Promise.all([aCluster(small), startRedis()]);
    const [single] = databases([{ url: west.url }]);
    const list = [overCluster('east', east), { ...single, id: 'west', weight: 0.5 }];
    const steering = redisSteering({ key: KEY, intervalMs: 20 });
    const client = await over(list, { failbackSupported: false, steering });
    const keys = keyOfEach(east);
    const [a, b, c] = keys as [string, string, string];

    for (const key of keys) {
      await client.set(key, `value of ${key}`);
      expect(await masterOf(east, key).command('GET', key)).toBe(`value of ${key}`);
    }
    await client.set('', 'empty');
    await client.set('x{}{a}', 'empty tag');
    expect([await client.get(''), await client.get('x{}{a}')]).toEqual(['empty', 'empty tag']);
    await client.xAdd('stream', '*', { field: 'value' });
    expect(await client.xRead({ key: 'stream', id: '0' })).toHaveLength(1);
    expect(await client.eval('return redis.call("GET", KEYS[1])', { keys: [b] })).toContain(b);
    expect(await client.eval('return 7')).toBe(7);
    expect(await client.withTypeMapping({ 36: Buffer }).get(c)).toEqual(
      Buffer.from(`value of ${c}`),
    );
    await expect(client.sUnion(keys)).rejects.toThrow('CROSSSLOT');
    expect(await client.exists('k-none')).toBe(0);

    expect(await client.multi().set(`{${a}}`, '1').incr(`{${a}}`).exec()).toEqual(['OK', 2]);
    expect(await client.multi().get(`{${a}}`).incr(`{${a}}`).execAsPipeline()).toEqual(['2', 3]);
    for (const run of ['exec', 'execAsPipeline'] as const) {
      const multi = client.multi().set(`${a}:not`, '1').set(`${b}:not`, '1');
      expect(await errorOf(multi[run]())).toMatchObject({
        code: 'UNSUPPORTED',
        maybeExecuted: false,
      });
    }
    expect(await client.mGet([`${a}:not`, `{${a}:not}`])).toEqual([null, null]);
    const text = await errorOf(client.multi().incr(b).get(b).exec());
    expect(String(text)).toContain('1 commands failed');

    // A shard that says no on its own.
    await client.setActiveDatabase('west');
    expect(await client.get(a)).toBeNull();
    await client.set(a, 'in the west');
    expect(await west.command('GET', a)).toBe('in the west');
    await expectSteered(client, steering, masterOf(east, KEY));
  });

  it('is asked at each of its masters whether it answers, before it is switched to', async () => {
    const [east, west] = await Promise.all([aCluster(small), startRedis()]);
    const [single] = databases([{ url: west.url }]);
    const client = await over([single!, overCluster('cluster', east, 0.5)], {
      healthCheck: false,
      failbackSupported: false,
    });
    for (const master of east.masters) await master.command('CONFIG', 'RESETSTAT');
    await client.setActiveDatabase('cluster');
    for (const master of east.masters) {
      expect(String(await master.command('INFO', 'commandstats'))).toMatch(/cmdstat_ping:calls=1,/);
    }
  });

  it('rejects at once what neither node-redis nor a node can do anything with', async () => {
    const client = await over([overCluster('east', await aCluster(small))]);
    const commands = [
      ['MSET', 'a', '1', 'b'],
      ['UNLINK'],
      ['FT.CURSOR', 'READ', 'index', '99'],
      ['MGET', 'a', 5 as unknown as string],
    ];
    for (const command of commands) {
      const error = await errorOf(client.sendCommand(command));
      expect(['ErrorReply', 'SimpleError', 'TypeError']).toContain(error.constructor.name);
    }
    const { failed } = client.stats().databases[0]?.commands ?? {};
    expect(failed).toMatchObject({ 'timed-out': 0, 'never-sent': 0 });
    expect(client.stats().pending).toBe(0);
  });

  it('scans all masters, also while a slot moves, and knows its own cursors only', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const written = Array.from({ length: 300 }, (_, i) => `key${i}`);
    await Promise.all(written.map((key) => client.set(key, '')));

    const seen = new Set<string>();
    let moved = false;
    for await (const keys of client.scanIterator({ COUNT: 20 })) {
      for (const key of keys as string[]) seen.add(key);
      if (moved || seen.size < 150) continue;
      moved = true;
      const [first, , last] = east.masters;
      if (first === undefined || last === undefined) throw new Error('three masters');
      const key = written.find((each) => masterOf(east, each) === last && !seen.has(each));
      if (key === undefined) continue;
      const slot = hashSlot(key);
      const ids = await Promise.all([first, last].map((node) => node.command('CLUSTER', 'MYID')));
      await first.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(ids[1]));
      await last.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(ids[0]));
      const inSlot = (await last.command('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      await last.command('MIGRATE', '127.0.0.1', first.port, '', 0, 5000, 'KEYS', ...inSlot);
      for (const node of [first, ...east.masters]) {
        await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[0]));
      }
    }
    expect(moved).toBe(true);
    expect(written.filter((key) => !seen.has(key))).toEqual([]);
    expect(await errorOf(client.scan('17'))).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('reads from replicas when it is told to', async () => {
    const east = await aCluster({ nodeTimeoutMs: NODE_TIMEOUT_MS });
    const client = await over([overCluster('east', east, 1, { useReplicas: true })]);
    const [key] = keyOfEach(east) as [string];
    await client.set(key, 'x');
    const reads = async (node: { info(field: string): Promise<string | undefined> }) =>
      Number(await node.info('total_reads_processed'));
    const replica = east.replicas[0] as (typeof east.replicas)[0];
    await waitFor(async () => Number(await replica.command('DBSIZE')) > 0, { what: 'the key' });
    const before = await reads(replica);
    for (let i = 0; i < 50; i += 1) await client.get(key);
    expect((await reads(replica)) - before).toBeGreaterThan(10);
    await client.set(key, 'y');
  });

  it('leaves nothing open', async () => {
    const [east, west] = await Promise.all([aCluster(small), aCluster(small)]);
    const before = await Promise.all(east.nodes.map(connections));
    await expectNoLeaks(async () => {
      const client = await over([overCluster('east', east), overCluster('west', west, 0.5)]);
      await client.set('key', 'value');
      // A data and a probe connection to each master.
      const opened = async () => {
        const during = await Promise.all(east.nodes.map(connections));
        return during.map((count, i) => count - (before[i] as number)).join();
      };
      await waitFor(async () => (await opened()) === '2,2,2', { what: 'two to each master' });
      await client.close();
    });
    const isGone = async () =>
      (await Promise.all(east.nodes.map(connections))).join() === before.join();
    await waitFor(isGone, { what: 'all connections to be gone' });
  });

  it('ends a blocking command at its node, and goes on elsewhere', async () => {
    const [east, west] = await Promise.all([aCluster(small), aCluster(small)]);
    const list = [overCluster('east', east), overCluster('west', west, 0.5)];
    const client = await over(list, { failbackSupported: false });
    const popped = keyOfEach(east).map((key) => client.blPop(key, 0));
    await waitFor(
      async () => {
        const blocked = await Promise.all(east.nodes.map((node) => node.info('blocked_clients')));
        return blocked.every((count) => count === '1');
      },
      { what: 'all to block' },
    );
    await client.setActiveDatabase('west');
    await waitFor(
      async () => {
        const blocked = await Promise.all(west.nodes.map((node) => node.info('blocked_clients')));
        return blocked.every((count) => count === '1');
      },
      { what: 'all to block in the west' },
    );
    for (const key of keyOfEach(west)) await masterOf(west, key).command('RPUSH', key, 'element');
    expect(await Promise.all(popped)).toEqual(
      keyOfEach(west).map((key) => ({ key, element: 'element' })),
    );
    await waitFor(
      async () => {
        const blocked = await Promise.all(east.nodes.map((node) => node.info('blocked_clients')));
        return blocked.every((count) => count === '0');
      },
      { what: 'none to block in the east' },
    );
  });
});

describe('the health of a cluster', () => {
  it.each([
    ['and says so', 'yes'],
    ['and serves the others', 'no'],
  ])('is bad with a hole in its slots, when it answers PONG %s', async (_, full) => {
    const config = { 'cluster-require-full-coverage': full };
    const [east, west] = await Promise.all([aCluster({ ...small, config }), startRedis()]);
    const [single] = databases([{ url: west.url }]);
    const list = [overCluster('east', east), { ...single, id: 'west', weight: 0.5 }];
    const client = await over(list, { unhealthyAfterMs: 0 });
    const events = recordEvents(client);
    expect(client.activeDatabase).toBe('east');

    const left = switchTo(client, 'west');
    for (const node of east.nodes) await node.command('CLUSTER', 'DELSLOTS', 77);
    expect(await east.masters[0]?.command('PING')).toBe('PONG');
    expect(await left).toMatchObject({ reason: 'health-check' });
    expect((await left).cause).toMatch(/1 slot is not served/);

    await east.masters[0]?.command('CLUSTER', 'ADDSLOTS', 77);
    await healed(east);
    await active(client, 'east');
    expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
  });

  it('asks each master for a write, and each shard for a canary', async () => {
    const east = await aCluster(small);
    // Two ways to the same cluster stand for replication that works.
    const other = overCluster('west', east, 0.5);
    const check = [
      { strategy: new PingStrategy(), ...OF_CLUSTERS.healthCheck },
      { strategy: new WriteReadStrategy({ keyPrefix: 'wr:' }), ...OF_CLUSTERS.healthCheck },
      { strategy: new ReplicationStrategy({ toleranceMs: 100 }), ...OF_CLUSTERS.healthCheck },
    ];
    const client = own(await over([overCluster('east', east), other], { healthCheck: check }));
    const keysOf = async () => {
      const keys = await Promise.all(east.masters.map((node) => node.command('KEYS', 'wr:*')));
      return keys.map((each) => (each as string[]).length);
    };
    expect(await keysOf()).toEqual([2, 2, 2]);
    await waitFor(() => client.explain().others[0]?.lacks.length === 0, {
      what: 'the canaries of all shards to arrive',
    });

    // One that takes no writes: the others answer.
    const [full] = east.masters;
    await full?.command('CONFIG', 'SET', 'maxmemory', '1');
    const isNoticed = () => client.databases.every((each) => !client.isHealthy(each.id));
    await waitFor(isNoticed, { what: 'the full master to be noticed' });
    await full?.command('CONFIG', 'SET', 'maxmemory', '0');
    await healthy(client);
  });

  it('closes the gate of a cluster that gets no canaries', async () => {
    const [east, west] = await Promise.all([aCluster(small), aCluster(small)]);
    const check = [
      { strategy: new PingStrategy(), ...OF_CLUSTERS.healthCheck },
      { strategy: new ReplicationStrategy({ toleranceMs: 50 }), ...OF_CLUSTERS.healthCheck },
    ];
    const list = [overCluster('east', east), overCluster('west', west, 0.5)];
    const client = await over(list, { healthCheck: check });
    const told = () => String(client.explain().others[0]?.details);
    await waitFor(() => told().includes('no canary arrived'), { what: 'the gate to close' });
    expect(client.explain().others[0]?.lacks).toEqual(['gate closed']);
  });
});
