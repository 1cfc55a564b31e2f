/**
 * Nothing is sent for a caller that was told the end, whatever a cluster sends in parts: pipelines
 * and transactions whose slot moves, commands of several nodes, what waits for a node.
 *
 * All tests share one cluster, whose nodes the client reaches through proxies.
 */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../src/testing/random.js';
import {
  type FaultProxy,
  only,
  RawConnection,
  type RedisCluster,
  type RedisServer,
  sleep,
  startCluster,
  startProxy,
  stopAll,
  waitFor,
} from '../kit/index.js';
import { healed, moveSlot } from './cluster-support.js';

let cluster: RedisCluster;
let proxies: FaultProxy[];
const clients = new Set<MultiDbClient>();

beforeAll(async () => {
  cluster = await startCluster({
    replicasPerMaster: 0,
    nodeTimeoutMs: 60_000,
    config: { 'cluster-require-full-coverage': 'no' },
  });
  proxies = await Promise.all(cluster.masters.map((node) => startProxy(node)));
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  for (const proxy of proxies) await proxy.restore();
  await Promise.all(cluster.masters.map((node) => node.command('FLUSHALL')));
});

afterAll(stopAll);

async function connected(options: object = {}): Promise<MultiDbClient> {
  const entries = cluster.masters.map((node, i) => {
    const { host, port } = proxies[i] as FaultProxy;
    return [`127.0.0.1:${node.port}`, { host, port }] as const;
  });
  const client = createMultiDbClient({
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
    healthCheck: false,
    unhealthyAfterMs: 60_000,
    suspectAfterMs: 100,
    ...options,
  } as never) as unknown as MultiDbClient;
  clients.add(client);
  await client.connect();
  return client;
}

/** Which master has the slot of `key` by now. */
async function ownerOf(key: string): Promise<RedisServer> {
  for (const node of cluster.masters) {
    const owns = await node.command('SET', key, 'x', 'XX').then(
      () => true,
      () => false,
    );
    if (owns) return node;
  }
  throw new Error(`nobody owns the slot of ${key}`);
}

const proxyOf = (node: RedisServer) => proxies[cluster.masters.indexOf(node)] as FaultProxy;
const down = (proxy: FaultProxy) => {
  proxy.refuse();
  proxy.reset();
};

/** What the servers execute from now on that bears a mark `w1:23`, in the order of their clocks. */
class Executed {
  readonly #lines: { readonly at: number; readonly writer: string; readonly number: number }[] = [];
  readonly #witnesses: RawConnection[] = [];

  static async watch(): Promise<Executed> {
    const executed = new Executed();
    for (const { port } of cluster.masters) {
      const witness = await RawConnection.open({ port });
      witness.send('MONITOR');
      await witness.next();
      executed.#witnesses.push(witness);
      void executed.#read(witness);
    }
    return executed;
  }

  async #read(witness: RawConnection): Promise<void> {
    while (witness.isOpen) {
      const line = String(await witness.next(600_000).catch(() => ''));
      // Commands for slots that move are executed by no node.
      if (/"(RESTORE-ASKING|MIGRATE|RESTORE|CLUSTER)"/i.test(line)) continue;
      for (const [, writer = '', number] of line.matchAll(/(w\d+):(\d+)/g)) {
        this.#lines.push({ at: Number.parseFloat(line), writer, number: Number(number) });
      }
    }
  }

  /** Numbers of one writer, in the order in which servers executed them. */
  of(writer: string): number[] {
    const lines = this.#lines.filter((line) => line.writer === writer);
    return lines.sort((a, b) => a.at - b.at).map(({ number }) => number);
  }

  close(): void {
    for (const witness of this.#witnesses) witness.close();
  }
}

it('a pipeline whose slot went to a node that is down ends with its caller', async () => {
  const client = await connected({ commandTimeoutMs: 300, commandDeadlineMs: 600 });
  await client.mSet([
    ['{p}1', 'zero'],
    ['{p}2', 'zero'],
  ]);
  const from = await ownerOf('{p}1');
  const to = cluster.masters.find((node) => node !== from) as RedisServer;
  down(proxyOf(to));
  await moveSlot(cluster, '{p}1', from, to);

  const told = await client
    .multi()
    .set('{p}1', 'OLD')
    .set('{p}2', 'OLD')
    .execAsPipeline()
    .catch((error: unknown) => error);
  expect(told).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  await Promise.all(['{p}1', '{p}2'].map((key) => to.command('SET', key, 'NEW')));
  await proxyOf(to).accept();
  await waitFor(() => client.get('{p}1').catch(() => undefined), { what: 'it to be served' });
  expect(await client.mGet(['{p}1', '{p}2'])).toEqual(['NEW', 'NEW']);
});

it('of a command of several nodes that ended, no part follows', async () => {
  const client = await connected({ commandTimeoutMs: 3000 });
  const keys = await keyOfEachMaster();
  const [refusing, opening] = proxies as [FaultProxy, FaultProxy];
  refusing.answerWith('-WRONGTYPE said the proxy', only('MSET', 'DEL'));
  // The connection to this node is lost, and another one takes its time.
  opening.silence('to-client', { scope: 'new' });
  opening.reset();
  await waitFor(() => opening.connections > 0, { what: 'the client to connect again' });
  const told = await Promise.allSettled([
    client.mSet(keys.map((key) => [key, 'OLD'] as [string, string])),
    client.del(keys),
  ]);
  for (const result of told) expect(result.status).toBe('rejected');
  await opening.restore();
  expect(await client.get(keys[1] as string)).toBe('x');
  expect(await cluster.masters[1]?.command('GET', keys[1] as string)).toBe('x');
});

/** A key of each master, in the order of the masters, wherever slots are by now. */
async function keyOfEachMaster(): Promise<string[]> {
  const keys: string[] = [];
  for (const node of cluster.masters) {
    const isServed = (i: number) =>
      node.command('SET', `{k${i}}`, 'x').then(
        () => true,
        () => false,
      );
    let i = 0;
    while (!(await isServed(i))) i += 1;
    keys.push(`{k${i}}`);
  }
  return keys;
}

it.each([1, 2])('whatever moves, freezes or dies (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  const client = await connected({ commandTimeoutMs: 150, commandDeadlineMs: 300 });
  const [t, u] = (await keyOfEachMaster()) as [string, string];
  const executed = await Executed.watch();

  let isStopped = false;
  const kinds: ((mark: string) => Promise<unknown>)[] = [
    (mark) => client.set(`${t}s`, mark),
    (mark) => client.multi().set(`${t}p1`, mark).set(`${t}p2`, mark).execAsPipeline(),
    (mark) => client.multi().set(`${t}m1`, mark).set(`${t}m2`, mark).exec(),
    (mark) =>
      client.mSet([
        [`${t}x`, mark],
        [`${u}x`, mark],
      ]),
    (mark) => client.del([`${t}${mark}`, `${u}${mark}`]),
    (mark) => client.mGet([`${u}${mark}`, `${t}${mark}`]),
    (mark) =>
      client.eval('return redis.call("set", KEYS[1], ARGV[1])', {
        keys: [`${t}e`],
        arguments: [mark],
      }),
  ];
  const told = { acknowledged: 0, failed: 0 };
  const writers = kinds.map(async (write, writer) => {
    for (let number = 1; !isStopped; number += 1) {
      try {
        await write(`w${writer}:${number}`);
        told.acknowledged += 1;
      } catch {
        told.failed += 1;
      }
      await sleep(1);
    }
  });

  for (let round = 0; round < 10; round += 1) {
    const proxy = pick(proxies);
    const fault = pick(['down', 'frozen', 'unreachable', 'none']);
    if (fault === 'down') down(proxy);
    if (fault === 'frozen') proxy.silence('both', { mode: 'drop' });
    if (fault === 'unreachable') proxy.blackhole();
    const from = await ownerOf(`${t}s`);
    const to = pick(cluster.masters.filter((node) => node !== from));
    if (random() < 0.7) await moveSlot(cluster, t, from, to, () => sleep(10 * random()));
    await sleep(300 * random());
    await proxy.restore();
    await sleep(100 * random());
  }
  await healed(cluster);
  await waitFor(() => client.set(`${t}s`, 'done').catch(() => undefined), {
    what: 'all to be healthy',
  });
  isStopped = true;
  await Promise.all(writers);
  // Whatever is late would come now.
  await sleep(300);
  executed.close();

  expect(told.acknowledged).toBeGreaterThan(100);
  for (const writer of kinds.keys()) {
    const numbers = executed.of(`w${writer}`);
    // Each caller has its result before the next command is sent, so a late command is behind a later one.
    const late = numbers.filter((number, i) => i > 0 && number < (numbers[i - 1] as number));
    expect(late, `of writer ${writer}`).toEqual([]);
  }
  expect(client.stats().pending).toBe(0);
});
