/** `transaction()` on clusters: slots that move, masters that fail, deployments that are lost. */
import { WatchError } from '@redis/client';
import type { MultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { hashSlot } from '../../src/core/hash-slot.js';
import {
  expectNoLeaks,
  type RedisCluster,
  type RedisServer,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import {
  aCluster,
  healed,
  keyOfEach,
  masterOf,
  moveSlot,
  NODE_TIMEOUT_MS,
  OF_CLUSTERS,
  overCluster,
} from './cluster-support.js';
import { clientOf, connections, databases, errorOf, healthy, switchTo } from './support.js';

const full = { nodeTimeoutMs: NODE_TIMEOUT_MS };
const small = { ...full, replicasPerMaster: 0 };
/** Longer than a failover inside such a cluster takes, on a busy machine too. */
const HEALING_MS = 8000;

async function over(list: readonly object[], options: object = {}): Promise<MultiDbClient> {
  const client = clientOf([], {
    ...OF_CLUSTERS,
    databases: list as never,
    unhealthyAfterMs: HEALING_MS,
    commandTimeoutMs: 1500,
    commandDeadlineMs: 20_000,
    failbackSupported: false,
    ...options,
  });
  await client.connect();
  await healthy(client);
  return client;
}

/** Moves the slot of `key` in one go, with its keys. */
const move = (cluster: RedisCluster, key: string, from: RedisServer, to: RedisServer) =>
  moveSlot(cluster, key, from, to);

function twoMasters(cluster: RedisCluster, key: string): [RedisServer, RedisServer] {
  const from = masterOf(cluster, key);
  return [from, cluster.masters.find((node) => node !== from) as RedisServer];
}

/** Sets `key` to one more than it is; `between` runs before EXEC. */
const increment = (
  client: MultiDbClient,
  key: string,
  between: (call: number) => unknown = () => {},
  options: object = {},
) => {
  let calls = 0;
  return client.transaction(
    key,
    async (tx) => {
      calls += 1;
      const value = Number((await tx.get(key)) ?? 0);
      await between(calls);
      await tx
        .multi()
        .set(key, String(value + 1))
        .exec();
      return calls;
    },
    options,
  );
};

/**
 * Optimistic increments by many callers, each with an entry of its own in a log beside its counter: what
 * callers were told is compared with what the servers hold, entry by entry.
 */
class Increments {
  readonly resolved = new Set<string>();
  readonly doubtful = new Set<string>();
  readonly refused: unknown[] = [];
  readonly untyped: unknown[] = [];
  /** Whether the replica has it is asked within the transaction: its own failover loses nothing then. */
  confirmed = false;
  #id = 0;
  #stopped = false;
  readonly #callers: Promise<void>[];

  constructor(
    private readonly client: MultiDbClient,
    readonly tags: readonly string[],
    callers: number,
    readonly perCaller = Number.POSITIVE_INFINITY,
  ) {
    this.#callers = Array.from({ length: callers }, async (_, caller) => {
      for (let turn = caller; turn - caller < this.perCaller && !this.#stopped; turn += 1) {
        await this.#increment(tags[turn % tags.length] as string);
      }
    });
  }

  async #increment(tag: string): Promise<void> {
    this.#id += 1;
    const id = `${tag}:${this.#id}`;
    const [count, log] = [`count:{${tag}}`, `log:{${tag}}`];
    let replicas = 1;
    try {
      await this.client.transaction(
        count,
        async (tx) => {
          const value = Number((await tx.get(count)) ?? 0);
          await tx
            .multi()
            .set(count, String(value + 1))
            .rPush(log, id)
            .exec();
          if (this.confirmed) replicas = await tx.wait(1, 200);
        },
        { maxAttempts: 1000 },
      );
      (replicas > 0 ? this.resolved : this.doubtful).add(id);
    } catch (error) {
      const { code, maybeExecuted } = error as { code?: string; maybeExecuted?: boolean };
      if (code === undefined || maybeExecuted === undefined) this.untyped.push(error);
      if (maybeExecuted === true) this.doubtful.add(id);
      else this.refused.push(error);
    }
  }

  async goesOn(count = 20): Promise<void> {
    const goal = this.resolved.size + count;
    await waitFor(() => this.resolved.size >= goal, {
      what: 'increments to go on',
      timeoutMs: 20_000,
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.end();
  }

  end(): Promise<unknown> {
    return Promise.all(this.#callers);
  }

  /** Each that resolved is there once; none is there twice, or that was certainly not executed. */
  async expectExact(...nodes: readonly RedisServer[]): Promise<void> {
    expect(this.untyped).toEqual([]);
    const entries: string[] = [];
    for (const tag of this.tags) {
      for (const node of nodes) {
        const held = await node.command('GET', `count:{${tag}}`).catch(() => null);
        if (held === null) continue;
        const log = (await node.command('LRANGE', `log:{${tag}}`, 0, -1)) as string[];
        expect(Number(held)).toBe(log.length);
        entries.push(...log);
      }
    }
    expect(new Set(entries).size).toBe(entries.length);
    expect([...this.resolved].filter((id) => !entries.includes(id))).toEqual([]);
    const known = (id: string) => this.resolved.has(id) || this.doubtful.has(id);
    expect(entries.filter((id) => !known(id))).toEqual([]);
  }
}

/** Those that say of themselves that they are masters. */
async function masters(cluster: RedisCluster): Promise<RedisServer[]> {
  const isMaster = async (node: RedisServer) =>
    node.isRunning && String(await node.command('ROLE')).startsWith('master');
  const are = await Promise.all(cluster.nodes.map(isMaster));
  return cluster.nodes.filter((_, index) => are[index]);
}

const TAGS = ['a', 'b', 'c', 'd', 'e', 'f'];

describe('while nothing fails', () => {
  it('takes keys of one slot, and sends nothing otherwise', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [a, b] = keyOfEach(east) as [string, string];
    const refused = { code: 'UNSUPPORTED', maybeExecuted: false };
    const calls: unknown[] = [];
    const fn = () => calls.push('called');
    expect(await errorOf(client.transaction([a, b], fn))).toMatchObject({
      ...refused,
      message: expect.stringContaining('one hash slot'),
    });
    expect(await errorOf(client.transaction([], fn))).toMatchObject({
      ...refused,
      message: expect.stringContaining('needs a key'),
    });
    expect(calls).toEqual([]);
    for (const node of east.nodes) {
      expect(String(await node.command('INFO', 'commandstats'))).not.toContain('cmdstat_watch');
    }
    await client.transaction([a, `x{${a}}`], async (tx) => {
      for (const other of [
        tx.get(b),
        tx.watch(b),
        tx.multi().get(a).get(b).exec(),
        tx.multi().get(b).execAsPipeline(),
      ]) {
        expect(await errorOf(other as Promise<unknown>)).toMatchObject(refused);
      }
      expect(await tx.ping()).toBe('PONG');
      expect(await tx.eval('return KEYS[1]', { keys: [a] })).toBe(a);
    });
    expect(await increment(client, a)).toBe(1);
    expect(await masterOf(east, a).command('GET', a)).toBe('1');
  });

  it('goes where nodeAddressMap says; a connection lost under EXEC leaves it open', async () => {
    const east = await aCluster(small);
    const [key] = keyOfEach(east) as [string];
    const proxies = await Promise.all(east.masters.map((node) => startProxy(node)));
    const at = new Map(proxies.map((proxy, index) => [east.masters[index]?.port, proxy.port]));
    const nodeAddressMap = (address: string) => {
      const port = at.get(Number(address.split(':').at(-1)));
      return port === undefined ? undefined : { host: '127.0.0.1', port };
    };
    const client = await over([overCluster('east', east, 1, { nodeAddressMap })]);
    const master = masterOf(east, key);
    const proxy = proxies[east.masters.indexOf(master)] as (typeof proxies)[0];
    await increment(client, key);
    const failed = errorOf(
      client.transaction(key, (tx) => {
        proxy.silence('to-client', { scope: ({ seen }) => seen.has('WATCH') });
        return tx.multi().incr(key);
      }),
    );
    await waitFor(async () => (await master.command('GET', key)) === '2', { what: 'EXEC' });
    proxy.reset();
    expect(await failed).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    proxy.restore();
    expect(await increment(client, key)).toBe(1);
    expect(await master.command('GET', key)).toBe('3');
    expect(proxies.map(({ connections }) => connections > 0)).toEqual([true, true, true]);
  });

  it('repeats a conflict, at the node of the key', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    for (const key of keyOfEach(east)) {
      const calls = await increment(client, key, (call) => {
        if (call === 1) return client.set(key, '10');
      });
      expect([calls, await client.get(key)]).toEqual([2, '11']);
    }
  });

  it('counts exactly with 100 at the same time, over keys of every master', async () => {
    const east = await aCluster({ ...small, password: 'secret' });
    const rootNodes = east.seeds.map(({ url }) => ({ url }));
    const defaults = { password: 'secret' };
    await expectNoLeaks(async () => {
      const client = await over([
        { id: 'east', topology: 'cluster', cluster: { rootNodes, defaults } },
      ]);
      const before = await Promise.all(east.nodes.map(connections));
      const all = new Increments(client, TAGS, 100, 3);
      await all.end();
      expect(all.resolved.size).toBe(300);
      await all.expectExact(...east.masters);
      const during = await Promise.all(east.nodes.map(connections));
      for (const [index, count] of during.entries()) {
        expect(count - (before[index] as number)).toBeLessThanOrEqual(10);
      }
      await client.close();
    });
    await waitFor(async () => (await Promise.all(east.nodes.map(connections))).join() === '0,0,0', {
      what: 'all connections to be gone',
    });
  });

  it('a switch before EXEC aborts it, and another cluster or server takes the next', async () => {
    const [east, west] = await Promise.all([aCluster(small), startRedis()]);
    const [single] = databases([{ url: west.url }]);
    const client = await over([overCluster('east', east), { ...single, id: 'west', weight: 0.5 }]);
    const [key, other] = keyOfEach(east) as [string, string];
    await increment(client, key);
    const failed = await errorOf(increment(client, key, () => client.setActiveDatabase('west')));
    expect(failed).toMatchObject({ code: 'DATABASE_SWITCHED', maybeExecuted: false });
    expect(await masterOf(east, key).command('GET', key)).toBe('1');
    expect(
      await client.transaction([key, other], (tx) => tx.multi().incr(key).incr(other)),
    ).toEqual([1, 1]);
    await client.setActiveDatabase('east');
    expect(await increment(client, key)).toBe(1);
    expect(await client.get(key)).toBe('2');
  });
});

describe('a slot that moves', () => {
  it.each([
    ['with its key', '5', '6'],
    ['without any key in it', undefined, '1'],
  ])('between WATCH and EXEC, %s, is a conflict', async (_what, value, expected) => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    if (value !== undefined) await client.set(key, value);
    const calls = await increment(client, key, async (call) => {
      if (call === 1) await move(east, key, from, to);
    });
    expect(calls).toBe(2);
    expect(await to.command('GET', key)).toBe(expected);
    expect(await from.command('DBSIZE')).toBe(0);
  });

  it('and is written to where it is now: the old node executes nothing', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    const calls = await increment(client, key, async (call) => {
      if (call > 1) return;
      await move(east, key, from, to);
      await to.command('SET', key, '7');
    });
    expect([calls, await to.command('GET', key)]).toEqual([2, '8']);
  });

  it('before WATCH is followed, and the callback is called once', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    await increment(client, key);
    await move(east, key, from, to);
    expect(await increment(client, key, undefined, { maxAttempts: 1 })).toBe(1);
    expect(await to.command('GET', key)).toBe('2');
  });

  it('is waited for while its keys are in transit', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    await client.set(key, '1');
    let result: Promise<number> | undefined;
    let steps = 0;
    await moveSlot(east, key, from, to, async () => {
      steps += 1;
      if (steps < 2) return;
      const refusals = async () => Number(await from.info('total_error_replies'));
      const before = await refusals();
      result = increment(client, key, undefined, { maxAttempts: 1 });
      const short = increment(client, key, undefined, { timeoutMs: 300 });
      expect(await errorOf(short)).toMatchObject({
        code: 'COMMAND_TIMEOUT',
        maybeExecuted: false,
        cause: { message: expect.stringMatching(/^ASK /) },
      });
      expect(await refusals()).toBeGreaterThan(before + 1);
    });
    expect(await result).toBe(1);
    expect(await to.command('GET', key)).toBe('2');
  });

  it('at the last attempt ends with WatchError', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    const options = { maxAttempts: 1 };
    const error = await errorOf(increment(client, key, () => move(east, key, from, to), options));
    expect(error).toBeInstanceOf(WatchError);
    expect(error).toMatchObject({ cause: { message: expect.stringMatching(/^MOVED /) } });
    expect(await to.command('EXISTS', key)).toBe(0);
  });

  it('after EXEC repeats nothing', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const [from, to] = twoMasters(east, key);
    let calls = 0;
    const error = await errorOf(
      client.transaction(key, async (tx) => {
        calls += 1;
        await tx.multi().incr(key).exec();
        await move(east, key, from, to);
        return tx.get(key);
      }),
    );
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect([calls, await to.command('GET', key)]).toEqual([1, '1']);
  });

  it('over and over under load: each increment that resolved is there once', async () => {
    const east = await aCluster(small);
    const client = await over([overCluster('east', east)]);
    const all = new Increments(client, TAGS, 100);
    await all.goesOn(50);
    for (let round = 0; round < 2; round += 1) {
      for (const tag of TAGS.slice(0, 3)) {
        const [from, to] = twoMasters(east, tag);
        const [source, target] = round === 0 ? [from, to] : [to, from];
        await move(east, tag, source, target);
        await all.goesOn(20);
      }
    }
    await all.stop();
    expect([all.refused, all.doubtful.size]).toEqual([[], 0]);
    await all.expectExact(...east.masters);
  });
});

describe('a failover inside a cluster', () => {
  it('by hand between WATCH and EXEC is a conflict', async () => {
    const east = await aCluster(full);
    const client = await over([overCluster('east', east)]);
    const [key] = keyOfEach(east) as [string];
    const replica = east.replicas[0] as RedisServer;
    const calls = await increment(client, key, async (call) => {
      if (call > 1) return;
      await replica.command('CLUSTER', 'FAILOVER');
      await waitFor(
        async () => String(await masterOf(east, key).command('ROLE')).startsWith('slave'),
        {
          what: 'the replica to take over',
          timeoutMs: 10_000,
        },
      );
    });
    expect(calls).toBe(2);
    expect(await replica.command('GET', key)).toBe('1');
  });

  it.each(['kill', 'freeze'] as const)(
    'after a %s of a master, under load: each that resolved is there once',
    async (fault) => {
      const east = await aCluster({
        ...full,
        config: { 'cluster-require-full-coverage': 'no' },
      });
      const client = await over([overCluster('east', east)]);
      const victim = masterOf(east, 'a');
      const hit = TAGS.filter((tag) => masterOf(east, tag) === victim);
      const all = new Increments(client, hit, 50);
      const others = new Increments(
        client,
        TAGS.filter((tag) => !hit.includes(tag)),
        50,
      );
      all.confirmed = true;
      await Promise.all([all.goesOn(50), others.goesOn(50)]);
      await victim[fault]();
      await others.goesOn(50);
      all.confirmed = false;
      await all.goesOn(50);
      await Promise.all([all.stop(), others.stop()]);
      await healed(east, [victim]);
      expect(client.activeDatabase).toBe('east');
      if (fault === 'freeze') await victim.kill();
      await all.expectExact(...(await masters(east)));
      await others.expectExact(...(await masters(east)));
      expect(others.refused).toEqual([]);
    },
  );
});

it('a whole cluster that is lost: each that resolved is there once, here or there', async () => {
  const [east, west] = await Promise.all([aCluster(small), aCluster(small)]);
  const client = await over([overCluster('east', east), overCluster('west', west, 0.5)], {
    unhealthyAfterMs: 500,
  });
  const all = new Increments(client, TAGS, 100);
  await all.goesOn(100);
  const left = switchTo(client, 'west');
  await Promise.all(east.masters.map((node) => node.freeze()));
  await left;
  await all.goesOn(100);
  await all.stop();
  await Promise.all(east.masters.map((node) => node.thaw()));
  await all.expectExact(...east.masters, ...west.masters);
});

it('destroy() and close() leave nothing, also while a slot is in transit', async () => {
  const east = await aCluster(small);
  const [key] = keyOfEach(east) as [string];
  const [from, to] = twoMasters(east, key);
  const slot = hashSlot(key);
  await to.command(
    'CLUSTER',
    'SETSLOT',
    slot,
    'IMPORTING',
    String(await from.command('CLUSTER', 'MYID')),
  );
  await from.command(
    'CLUSTER',
    'SETSLOT',
    slot,
    'MIGRATING',
    String(await to.command('CLUSTER', 'MYID')),
  );
  await expectNoLeaks(async () => {
    const client = await over([overCluster('east', east)]);
    const waiting = Array.from({ length: 30 }, () => errorOf(increment(client, key)));
    await waitFor(async () => Number(await from.info('total_error_replies')) > 5, { what: 'ASK' });
    client.destroy();
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
    }
  });
});
