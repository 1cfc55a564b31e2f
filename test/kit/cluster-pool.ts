/**
 * Clusters that serve one test after another. Starting a cluster takes more than two seconds, because a
 * master waits that long before it serves; emptying one takes milliseconds.
 */
import type { RedisServer } from '../../src/test-bed/server/redis-server.js';
import { unregister } from '../../src/test-bed/server/registry.js';
import { infoField } from '../../src/test-bed/wire/info.js';
import { rawCommand } from '../../src/test-bed/wire/raw-connection.js';
import type { Reply } from '../../src/test-bed/wire/resp.js';
import { waitFor } from '../../src/test-bed/wire/wait.js';
import { type ClusterOptions, type RedisCluster, startCluster } from './cluster.js';
import { waitForSync } from './replica.js';

/** How long a node may take to answer before its cluster is replaced by a new one. */
const ANSWER_MS = 2000;

interface PooledCluster {
  readonly cluster: RedisCluster;
  /** The options with which it was started; only an equal wish gets it. */
  readonly key: string;
  /** Ids of the nodes, in the order of `cluster.nodes`. */
  readonly ids: readonly string[];
  readonly topology: string;
  readonly owners: ReadonlyMap<number, number>;
  readonly config: readonly ReadonlyMap<string, string>[];
}

export class ClusterPool {
  readonly #borrowed = new Set<PooledCluster>();
  readonly #free = new Set<PooledCluster>();

  /** An empty cluster as `startCluster` starts it; it is not ended by `stopAll`. */
  async borrow(options: ClusterOptions = {}): Promise<RedisCluster> {
    const key = keyOf(options);
    for (const pooled of [...this.#free].filter((each) => each.key === key)) {
      // Removed before the first await, so that a concurrent call does not get the same cluster.
      if (!this.#free.delete(pooled)) continue;
      if (await restore(pooled)) {
        this.#borrowed.add(pooled);
        return pooled.cluster;
      }
      await pooled.cluster.stop();
    }
    const cluster = await startCluster(options);
    for (const node of cluster.nodes) unregister(node);
    this.#borrowed.add(await remember(cluster, key));
    return cluster;
  }

  /** Takes everything back. A cluster is looked at, and emptied, when it is borrowed again. */
  takeBack(): void {
    for (const pooled of this.#borrowed) this.#free.add(pooled);
    this.#borrowed.clear();
  }

  async dispose(): Promise<void> {
    this.takeBack();
    const all = [...this.#free];
    this.#free.clear();
    await Promise.all(all.map(({ cluster }) => cluster.stop()));
  }
}

function keyOf({ masters = 3, replicasPerMaster = 1, ...others }: ClusterOptions): string {
  return JSON.stringify(Object.entries({ ...others, masters, replicasPerMaster }).sort());
}

async function remember(cluster: RedisCluster, key: string): Promise<PooledCluster> {
  const { nodes } = cluster;
  const ids = await Promise.all(
    nodes.map(async (node) => String(await ask(node, 'CLUSTER', 'MYID'))),
  );
  const config = await Promise.all(nodes.map(configOf));
  const topology = await topologyOf(nodes[0] as RedisServer);
  return { cluster, key, ids, topology, owners: await ownersOf(nodes, ids), config };
}

/** Makes the cluster what it was at its start; false if that can't be done. */
async function restore(pooled: PooledCluster): Promise<boolean> {
  const { cluster, topology } = pooled;
  const { nodes, masters, replicas } = cluster;
  try {
    if (!nodes.every((node) => node.isRunning)) return false;
    await Promise.all(nodes.map((node) => ask(node, 'PING')));
    await Promise.all(nodes.map((node, index) => restoreConfig(node, pooled, index)));
    // A master that has become a replica refuses.
    await Promise.all(masters.map((node) => ask(node, 'FLUSHALL')));
    await restoreSlots(pooled);
    for (const [index, replica] of replicas.entries()) {
      const master = masters[Math.floor((index * masters.length) / replicas.length)];
      await waitForSync(master as RedisServer, replica, ANSWER_MS);
    }
    const isRestored = async (node: RedisServer) =>
      (await topologyOf(node)) === topology &&
      infoField(String(await ask(node, 'CLUSTER', 'INFO')), 'cluster_state') === 'ok';
    await waitFor(async () => (await Promise.all(nodes.map(isRestored))).every(Boolean), {
      what: 'the cluster to be as it was',
      timeoutMs: ANSWER_MS,
      intervalMs: 20,
    });
    await Promise.all(nodes.map(clean));
    return true;
  } catch {
    return false;
  }
}

function ask({ port, password }: RedisServer, ...args: (string | number)[]): Promise<Reply> {
  return rawCommand({ port, password, timeoutMs: ANSWER_MS }, ...args);
}

async function clean(node: RedisServer): Promise<void> {
  for (const type of ['normal', 'pubsub']) await ask(node, 'CLIENT', 'KILL', 'TYPE', type);
  await ask(node, 'SCRIPT', 'FLUSH');
  // Since Redis 7.
  await ask(node, 'FUNCTION', 'FLUSH').catch(() => {});
  await ask(node, 'CONFIG', 'RESETSTAT');
}

/** Everything that can be set, and the users. */
async function configOf(node: RedisServer): Promise<Map<string, string>> {
  const flat = (await ask(node, 'CONFIG', 'GET', '*')) as string[];
  const users = (await ask(node, 'ACL', 'LIST')) as string[];
  const pairs = flat.flatMap((name, index) =>
    index % 2 === 0 ? [[name, String(flat[index + 1])] as const] : [],
  );
  return new Map([...pairs, ['users', users.join('\n')]]);
}

async function restoreConfig(node: RedisServer, { config }: PooledCluster, index: number) {
  const wanted = config[index] as ReadonlyMap<string, string>;
  for (const [name, value] of await configOf(node)) {
    const former = wanted.get(name);
    // Users can't be set in this way: the cluster is replaced.
    if (former !== value) await ask(node, 'CONFIG', 'SET', name, former as string);
  }
}

/** Each node with its role, its master and its slots, as `node` sees them. */
async function topologyOf(node: RedisServer): Promise<string> {
  const lines = String(await ask(node, 'CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines
    .map((line) => {
      const [id, , flags = '', master, , , , link, ...slots] = line.split(' ');
      return [id, flags.replace('myself,', ''), master, link, ...slots].join(' ');
    })
    .sort()
    .join('\n');
}

/** The index of the node that owns each slot, as the owners themselves say. */
async function ownersOf(nodes: readonly RedisServer[], ids: readonly string[]) {
  const owners = new Map<number, number>();
  for (const [index, node] of nodes.entries()) {
    for (const token of await slotsOf(node, ids[index] as string)) {
      const [first = Number.NaN, last = first] = token.split('-').map(Number);
      for (let slot = first; slot <= last; slot += 1) owners.set(slot, index);
    }
  }
  return owners;
}

async function slotsOf(node: RedisServer, id: string): Promise<string[]> {
  const lines = String(await ask(node, 'CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  const own = lines.find((line) => line.startsWith(id)) ?? '';
  return own.split(' ').slice(8);
}

async function restoreSlots({ cluster, ids, owners }: PooledCluster): Promise<void> {
  const { nodes, masters } = cluster;
  // Slots in transit stand as [slot->-id] or [slot-<-id].
  for (const [index, node] of nodes.entries()) {
    for (const token of await slotsOf(node, ids[index] as string)) {
      const slot = /^\[(\d+)/.exec(token)?.[1];
      if (slot !== undefined) await ask(node, 'CLUSTER', 'SETSLOT', slot, 'STABLE');
    }
  }
  const present = await ownersOf(nodes, ids);
  for (const [slot, owner] of owners) {
    const now = present.get(slot);
    if (now === owner) continue;
    const home = nodes[owner] as RedisServer;
    if (now === undefined) {
      await ask(home, 'CLUSTER', 'ADDSLOTS', slot);
      continue;
    }
    const away = nodes[now] as RedisServer;
    await ask(home, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[now] as string);
    await ask(away, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[owner] as string);
    for (const node of [home, away, ...masters]) {
      await ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', ids[owner] as string);
    }
  }
}
