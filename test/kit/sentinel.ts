/** A master with replicas, watched by Sentinels. */

import { type RedisServer, startRedis } from '../../src/test-bed/server/redis-server.js';
import { infoField } from '../../src/test-bed/wire/info.js';
import type { Reply } from '../../src/test-bed/wire/resp.js';
import { waitFor } from '../../src/test-bed/wire/wait.js';
import { startReplica } from './replica.js';

export interface SentinelOptions {
  /** Default 3. */
  readonly sentinels?: number;
  /** Default 2. */
  readonly replicas?: number;
  /** `down-after-milliseconds`. Default 500. */
  readonly downAfterMs?: number;
  /** `failover-timeout` in milliseconds. Default 3000. */
  readonly failoverTimeoutMs?: number;
  /** Name of the master. Default `mymaster`. */
  readonly name?: string;
  /** Of the master and its replicas; the Sentinels themselves have none. */
  readonly password?: string;
}

/** How often Sentinels ask servers for their roles, and announce themselves, in milliseconds. */
interface Periods {
  readonly info: number;
  readonly publish: number;
}

/** A Sentinel finds the replicas and the other Sentinels at once instead of within seconds. */
const HURRIED: Periods = { info: 100, publish: 100 };
/**
 * Of Redis. Sentinels that ask each other more often vote for themselves in the same moment, and one
 * that has not heard of a failover makes the new master a replica again after four publish periods.
 */
const USUAL: Periods = { info: 10_000, publish: 2000 };

/** Starts everything and waits until each Sentinel knows the replicas and the other Sentinels. */
export async function startSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { sentinels: count = 3, replicas: replicaCount = 2, name = 'mymaster' } = options;
  const { downAfterMs = 500, failoverTimeoutMs = 3000, password } = options;
  const secured = password === undefined ? {} : { password };
  const master = await startRedis(secured);
  const replicas = await Promise.all(
    Array.from({ length: replicaCount }, () => startReplica(master, secured)),
  );
  const quorum = Math.floor(count / 2) + 1;
  const directives = [
    `monitor ${name} ${master.host} ${master.port} ${quorum}`,
    `down-after-milliseconds ${name} ${downAfterMs}`,
    `failover-timeout ${name} ${failoverTimeoutMs}`,
    ...(password === undefined ? [] : [`auth-pass ${name} ${password}`]),
  ];
  const sentinels = await Promise.all(
    Array.from({ length: count }, () =>
      startRedis({ sentinel: true, config: { sentinel: directives } }),
    ),
  );
  await Promise.all(sentinels.map((each) => pace(each, HURRIED)));
  const isComplete = async (sentinel: RedisServer) => {
    const fields = flat(await sentinel.command('SENTINEL', 'MASTER', name));
    const [slaves, others] = [fields.get('num-slaves'), fields.get('num-other-sentinels')];
    return slaves === String(replicaCount) && others === String(count - 1);
  };
  for (const sentinel of sentinels) {
    const what = `the Sentinel on port ${sentinel.port} to know all the others`;
    await waitFor(() => isComplete(sentinel), { what, timeoutMs: 20_000, intervalMs: 50 });
  }
  await Promise.all(sentinels.map((each) => pace(each, USUAL)));
  return new RedisSentinel(name, [master, ...replicas], sentinels);
}

/** Before Redis 7 the periods are what they are. */
async function pace(sentinel: RedisServer, { info, publish }: Periods): Promise<void> {
  const setting = ['INFO-PERIOD', info, 'PUBLISH-PERIOD', publish];
  await sentinel.command('SENTINEL', 'DEBUG', ...setting).catch(() => {});
}

export class RedisSentinel {
  readonly name: string;
  /** The first was the master at the start. */
  readonly nodes: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  /** Use `startSentinel`. */
  constructor(name: string, nodes: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.name = name;
    this.nodes = nodes;
    this.sentinels = sentinels;
  }

  /** For `sentinelRootNodes` of node-redis. */
  get seeds(): { host: string; port: number }[] {
    return this.sentinels.map(({ host, port }) => ({ host, port }));
  }

  /** The master that the first running Sentinel names. */
  async master(): Promise<RedisServer> {
    const sentinel = this.sentinels.find((one) => one.isRunning);
    if (!sentinel) throw new Error('No Sentinel is running');
    const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name);
    const port = Number((address as Reply[])[1]);
    const node = this.nodes.find((one) => one.port === port);
    if (!node) throw new Error(`The Sentinel names port ${port}, which is none of the nodes`);
    return node;
  }

  /** Waits until the Sentinels name another master than `former` and it takes writes. */
  async waitForFailover(former: RedisServer, timeoutMs = 20_000): Promise<RedisServer> {
    const promoted = async () => {
      const master = await this.master();
      if (master === former) return undefined;
      const info = String(await master.command('INFO', 'replication'));
      return infoField(info, 'role') === 'master' ? master : undefined;
    };
    return waitFor(promoted, { what: 'another master', timeoutMs, intervalMs: 50 });
  }

  /** Ends everything and removes the directories. */
  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.nodes].map((node) => node.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function flat(reply: Reply): Map<Reply, Reply> {
  const fields = new Map<Reply, Reply>();
  const items = reply as Reply[];
  for (let i = 0; i < items.length; i += 2) fields.set(items[i] as Reply, items[i + 1] as Reply);
  return fields;
}
