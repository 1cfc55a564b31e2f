import { afterEach, expect, test } from 'vitest';
import {
  ClusterPool,
  infoField,
  type RedisServer,
  startCluster,
  startSentinel,
  stopAll,
  waitFor,
} from './index.js';

afterEach(stopAll);

test('startCluster(): all slots served, and a replica takes over for a killed master', async () => {
  const cluster = await startCluster({ masters: 3, replicasPerMaster: 1 });
  expect(cluster.seeds).toHaveLength(6);
  const [first, second] = cluster.masters;
  // 'foo' is in slot 12182, which is the third master's.
  await expect(first?.command('GET', 'foo')).rejects.toThrow(
    `MOVED 12182 127.0.0.1:${cluster.masters[2]?.port}`,
  );
  await first?.kill();
  const replica = cluster.replicas[0];
  await waitFor(async () => (await replica?.info('role')) === 'master', {
    what: 'the replica to take over',
    timeoutMs: 15_000,
  });
  const isOk = async () =>
    infoField(String(await second?.command('CLUSTER', 'INFO')), 'cluster_state') === 'ok';
  await waitFor(isOk, { what: 'the cluster to be healthy', timeoutMs: 15_000 });
  await cluster.stop();
}, 60_000);

test('ClusterPool: what a test has changed is undone; a broken cluster is replaced', async () => {
  const pool = new ClusterPool();
  try {
    const options = { masters: 2, replicasPerMaster: 0 };
    const cluster = await pool.borrow(options);
    const [first, second] = cluster.masters as [RedisServer, RedisServer];
    const ids = await Promise.all([first, second].map((node) => node.command('CLUSTER', 'MYID')));
    const [firstId, secondId] = ids.map(String) as [string, string];
    await second.command('CLUSTER', 'SETSLOT', 0, 'IMPORTING', firstId);
    for (const node of [second, first])
      await node.command('CLUSTER', 'SETSLOT', 0, 'NODE', secondId);
    await first.command('CLUSTER', 'SETSLOT', 1, 'MIGRATING', secondId);
    // 'foo' is in slot 12182.
    await second.command('SET', 'foo', 'bar');
    await second.command('CONFIG', 'SET', 'maxmemory', '1gb');
    await second.command('CLUSTER', 'DELSLOTS', 16_383);
    pool.takeBack();
    await stopAll();

    expect(await pool.borrow(options)).toBe(cluster);
    const nodes = String(await first.command('CLUSTER', 'NODES'));
    expect(nodes).toMatch(/ 0-8191$/m);
    expect(nodes).toMatch(/ 8192-16383$/m);
    expect(await second.command('GET', 'foo')).toBe(null);
    expect(await second.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '0']);
    pool.takeBack();

    await first.kill();
    const another = await pool.borrow(options);
    expect(another).not.toBe(cluster);
    expect(second.isRunning).toBe(false);
    await pool.dispose();
    expect(another.nodes.some((node) => node.isRunning)).toBe(false);
  } finally {
    await pool.dispose();
  }
}, 60_000);

test('startSentinel(): names the master, and another one when it is killed', async () => {
  const sentinel = await startSentinel({ sentinels: 3, replicas: 2, password: 'secret' });
  const master = await sentinel.master();
  expect(master).toBe(sentinel.nodes[0]);
  await master.kill();
  const next = await sentinel.waitForFailover(master);
  expect(await next.command('SET', 'key', 'value')).toBe('OK');
  await sentinel.stop();
}, 60_000);
