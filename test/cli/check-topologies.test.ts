/** `check` on deployments of several servers: clusters, Sentinel, pools, and a mix of them. */
import { loadConfig } from 'redis-multidb/config';
import { redisSteering } from 'redis-multidb/steering';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashSlot } from '../../src/core/hash-slot.js';
import { createMultiDbClient } from '../../src/index.js';
import {
  freePort,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  type Reply,
  startCluster,
  startRedis,
  startSentinel,
  stopAll,
  waitFor,
} from '../kit/index.js';
import { check, config, of } from './check-support.js';
import { run } from './run.js';

afterAll(stopAll);

const atLevel = (level: string, found: readonly { level: string; text: string }[]) =>
  found.filter((each) => each.level === level).map(({ text }) => text);

const overCluster = (nodes: readonly { url: string }[], over: object = {}) => ({
  topology: 'cluster',
  cluster: { rootNodes: nodes.map(({ url }) => ({ url })), ...over },
});
const overSentinel = ({ name, seeds }: RedisSentinel, over: object = {}) => ({
  topology: 'sentinel',
  sentinel: { name, sentinelRootNodes: seeds, ...over },
});

describe('a cluster', { timeout: 90_000 }, () => {
  let cluster: RedisCluster;
  let file: string;
  const password = 'hunter2';

  beforeAll(async () => {
    cluster = await startCluster({ password });
    await listed();
    file = config('cluster.json', {
      databases: [{ id: 'c', ...overCluster(cluster.seeds, { defaults: { password } }) }],
    });
  }, 60_000);

  /** Every node lists all slots, each with its master and its replica. */
  const listed = () =>
    waitFor(
      async () => {
        const told = cluster.nodes.map(
          async (node) =>
            (await node.command('CLUSTER', 'SLOTS')) as [number, number, ...Reply[]][],
        );
        return (await Promise.all(told)).every(
          (slots) =>
            slots.every((range) => range.length === 4) &&
            slots.reduce((sum, [from, to]) => sum + to - from + 1, 0) === 16_384,
        );
      },
      { what: 'every node to list all slots and nodes', timeoutMs: 30_000, intervalMs: 50 },
    );

  const one = (over: object) => config('one.json', { databases: [{ id: 'c', ...over }] });

  it('that is healthy', async () => {
    const { code, report, all } = await check(file);
    expect(atLevel('problem', all)).toEqual([]);
    expect(code).toBe(0);
    expect(report.databases).toMatchObject([
      { topology: 'cluster', reachable: true, version: expect.stringMatching(/^\d/) },
    ]);
    expect(of(all, 'slots')).toMatchObject([{ level: 'ok', text: 'all 16384 are served' }]);
    expect(of(all, 'nodes')).toMatchObject([
      { level: 'ok', text: '3 masters and 3 replicas, 6 of 6 can be reached' },
    ]);
    // The default of the topology is nothing to be warned of.
    expect(of(all, 'commandDeadlineMs')).toMatchObject([{ level: 'note' }]);
    const { stdout } = await run(['check', file]);
    expect(stdout).toMatch(/commandDeadlineMs\n {10}/);
    expect(stdout).not.toContain(password);
  });

  it('with a root node that is gone is found through the others, and alone it is not', async () => {
    const gone = `redis://127.0.0.1:${await freePort()}`;
    const [first] = cluster.seeds;
    if (first === undefined) throw new Error('no seeds');
    const defaults = { password };
    const spared = await check(one(overCluster([{ url: gone }, first], { defaults })));
    expect(spared.code).toBe(0);
    expect(spared.report.databases[0]?.reachable).toBe(true);
    expect(atLevel('warning', of(spared.all, 'reachable'))).toEqual([
      expect.stringMatching(/refused.*; the cluster is found through the other rootNodes$/),
    ]);
    const lost = await check(one(overCluster([{ url: gone }], { defaults })));
    expect(lost.code).toBe(1);
    expect(lost.report.databases[0]?.reachable).toBe(false);
    expect(lost.all.filter(({ level }) => level === 'problem')).toMatchObject([
      { check: 'reachable', text: expect.stringContaining(gone.slice(8)) },
    ]);
    const single = await check(one(overCluster([first], { defaults })));
    expect(atLevel('warning', of(single.all, 'seeds'))).toEqual([
      expect.stringContaining('only one node'),
    ]);
  });

  it('whose nodes want a password that only the root nodes were given', async () => {
    const { code, all } = await check(one(overCluster(cluster.seeds)));
    expect(code).toBe(1);
    const found = atLevel('problem', of(all, 'authentication'));
    expect(found).toHaveLength(3);
    expect(found[0]).toMatch(/the master 127.*NOAUTH.*come from cluster.defaults/);
  });

  it('that refuses the password', async () => {
    const nodes = cluster.seeds.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` }));
    const wrong = await check(
      one(overCluster(nodes, { defaults: { password: 'hunter2hunter2' } })),
    );
    expect(wrong.code).toBe(1);
    expect(atLevel('problem', wrong.all)).toEqual(
      cluster.seeds.map(
        ({ port }) =>
          `127.0.0.1:${port}: wrong user name or password, or the user is missing or disabled (WRONGPASS)`,
      ),
    );
  });

  it('that is entered twice, by other root nodes, is one', async () => {
    const defaults = { password };
    const two = config('two.json', {
      databases: [
        { id: 'a', ...overCluster(cluster.seeds.slice(0, 2), { defaults }) },
        { id: 'b', ...overCluster(cluster.seeds.slice(2, 4), { defaults }) },
      ],
    });
    const { code, all } = await check(two);
    expect(code).toBe(1);
    expect(of(all, 'same-server')).toEqual([
      {
        check: 'same-server',
        level: 'problem',
        text: expect.stringContaining('a and b are the same server'),
      },
    ]);
  });

  it('whose nodes have another address from here', async () => {
    const [first] = cluster.masters as [RedisServer];
    const port = await freePort();
    const announced = ['CONFIG', 'SET', 'cluster-announce-port'] as const;
    await first.command(...announced, String(port));
    const slots = async () => JSON.stringify(await first.command('CLUSTER', 'SLOTS'));
    await waitFor(async () => (await slots()).includes(String(port)), {
      what: 'the announcement',
      timeoutMs: 20_000,
    });
    const roots = [{ url: first.url }, ...cluster.seeds.slice(3)];
    const defaults = { password };
    const { code, all } = await check(one(overCluster(roots, { defaults })));
    expect(code).toBe(1);
    expect(atLevel('problem', of(all, 'reachable'))).toEqual([
      expect.stringMatching(new RegExp(`the master 127.0.0.1:${port}, .*cluster.nodeAddressMap`)),
    ]);
    const nodeAddressMap = { [`127.0.0.1:${port}`]: { host: '127.0.0.1', port: first.port } };
    const mapped = await check(one(overCluster(roots, { defaults, nodeAddressMap })));
    expect(atLevel('problem', mapped.all)).toEqual([]);
    await first.command(...announced, '0');
    await waitFor(async () => !(await slots()).includes(String(port)), {
      what: 'the announcement to be taken back',
      timeoutMs: 20_000,
    });
  });

  it('with a slot that nobody serves', async () => {
    const slot = hashSlot('lost');
    const owner = cluster.masters[Math.floor((slot * 3) / 16_384)] as RedisServer;
    for (const node of cluster.nodes)
      await node.command('CLUSTER', 'DELSLOTS', slot).catch(() => {});
    const { code, all } = await check(file);
    await owner.command('CLUSTER', 'ADDSLOTS', slot);
    expect(code).toBe(1);
    expect(atLevel('problem', of(all, 'slots'))).toEqual([
      expect.stringMatching(new RegExp(`1 slot is not served by any node \\(${slot}\\)`)),
    ]);
    await listed();
  });

  it('with a replica and a master that are gone', async () => {
    const [replica] = cluster.replicas as [RedisServer];
    await replica.kill();
    const { code, all } = await check(file);
    expect(atLevel('problem', all)).toEqual([]);
    expect(code).toBe(0);
    expect(atLevel('warning', all)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`^127.0.0.1:${replica.port}: .*refused.*rootNodes$`)),
      ]),
    );
    // Its replica is gone: nothing takes its place.
    const [master] = cluster.masters as [RedisServer];
    await master.kill();
    const down = await check(file);
    expect(down.code).toBe(1);
    expect(atLevel('problem', of(down.all, 'reachable'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`the master 127.0.0.1:${master.port}, .*refused`)),
      ]),
    );
  });
});

describe('the wrong servers', () => {
  it('behind topology cluster and sentinel', async () => {
    const server = await startRedis();
    const file = config('wrong.json', {
      databases: [
        { id: 'c', ...overCluster([server]) },
        {
          id: 's',
          topology: 'sentinel',
          sentinel: {
            name: 'mymaster',
            sentinelRootNodes: [{ host: '127.0.0.1', port: server.port }],
          },
        },
      ],
    });
    const { code, report } = await check(file);
    expect(code).toBe(1);
    const [c, s] = report.databases;
    expect(of(c?.findings ?? [], 'topology')).toMatchObject([
      { level: 'problem', text: expect.stringContaining('without cluster mode') },
    ]);
    expect(s?.findings).toMatchObject([
      { check: 'topology', level: 'problem', text: expect.stringContaining('is not a Sentinel') },
    ]);
  });

  it('a pool that may take more connections than there are', async () => {
    const server = await startRedis({ config: { maxclients: 50 } });
    const pool = (maximum: number) =>
      config('pool.json', {
        databases: [{ id: 'p', topology: 'pool', client: { url: server.url }, pool: { maximum } }],
      });
    const { code, all } = await check(pool(50));
    expect(code).toBe(0);
    expect(atLevel('warning', of(all, 'clients'))).toEqual([
      expect.stringContaining('pool.maximum'),
    ]);
    expect(of((await check(pool(10))).all, 'clients')).toEqual([]);
  });
});

describe('Sentinel', { timeout: 90_000 }, () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startSentinel({ password: 'hunter2', downAfterMs: 1500 });
  }, 60_000);
  const nodeClientOptions = { password: 'hunter2' };
  const one = (over: object) =>
    config('sentinel.json', { databases: [{ id: 's', ...overSentinel(sentinel, over) }] });

  it('that is healthy', async () => {
    const { code, report, all } = await check(one({ nodeClientOptions }));
    expect(atLevel('problem', all)).toEqual([]);
    expect(atLevel('warning', report.databases[0]?.findings ?? [])).toEqual([]);
    expect(code).toBe(0);
    expect(of(all, 'sentinel')).toMatchObject([
      { level: 'ok', text: expect.stringContaining('3 of 3 Sentinels know "mymaster"') },
    ]);
    expect(of(all, 'replicas')).toMatchObject([{ level: 'ok', text: '2 of 2 are healthy' }]);
    expect(report.databases[0]).toMatchObject({ role: 'master', topology: 'sentinel' });
  });

  it('that does not know the name', async () => {
    const { code, all } = await check(one({ name: 'mymastr', nodeClientOptions }));
    expect(code).toBe(1);
    expect(atLevel('problem', all)).toEqual(
      sentinel.seeds.map(
        ({ port }) => `127.0.0.1:${port}: does not know a master "mymastr"; it knows mymaster`,
      ),
    );
  });

  it('whose master wants another password', async () => {
    const wrong = await check(one({ nodeClientOptions: { password: 'hunter2hunter2' } }));
    expect(wrong.code).toBe(1);
    expect(atLevel('problem', of(wrong.all, 'authentication'))).toEqual([
      expect.stringMatching(/^the master 127\.0\.0\.1:\d+: wrong user name or password/),
    ]);
  });

  it('beside a cluster, a pool and a single server', async () => {
    const cluster = await startCluster({ replicasPerMaster: 0 });
    const [server, standalone] = await Promise.all([startRedis(), startRedis()]);
    const mixed = config('mixed.json', {
      databases: [
        { id: 'c', weight: 4, ...overCluster(cluster.seeds) },
        { id: 's', weight: 3, ...overSentinel(sentinel, { nodeClientOptions }) },
        { id: 'p', weight: 2, topology: 'pool', client: { url: server.url } },
        { id: 'x', weight: 1, client: { url: standalone.url } },
      ],
    });
    const { code, report, all } = await check(mixed);
    expect(atLevel('problem', all)).toEqual([]);
    expect(code).toBe(0);
    expect(report.databases.map(({ reachable }) => reachable)).toEqual([true, true, true, true]);
    expect(report.replication).toHaveLength(12);
    expect(of(all, 'replication').map(({ text }) => text.split(':')[0])).toEqual([
      'c → s, p, x',
      's → c, p, x',
      'p → c, s, x',
      'x → c, s, p',
    ]);
    expect(of(all, 'clocks')).toMatchObject([{ level: 'ok' }]);
    expect(of(all, 'nodes')).toMatchObject([
      { level: 'ok' },
      { level: 'note', text: expect.stringContaining('3 of 3 masters have no replica') },
    ]);
    for (const node of [...cluster.masters, server, standalone]) {
      expect(await node.command('DBSIZE')).toBe(0);
    }
    await steered(mixed);
  });

  /** The steering key is written to, and read from, databases of every topology. */
  async function steered(file: string): Promise<void> {
    const key = ['--key', 'ops:steering'];
    const client = createMultiDbClient({
      ...(await loadConfig(file)),
      steering: redisSteering({ key: 'ops:steering', intervalMs: 100 }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      for (const id of ['s', 'c', 'p', 'x']) {
        const ran = await run(['steer', 'hold', id, '--reason', 'test', ...key, '--yes', file]);
        expect(ran).toMatchObject({ code: 0, stderr: '' });
        expect(ran.stdout).toContain('was written to c, s, p, x');
        await waitFor(() => client.activeDatabase === id, { what: id, timeoutMs: 30_000 });
      }
      const states = () =>
        client
          .explain()
          .steering?.sources.map((each) => each.state)
          .join();
      await waitFor(() => states() === 'ok,ok,ok,ok', { what: 'every database to be read' });
      const shown = await run(['steer', 'show', ...key, '--json', file]);
      expect(JSON.parse(shown.stdout)).toMatchObject({ consistent: true, newest: { prefer: 'x' } });
    } finally {
      client.destroy();
    }
  }

  it('that loses its replicas, its quorum and its master', async () => {
    const [first, second, third] = sentinel.sentinels as [RedisServer, RedisServer, RedisServer];
    await third.kill();
    const spared = await check(one({ nodeClientOptions }));
    expect(spared.code).toBe(0);
    expect(atLevel('warning', of(spared.all, 'reachable'))).toEqual([
      expect.stringMatching(new RegExp(`the Sentinel 127.0.0.1:${third.port}: .*refused`)),
    ]);
    await second.kill();
    const noQuorum = async () =>
      String(await first.command('SENTINEL', 'CKQUORUM', 'mymaster').catch(String)).includes(
        'NOQUORUM',
      );
    await waitFor(noQuorum, { what: 'the quorum to be lost', timeoutMs: 20_000 });
    const lost = await check(one({ nodeClientOptions }));
    expect(lost.code).toBe(0);
    expect(atLevel('warning', of(lost.all, 'quorum'))).toEqual([
      expect.stringMatching(/too few Sentinels can agree on a failover .*is not replaced$/),
    ]);
    const master = await sentinel.master();
    for (const node of sentinel.nodes) await node.kill();
    const down = await check(one({ nodeClientOptions }));
    expect(down.code).toBe(1);
    expect(atLevel('problem', of(down.all, 'reachable'))).toEqual([
      expect.stringMatching(new RegExp(`^the master 127.0.0.1:${master.port}: .*refused`)),
    ]);
    await first.kill();
    const gone = await check(one({ nodeClientOptions }));
    expect(gone.code).toBe(1);
    expect(atLevel('problem', gone.all)).toHaveLength(3);
  });
});

it('a cluster that hangs is given up in time', async () => {
  const server = await startRedis({ config: { 'cluster-enabled': true } });
  await server.freeze();
  const file = config('silent.json', { databases: [{ id: 'c', ...overCluster([server]) }] });
  const { code, all } = await check(file);
  await server.thaw();
  expect(code).toBe(1);
  expect(atLevel('problem', of(all, 'reachable'))).toEqual([
    expect.stringContaining('no answer in time'),
  ]);
});
