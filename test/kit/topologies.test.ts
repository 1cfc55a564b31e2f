import { afterEach, expect, test } from 'vitest';
import { infoField, startCluster, startSentinel, stopAll, waitFor } from './index.js';

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
  await waitFor(isOk, { what: 'the cluster to be well', timeoutMs: 15_000 });
  await cluster.stop();
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
