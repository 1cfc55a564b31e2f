/**
 * One node of a cluster that is silent, moves behind its address or leaves: the others are served on
 * over the connections that they have.
 */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  type FaultProxy,
  type RedisCluster,
  type RedisServer,
  startCluster,
  startProxy,
  stopAll,
} from '../kit/index.js';
import { keyOfEach } from './cluster-support.js';

let cluster: RedisCluster;
let proxies: [FaultProxy, FaultProxy, FaultProxy];
let keys: [string, string, string];
let client: MultiDbClient;

beforeAll(async () => {
  cluster = await startCluster({
    replicasPerMaster: 0,
    nodeTimeoutMs: 60_000,
    config: { 'cluster-require-full-coverage': 'no' },
  });
  proxies = (await Promise.all(cluster.masters.map((node) => startProxy(node)))) as typeof proxies;
  keys = keyOfEach(cluster, 'n') as typeof keys;
});

afterEach(async () => {
  client.destroy();
  for (const proxy of proxies) await proxy.restore();
});

afterAll(stopAll);

async function connect(options: object = {}): Promise<void> {
  const entries = cluster.masters.map((node, i) => {
    const { host, port } = proxies[i] as FaultProxy;
    return [`127.0.0.1:${node.port}`, { host, port }] as const;
  });
  client = createMultiDbClient({
    databases: [
      {
        id: 'east',
        topology: 'cluster',
        cluster: {
          rootNodes: proxies.map(({ url }) => ({ url })),
          nodeAddressMap: Object.fromEntries(entries),
        },
      },
    ],
    healthCheck: { intervalMs: 250, timeoutMs: 250, delayInBetweenProbesMs: 20 },
    unhealthyAfterMs: 60_000,
    suspectAfterMs: 100,
    keepConnectingMs: 10_000,
    ...options,
  } as never) as unknown as MultiDbClient;
  await client.connect();
}

const told = (call: Promise<unknown>) => call.catch((error: unknown) => error);

/** Ids of the connections that a node has, whose latest command is one of `names`. */
async function idsAt(node: RedisServer | undefined, ...names: string[]): Promise<string[]> {
  const list = String(await node?.command('CLIENT', 'LIST'));
  const lines = list
    .split('\n')
    .filter((line) => names.some((name) => line.includes(`cmd=${name} `)));
  return lines.map((line) => /^id=(\d+)/.exec(line)?.[1] as string);
}

it('commands of several nodes, one of which is silent, cost the others nothing', async () => {
  await connect({ commandTimeoutMs: 200, commandDeadlineMs: 400 });
  const [first, , third] = keys;
  const [node] = cluster.masters;
  await Promise.all([client.set(first, '1'), client.set(third, '1')]);
  const [id] = await idsAt(node, 'set');
  proxies[1].silence();
  for (let round = 0; round < 5; round += 1) {
    const late = [
      client.mGet(keys),
      client.mSet(keys.map((key): [string, string] => [key, 'x'])),
      client.del(keys),
    ];
    const [a, b] = await Promise.all([
      told(client.get(third)),
      told(client.incr(`{${third}}count`)),
      ...late.map(told),
    ]);
    expect([a, b]).not.toContainEqual(expect.any(Error));
  }
  expect(client.stats().pending).toBe(0);
  await client.set(first, '2');
  expect(await idsAt(node, 'set')).toContain(id);
});
