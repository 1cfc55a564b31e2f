/** What the tests of clusters share: databases over real clusters, counters, slots that move. */
import type { DatabaseOptions } from 'redis-multidb';
import { afterAll, afterEach } from 'vitest';
import { hashSlot } from '../../src/core/hash-slot.js';
import {
  type ClusterOptions,
  ClusterPool,
  type RedisCluster,
  type RedisServer,
  waitFor,
} from '../kit/index.js';
import { QUICK } from './timing.js';

export const NODE_TIMEOUT_MS = 1000;

/**
 * A probe of a cluster connects to a node, asks for the slots and asks every master; with up to nine server
 * processes on a busy machine, that takes longer than `QUICK` allows.
 */
export const OF_CLUSTERS = {
  keepConnectingMs: 10_000,
  healthCheck: { ...QUICK.healthCheck, timeoutMs: 1000 },
} as const;

const pool = new ClusterPool();
afterEach(() => pool.takeBack());
afterAll(() => pool.dispose());

/** An empty cluster for one test; it may have served an earlier test of the same file. */
export function aCluster(options?: ClusterOptions): Promise<RedisCluster> {
  return pool.borrow(options);
}

/** A database over a cluster, found through its masters. */
export function overCluster(
  id: string,
  cluster: RedisCluster,
  weight = 1,
  options: object = {},
): DatabaseOptions {
  const rootNodes = cluster.seeds.map(({ url }) => ({ url }));
  return { id, weight, topology: 'cluster', cluster: { rootNodes, ...options } };
}

/** The master of `key` as it was at the start. */
export function masterOf(cluster: RedisCluster, key: string): RedisServer {
  const { masters } = cluster;
  return masters[Math.floor((hashSlot(key) * masters.length) / 16_384)] as RedisServer;
}

/** A key of each master of the start. */
export function keyOfEach(cluster: RedisCluster, prefix = 'k'): string[] {
  return cluster.masters.map((master) => {
    for (let i = 0; ; i += 1) {
      if (masterOf(cluster, `${prefix}${i}`) === master) return `${prefix}${i}`;
    }
  });
}

/** Resolves when every node that runs says that all has recovered. */
export async function healed(cluster: RedisCluster, but: readonly RedisServer[] = []) {
  const nodes = cluster.nodes.filter((node) => node.isRunning && !but.includes(node));
  await waitFor(
    async () => {
      const told = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')));
      return told.every((info) => String(info).includes('cluster_state:ok'));
    },
    { what: 'the cluster to heal', timeoutMs: 20_000, intervalMs: 50 },
  );
}

/** The sum of counters, asked of every master itself. */
export async function counted(cluster: RedisCluster, keys: readonly string[]): Promise<number> {
  let sum = 0;
  for (const key of keys) {
    for (const node of cluster.nodes) {
      if (!node.isRunning || !String(await node.command('ROLE')).startsWith('master')) continue;
      const value = await node.command('GET', key).catch(() => null);
      if (value === null) continue;
      sum += Number(value);
      break;
    }
  }
  return sum;
}

/** Moves the slot of `key` with all its keys, in steps, so that ASK and MOVED are seen. */
export async function moveSlot(
  cluster: RedisCluster,
  key: string,
  from: RedisServer,
  to: RedisServer,
  betweenSteps: () => Promise<void> = async () => {},
): Promise<void> {
  const slot = hashSlot(key);
  const fromId = String(await from.command('CLUSTER', 'MYID'));
  const toId = String(await to.command('CLUSTER', 'MYID'));
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  for (;;) {
    await betweenSteps();
    const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 5)) as string[];
    if (keys.length === 0) break;
    await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
  }
  for (const node of [to, from, ...cluster.masters]) {
    await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  }
}

/** Counts with one key after another until it is stopped. */
export class Counting {
  readonly acknowledged = new Map<string, number>();
  readonly doubtful: unknown[] = [];
  readonly refused: unknown[] = [];
  #stopped = false;
  readonly #callers: Promise<void>[];

  constructor(
    increment: (key: string) => Promise<unknown>,
    readonly keys: readonly string[],
    { callers = 4, pauseMs = 1 }: { callers?: number; pauseMs?: number } = {},
  ) {
    this.#callers = Array.from({ length: callers }, async (_, caller) => {
      for (let turn = caller; !this.#stopped; turn += 1) {
        const key = keys[turn % keys.length] as string;
        try {
          await increment(key);
          this.acknowledged.set(key, (this.acknowledged.get(key) ?? 0) + 1);
        } catch (error) {
          const isDoubtful = (error as { maybeExecuted?: boolean }).maybeExecuted === true;
          (isDoubtful ? this.doubtful : this.refused).push(error);
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    });
  }

  get total(): number {
    return [...this.acknowledged.values()].reduce((sum, each) => sum + each, 0);
  }

  /** Resolves when each key, or those of `keys`, was counted `count` times more. */
  async goesOn(count = 5, keys = this.keys): Promise<void> {
    const goals = keys.map((key) => [key, (this.acknowledged.get(key) ?? 0) + count] as const);
    const reached = () => goals.every(([key, goal]) => (this.acknowledged.get(key) ?? 0) >= goal);
    await waitFor(reached, { what: 'counting to go on', timeoutMs: 15_000 });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }
}
