/**
 * The address of one node of a Sentinel deployment or of a cluster leads to another server, while
 * the old one goes on as a replica and keeps its connections; or a NAT forgets the flows to a node.
 */
import type { DatabaseOptions, MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  only,
  type RedisServer,
  startCluster,
  startProxy,
  startRedis,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import { keyOfEach } from './cluster-support.js';
import { connected, errorOf, QUICK, recordEvents, Traffic } from './support.js';

/** Nothing here may wait for a deadline. */
const NO_DEADLINE = { commandTimeoutMs: 20_000, commandDeadlineMs: 25_000 };
/** What a caller of a write may be told, and no other error. */
const UNKNOWN = expect.objectContaining({ code: 'CONNECTION_LOST', maybeExecuted: true });

interface World {
  readonly database: Partial<DatabaseOptions>;
  /** In front of the node that is concerned. */
  readonly proxy: FaultProxy;
  /** Behind it. */
  readonly node: RedisServer;
  /** Keys of each node, those of `node` first. */
  readonly keys: readonly string[];
  /** Where `proxy` leads after `move`. */
  readonly after: () => RedisServer;
  move(): Promise<void>;
}

async function sentinelWorld(): Promise<World> {
  // Sentinels that see nothing of what happens: the move is that of an address.
  const deployment = await startSentinel({ sentinels: 1, replicas: 1, downAfterMs: 60_000 });
  const [before, after] = deployment.nodes as [RedisServer, RedisServer];
  const proxy = await startProxy(before);
  const sentinel = {
    name: deployment.name,
    sentinelRootNodes: deployment.seeds,
    nodeAddressMap: { [`127.0.0.1:${before.port}`]: { host: proxy.host, port: proxy.port } },
  };
  return {
    database: { topology: 'sentinel', sentinel },
    proxy,
    node: before,
    keys: ['k'],
    after: () => after,
    async move() {
      proxy.moveTo(after);
      await after.command('REPLICAOF', 'NO', 'ONE');
      await before.command('REPLICAOF', after.host, after.port);
    },
  };
}

const READONLY = "-READONLY You can't write against a read only replica.";
const ROLE_OF_A_REPLICA = '*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n';

/** The old server is one that answers as a replica does; all nodes go on to agree about the slots. */
async function clusterWorld(): Promise<World> {
  const cluster = await startCluster({ masters: 3, replicasPerMaster: 0 });
  const node = cluster.masters[0] as RedisServer;
  const old = await startProxy(node);
  const proxy = await startProxy(old);
  const nodeAddressMap = { [`127.0.0.1:${node.port}`]: { host: proxy.host, port: proxy.port } };
  const rootNodes = cluster.masters.map(({ url }) => ({ url }));
  return {
    database: { topology: 'cluster', cluster: { rootNodes, nodeAddressMap } },
    proxy,
    node,
    keys: keyOfEach(cluster),
    after: () => node,
    async move() {
      proxy.moveTo(node);
      const isWrite = only('SET', 'INCR', 'DEL');
      old.answerWith((command) => {
        if (isWrite(command)) return READONLY;
        return only('ROLE')(command) ? ROLE_OF_A_REPLICA : undefined;
      });
    },
  };
}

async function clientTo({ database }: World, options: object = {}): Promise<MultiDbClient> {
  const west = await startRedis();
  const databases = [
    { id: 'east', weight: 1, ...database },
    { id: 'west', weight: 0.5, client: { url: west.url } },
  ];
  // Several servers answer for one probe, on a machine that is busy.
  const healthCheck = { ...QUICK.healthCheck, timeoutMs: 1000 };
  const all = { ...NO_DEADLINE, healthCheck, initialWaitMs: 20_000, ...options, databases };
  return connected([], all as unknown as Partial<MultiDbClientOptions>);
}

function trafficOf(client: MultiDbClient, { keys }: World) {
  const each = (call: (key: string) => Promise<unknown>) =>
    keys.map((key) => new Traffic(() => call(key), { callers: 3, pauseMs: 5 }));
  return { reads: each((key) => client.get(key)), writes: each((key) => client.incr(key)) };
}

const TOPOLOGIES = [
  ['sentinel', sentinelWorld],
  ['cluster', clusterWorld],
] as const;

describe.each(TOPOLOGIES)('a node of %s', (_, worldOf) => {
  it('whose address moves is followed', async () => {
    const world = await worldOf();
    const client = await clientTo(world);
    const heard: string[] = [];
    await client.subscribe('news', (message) => heard.push(message));
    const events = recordEvents(client);
    const { reads, writes } = trafficOf(client, world);
    const all = [...reads, ...writes];
    await Promise.all(all.map((each) => each.flows(20)));
    const { proxy } = world;
    const old = [...proxy.openConnections];
    await world.move();
    await Promise.all(all.map((each) => each.flows(100)));
    await waitFor(() => old.every((each) => !proxy.openConnections.includes(each)), {
      what: 'every connection to the old server to be replaced',
      timeoutMs: 20_000,
    });
    await Promise.all(all.map((each) => each.stop()));
    expect(all.flatMap(({ errors }) => errors)).toEqual([]);
    expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
    await waitFor(
      async () => {
        await client.publish('news', 'after');
        return heard.includes('after');
      },
      { what: 'a message of the new server' },
    );
    const [key = ''] = world.keys;
    await client.set(key, 'last');
    expect(await world.after().command('GET', key)).toBe('last');
  });

  it('whose flows are forgotten is left by nobody', async () => {
    const world = await worldOf();
    const client = await clientTo(world);
    const events = recordEvents(client);
    const { reads, writes } = trafficOf(client, world);
    await Promise.all([...reads, ...writes].map((each) => each.flows(20)));
    const { proxy } = world;
    const lost = [...proxy.openConnections];
    proxy.forgetFlows();
    await Promise.all([...reads, ...writes].map((each) => each.flows(100)));
    await waitFor(() => lost.every((each) => !proxy.openConnections.includes(each)), {
      what: 'every silent connection to be replaced',
      timeoutMs: 20_000,
    });
    await Promise.all([...reads, ...writes].map((each) => each.stop()));
    expect(reads.flatMap(({ errors }) => errors)).toEqual([]);
    const failed = writes.flatMap(({ errors }) => errors);
    // One write of each caller of the node was under way; a second one may follow it.
    expect(failed.length).toBeLessThanOrEqual(6);
    for (const error of failed) expect(error).toEqual(UNKNOWN);
    expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
  });

  it('tells a worker that blocks there that its flow was forgotten', async () => {
    const world = await worldOf();
    const client = await clientTo(world, { suspectAfterMs: 150 });
    const [key = ''] = world.keys;
    const { proxy } = world;
    proxy.forgetFlows('both', ({ seen }) => !seen.has('PING'));
    const lost = await errorOf(client.blPop(`{${key}}queue`, 0));
    expect(lost).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    const popped = client.blPop(`{${key}}queue`, 0);
    await world.node.command('RPUSH', `{${key}}queue`, 'job');
    expect(await popped).toMatchObject({ element: 'job' });
    expect(client.activeDatabase).toBe('east');
  });
});
