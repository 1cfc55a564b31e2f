/** Redirections that lead nowhere, in circles, or to a node that has no slots yet. */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { hashSlot } from '../../src/core/hash-slot.js';
import {
  type FaultProxy,
  isRedis7,
  only,
  type RedisCluster,
  type RedisServer,
  sleep,
  startCluster,
  startProxy,
  startRedis,
  stopAll,
  waitFor,
} from '../kit/index.js';
import { keyOfEach, moveSlot } from './cluster-support.js';

const since7 = it.runIf(await isRedis7());

let cluster: RedisCluster;
/** A master of the cluster without slots. */
let empty: RedisServer;
let proxies: FaultProxy[];
let nodes: RedisServer[];
let client: MultiDbClient;
let keys: string[];

beforeAll(async () => {
  [cluster, empty] = await Promise.all([
    startCluster({
      replicasPerMaster: 0,
      nodeTimeoutMs: 60_000,
      config: { 'cluster-require-full-coverage': 'no' },
    }),
    startRedis({
      config: {
        'cluster-enabled': true,
        'cluster-node-timeout': 60_000,
        'cluster-allow-replica-migration': 'no',
      },
    }),
  ]);
  nodes = [...cluster.masters, empty];
  await empty.command('CLUSTER', 'MEET', '127.0.0.1', (cluster.masters[0] as RedisServer).port);
  await waitFor(
    async () => {
      const told = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')));
      return told.every((info) => /state:ok(.|\s)*known_nodes:4/.test(String(info)));
    },
    { what: 'all to know each other', timeoutMs: 20_000 },
  );
  proxies = await Promise.all(nodes.map((node) => startProxy(node, { recordCommands: true })));
  keys = keyOfEach(cluster, 'r');
});

afterEach(async () => {
  client.destroy();
  for (const proxy of proxies) await proxy.restore();
});

afterAll(stopAll);

async function connect(options: object = {}): Promise<void> {
  const entries = nodes.map((node, i) => {
    const { host, port } = proxies[i] as FaultProxy;
    return [`127.0.0.1:${node.port}`, { host, port }] as const;
  });
  const rootNodes = proxies.slice(0, 3).map(({ url }) => ({ url }));
  const nodeAddressMap = Object.fromEntries(entries);
  client = createMultiDbClient({
    databases: [{ id: 'east', topology: 'cluster', cluster: { rootNodes, nodeAddressMap } }],
    healthCheck: false,
    suspectAfterMs: 100,
    ...options,
  } as never) as unknown as MultiDbClient;
  await client.connect();
  for (const proxy of proxies) proxy.commands.length = 0;
}

const sent = (name: string) =>
  proxies.flatMap((proxy) =>
    proxy.commands.filter((command) => command.args[0]?.toUpperCase() === name),
  ).length;

const redirected = {
  message: expect.stringMatching(/^(MOVED \d+ 127\.0\.0\.1:\d+|Too many Cluster redirections)$/),
};

it.each(['to itself', 'in a circle'])(
  'MOVED %s ends after maxCommandRedirections',
  async (where) => {
    await connect();
    const [key, other] = keys as [string, string];
    const slot = hashSlot(key);
    const [a, b] = proxies as [FaultProxy, FaultProxy];
    const [first, second] = nodes as [RedisServer, RedisServer];
    const elsewhere = where === 'to itself' ? first : second;
    a.answerWith(`-MOVED ${slot} 127.0.0.1:${elsewhere.port}`, only('GET', 'SET', 'MULTI', 'EXEC'));
    b.answerWith(`-MOVED ${slot} 127.0.0.1:${first.port}`, (command) => command[1] === key);

    await expect(client.get(key)).rejects.toMatchObject(redirected);
    expect(sent('GET')).toBe(17);
    await expect(client.multi().set(key, '1').exec()).rejects.toMatchObject(redirected);
    expect(sent('EXEC')).toBe(17);
    await expect(client.multi().set(key, '1').get(key).execAsPipeline()).rejects.toThrow();
    expect(sent('SET')).toBeLessThanOrEqual(3 * 17);
    expect(await client.get(other)).toBeNull();
  },
);

it('ASK in a circle ends as well, and maxCommandRedirections holds', async () => {
  await connect();
  const [key] = keys as [string];
  for (const [i, proxy] of proxies.entries()) {
    const next = nodes[(i + 1) % 3] as RedisServer;
    proxy.answerWith(`-ASK ${hashSlot(key)} 127.0.0.1:${next.port}`, only('GET'));
  }
  await expect(client.get(key)).rejects.toThrow(/ASK|Too many Cluster redirections/);
  expect(sent('GET')).toBe(17);
});

since7('sSubscribe follows MOVED, within bounds', async () => {
  await connect();
  const [key] = keys as [string];
  const [a] = proxies as [FaultProxy];
  let refusals = 3;
  const moved = `-MOVED ${hashSlot(key)} 127.0.0.1:1`;
  a.answerWith(() => {
    refusals -= 1;
    return refusals < 0 ? undefined : moved;
  }, only('SSUBSCRIBE'));
  const heard: string[] = [];
  await client.sSubscribe(key, (message) => heard.push(message));
  await nodes[0]?.command('SPUBLISH', key, 'hello');
  await waitFor(() => heard.length > 0, { what: 'a message' });

  a.answerWith(moved, only('SSUBSCRIBE'));
  for (const proxy of proxies) proxy.commands.length = 0;
  const tag = `{${key}}2`;
  await expect(client.sSubscribe(tag, () => {})).rejects.toMatchObject(redirected);
  expect(sent('SSUBSCRIBE')).toBe(17);
});

it('ASK leads to a node that has no slots yet', async () => {
  await connect({ commandDeadlineMs: 3000 });
  const [, key] = keys as [string, string];
  const from = nodes[1] as RedisServer;
  const pipeline = () => client.multi().incr(`{${key}}p`).incr(`{${key}}q`).execAsPipeline();
  await client.set(key, 'there');
  let asked = 0;
  await moveSlot(cluster, key, from, empty, async () => {
    asked += 1;
    expect(await client.get(key)).toBe('there');
    expect(await client.incr(`{${key}}n`)).toBe(asked);
    expect(await client.multi().incr(`{${key}}m`).exec()).toEqual([asked]);
    expect(await pipeline()).toEqual([asked, asked]);
  });
  await empty.command('CLUSTER', 'SETSLOT', hashSlot(key), 'NODE', await myId(empty));
  expect(asked).toBeGreaterThan(0);
  expect(await client.get(key)).toBe('there');
  await moveSlot(cluster, key, empty, from);
  expect(await client.get(key)).toBe('there');
});

const myId = (node: RedisServer) => node.command('CLUSTER', 'MYID').then(String);

it('MOVED to a node that is down waits for it, and the node that said so is left alone', async () => {
  await connect({ commandTimeoutMs: 400, commandDeadlineMs: 1500 });
  const [, key, other] = keys as [string, string, string];
  const [, from, to] = nodes as [RedisServer, RedisServer, RedisServer];
  const [, said, dead] = proxies as [FaultProxy, FaultProxy, FaultProxy];
  await Promise.all([client.get(key), client.get(other)]);
  dead.refuse();
  dead.reset();
  await moveSlot(cluster, key, from, to);
  const before = said.acceptedConnections;
  const [open] = said.openConnections;
  const waiting = client.get(key).catch((error: unknown) => error);
  expect(await waiting).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  // Only those that ask for the slots have come and gone.
  expect(said.openConnections[0]).toBe(open);
  expect(said.acceptedConnections).toBeGreaterThan(before);
  const later = client.set(key, 'later');
  await sleep(100);
  await dead.accept();
  expect(await later).toBe('OK');
  await moveSlot(cluster, key, to, from);
});

it('a node that takes a slot, gives it back and leaves under load costs no command', async () => {
  await connect();
  const [, key] = keys as [string, string];
  const load = `{${key}}load`;
  const from = nodes[1] as RedisServer;
  let isStopped = false;
  let count = 0;
  const caller = async () => {
    while (!isStopped) {
      // Of one key: two of them are refused while they are apart.
      await client.multi().incr(load).get(load).exec();
      count += 1;
      await client.mGet(keys).catch((error: Error) => {
        if (!error.message.startsWith('CROSSSLOT')) throw error;
      });
    }
  };
  const callers = [caller(), caller()];
  const goesOn = async (goal = count + 10) => {
    await waitFor(() => count >= goal, { what: 'the load' });
  };
  await goesOn();
  await moveSlot(cluster, key, from, empty, () => goesOn(count + 1));
  await goesOn();
  await moveSlot(cluster, key, empty, from, () => goesOn(count + 1));
  const id = await myId(empty);
  for (const node of cluster.masters) await node.command('CLUSTER', 'FORGET', id);
  await empty.kill();
  await goesOn();
  isStopped = true;
  await Promise.all(callers);
  expect(Number(await client.get(load))).toBe(count);
});
