/** A Redis Cluster of real nodes, built with raw commands. */

import type { RedisDirectives } from '../../src/test-bed/server/redis-config.js';
import { type RedisServer, startRedis } from '../../src/test-bed/server/redis-server.js';
import { infoField } from '../../src/test-bed/wire/info.js';
import type { Reply } from '../../src/test-bed/wire/resp.js';
import { waitFor } from '../../src/test-bed/wire/wait.js';
import { waitForSync } from './replica.js';

const SLOTS = 16_384;

export interface ClusterOptions {
  /** Default 3. */
  readonly masters?: number;
  /** Default 1. */
  readonly replicasPerMaster?: number;
  /** `cluster-node-timeout` in milliseconds. Default 1500. */
  readonly nodeTimeoutMs?: number;
  readonly password?: string;
  readonly config?: RedisDirectives;
}

/** Starts a cluster and waits until every node says `cluster_state:ok` and every replica is in sync. */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters: masterCount = 3, replicasPerMaster = 1 } = options;
  const nodes = await Promise.all(
    Array.from({ length: masterCount * (1 + replicasPerMaster) }, () => startNode(options)),
  );
  const masters = nodes.slice(0, masterCount);
  const replicas = nodes.slice(masterCount);
  const first = masters[0] as RedisServer;
  for (const [i, node] of nodes.entries()) await node.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  for (const [i, master] of masters.entries()) {
    const from = Math.ceil((i * SLOTS) / masterCount);
    const count = Math.ceil(((i + 1) * SLOTS) / masterCount) - from;
    // Not ADDSLOTSRANGE, which Redis 6 does not have.
    const slots = Array.from({ length: count }, (_, offset) => from + offset);
    await master.command('CLUSTER', 'ADDSLOTS', ...slots);
  }
  for (const node of nodes) await first.command('CLUSTER', 'MEET', '127.0.0.1', node.port);
  await everywhere(nodes, 'cluster_known_nodes', String(nodes.length));
  const attach = async (replica: RedisServer, i: number) => {
    const master = masters[Math.floor(i / replicasPerMaster)] as RedisServer;
    const id = String(await master.command('CLUSTER', 'MYID'));
    // A node in handshake is counted as known, and is not yet known by its id.
    await waitFor(async () => (await replica.command('CLUSTER', 'REPLICATE', id)) === 'OK', {
      what: `port ${replica.port} to replicate port ${master.port}`,
      timeoutMs: 20_000,
      intervalMs: 50,
    });
    await waitForSync(master, replica);
  };
  await Promise.all(replicas.map(attach));
  await everywhere(nodes, 'cluster_state', 'ok');
  await waitFor(async () => (await replicasKnown(nodes)).every((n) => n === replicas.length), {
    what: 'every node to know the replicas',
    timeoutMs: 20_000,
    intervalMs: 50,
  });
  return new RedisCluster(masters, replicas);
}

export class RedisCluster {
  /** In the order of their slots; the roles of the start, whatever failed over since. */
  readonly masters: readonly RedisServer[];
  /** Those of the first master first. */
  readonly replicas: readonly RedisServer[];

  /** Use `startCluster`. */
  constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  get nodes(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  /** For `rootNodes` of node-redis (`url`) as for others (`host`, `port`). */
  get seeds(): { host: string; port: number; url: string }[] {
    return this.nodes.map(({ host, port, url }) => ({ host, port, url }));
  }

  /** Ends all nodes and removes their directories. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function startNode({
  nodeTimeoutMs = 1500,
  password,
  config,
}: ClusterOptions): Promise<RedisServer> {
  return startRedis({
    ...(password === undefined ? {} : { password }),
    config: { 'cluster-enabled': true, 'cluster-node-timeout': nodeTimeoutMs, ...config },
  });
}

async function everywhere(nodes: RedisServer[], field: string, value: string): Promise<void> {
  const reached = async (node: RedisServer) =>
    infoField(String(await node.command('CLUSTER', 'INFO')), field) === value;
  for (const node of nodes) {
    const what = `${field} of port ${node.port} to be ${value}`;
    await waitFor(() => reached(node), { what, timeoutMs: 20_000, intervalMs: 50 });
  }
}

/** How many replicas each node names to clients: those of which it has heard that they replicate. */
async function replicasKnown(nodes: RedisServer[]): Promise<number[]> {
  const replies = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'SLOTS')));
  // After the first and the last slot of a range, and its master.
  const replicasOf = (range: Reply) => (range as Reply[]).length - 3;
  return replies.map((ranges) =>
    (ranges as Reply[]).reduce<number>((sum, range) => sum + replicasOf(range), 0),
  );
}
