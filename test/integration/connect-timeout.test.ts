/** `socket.connectTimeout: 0` is no limit, as in node-redis, however a database is reached. */
import { createMultiDbClient, type MultiDbClient, type MultiDbClientOptions } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startCluster, startProxy, startRedis, startSentinel } from '../kit/index.js';
import { own } from './support.js';

const LATENCY_MS = 60;
const socket = { connectTimeout: 0 } as const;

/** Each answers late: more time passes in a handshake than a timeout of 0 would allow. */
async function everything(client: MultiDbClient): Promise<void> {
  own(client);
  await client.connect();
  expect(await client.set('k', 'v')).toBe('OK');
  const duplicate = own(client.duplicate());
  await duplicate.connect();
  expect(await duplicate.get('k')).toBe('v');
  const heard = new Promise((resolve) => client.subscribe('channel', resolve));
  expect(await client.transaction(['k'], (tx) => tx.multi().get('k').exec())).toEqual(['v']);
  const publishing = setInterval(() => client.publish('channel', 'message'), 20);
  expect(await heard).toBe('message');
  clearInterval(publishing);
  expect(client.activeDatabase).toBe('east');
}

const create = (database: object) =>
  createMultiDbClient({
    databases: [{ id: 'east', ...database }],
    suspectAfterMs: 1000,
  } as unknown as MultiDbClientOptions) as unknown as MultiDbClient;

async function late(target: Parameters<typeof startProxy>[0]) {
  const proxy = await startProxy(target);
  proxy.delay({ toClientMs: LATENCY_MS });
  return proxy;
}

it.each(['client', 'pool'])('%s', async (topology) => {
  const { url } = await late(await startRedis());
  await everything(create({ topology, client: { url, socket } }));
});

it('sentinel', async () => {
  const sentinel = await startSentinel();
  const master = await late(await sentinel.master());
  const nodeAddressMap = () => ({ host: master.host, port: master.port });
  const { name, seeds } = sentinel;
  const nodeClientOptions = { socket };
  const options = { name, sentinelRootNodes: seeds, nodeAddressMap, nodeClientOptions };
  await everything(create({ topology: 'sentinel', sentinel: options }));
});

it('cluster', async () => {
  const cluster = await startCluster();
  const ports = new Map<string, number>();
  for (const node of cluster.nodes) {
    ports.set(`${node.host}:${node.port}`, (await late(node)).port);
  }
  const nodeAddressMap = (address: string) => ({
    host: '127.0.0.1',
    port: ports.get(address) as number,
  });
  const rootNodes = cluster.seeds.map(({ url }) => ({ url, socket }));
  const options = { rootNodes, nodeAddressMap, defaults: { socket } };
  await everything(create({ topology: 'cluster', cluster: options }));
});
