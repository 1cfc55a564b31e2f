/** Databases of topology `sentinel`: the master that the sentinels name, wherever it is. */
import type { MultiDbClientOptions } from 'redis-multidb';
import { expect, it } from 'vitest';
import {
  expectNoLeaks,
  freePort,
  type RedisSentinel,
  startProxy,
  startRedis,
  startReplica,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import {
  active,
  clientOf,
  connections,
  errorOf,
  healthy,
  recordEvents,
  switchTo,
  Traffic,
} from './support.js';

const IDS = ['east', 'west'];

function of(
  deployments: readonly RedisSentinel[],
  own: object = {},
): Partial<MultiDbClientOptions> {
  return {
    databases: deployments.map(({ name, seeds }, index) => ({
      id: IDS[index] as string,
      weight: 1 / (index + 1),
      topology: 'sentinel' as const,
      sentinel: { name, sentinelRootNodes: seeds, ...own },
    })),
  };
}

async function connectedTo(deployments: readonly RedisSentinel[], own: object = {}, options = {}) {
  const client = clientOf([], { ...of(deployments, own), ...options });
  await client.connect();
  await healthy(client);
  return client;
}

it('follows another master without a failover, and fails over to the other deployment', async () => {
  const [east, west] = await Promise.all([startSentinel(), startSentinel()]);
  const client = await connectedTo([east, west], {}, { unhealthyAfterMs: 8000 });
  const events = recordEvents(client);
  const former = await east.master();
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await former.command('GET', 'k')).toBe('v');

  const reads = new Traffic(() => client.get('k'), { callers: 20 });
  await reads.flows(200);
  await former.kill();
  const next = await east.waitForFailover(former);
  await reads.flows(500);
  await reads.stop();
  expect(reads.errors).toEqual([]);
  await waitFor(async () => (await client.set('k', 'w').catch(() => '')) === 'OK', {
    what: 'a write',
  });
  expect(await next.command('GET', 'k')).toBe('w');
  expect(events.switches).toEqual([]);
  expect(client.activeDatabase).toBe('east');

  // Now all of it: that does not heal.
  const switched = switchTo(client, 'west');
  await Promise.all(
    [...east.nodes, ...east.sentinels].map((node) => node.isRunning && node.kill()),
  );
  expect((await switched).reason).toBe('health-check');
  expect(await client.set('k', 'v')).toBe('OK');
  const other = await west.master();
  expect(await other.command('GET', 'k')).toBe('v');
  // And a change of master there.
  await other.kill();
  const successor = await west.waitForFailover(other);
  const written = () => client.set('k', 'w').catch(() => '');
  await waitFor(async () => (await written()) === 'OK', { what: 'a write', timeoutMs: 10_000 });
  expect(await successor.command('GET', 'k')).toBe('w');
  expect(events.switches).toEqual(['east>west health-check']);
});

it('follows the master away from one that is frozen', async () => {
  const east = await startSentinel({ downAfterMs: 500 });
  const west = await startSentinel({ sentinels: 1, replicas: 0 });
  const client = await connectedTo([east, west]);
  const events = recordEvents(client);
  const former = await east.master();
  await former.freeze();
  // A read whose outcome is unknown goes to the new master.
  expect(await client.get('k')).toBe(null);
  const next = await east.waitForFailover(former);
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await next.command('GET', 'k')).toBe('v');
  await former.thaw();
  await healthy(client);
  expect(events.switches).toEqual([]);
});

it('follows a failover that was asked for, and executes each command once', async () => {
  const east = await startSentinel();
  const west = await startSentinel({ sentinels: 1, replicas: 0 });
  const client = await connectedTo([east, west]);
  const events = recordEvents(client);
  const former = await east.master();
  let issued = 0;
  const writes = new Traffic(
    async () => {
      const id = String(++issued);
      await client.rPush('ids', id).catch((error) => {
        if (error.code !== 'CONNECTION_LOST') throw error;
      });
    },
    { callers: 10 },
  );
  await writes.flows(300);
  await east.sentinels[0]?.command('SENTINEL', 'FAILOVER', east.name);
  const next = await east.waitForFailover(former);
  const written = async () => Number(await next.command('LLEN', 'ids'));
  const before = await written();
  await waitFor(async () => (await written()) > before + 300, {
    what: 'the client at the new master',
    timeoutMs: 20_000,
  });
  await writes.stop();
  const ids = (await next.command('LRANGE', 'ids', '0', '-1')) as string[];
  expect(new Set(ids).size).toBe(ids.length);
  // Replication is asynchronous: what the former master had not passed on is lost, not doubled.
  expect(writes.errors.map((error) => (error as Error).message)).toEqual([]);
  expect(events.switches).toEqual([]);
});

it('is left when it does not heal within unhealthyAfterMs', async () => {
  const east = await startSentinel({ replicas: 0, sentinels: 1 });
  const west = await startSentinel({ replicas: 1, sentinels: 1 });
  const client = await connectedTo([east, west], {}, { unhealthyAfterMs: 1500 });
  const events = recordEvents(client);
  const write = client.set('k', 'v');
  await write;
  const began = performance.now();
  await (await east.master()).kill();
  await active(client, 'west');
  // Not earlier; how much later is the machine's.
  expect(performance.now() - began).toBeGreaterThanOrEqual(1400);
  expect(events.switches).toEqual(['east>west health-check']);
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await (await west.master()).command('GET', 'k')).toBe('v');
  const returned = switchTo(client, 'east');
  await east.nodes[0]?.restart();
  await returned;
  expect(await client.get('k')).toBe(null);
});

it.each([1, 3])(
  'a command with a cut reply is executed once, by %i connections',
  async (masterPoolSize) => {
    const east = await startSentinel({ replicas: 0, sentinels: 1 });
    const master = await east.master();
    const proxy = await startProxy(master);
    const nodeAddressMap = () => ({ host: proxy.host, port: proxy.port });
    const client = await connectedTo([east], {
      nodeAddressMap,
      masterPoolSize,
      maxCommandRediscovers: 16,
    });
    await client.set('k', 'v');
    const isData = (connection: { seen: ReadonlySet<string> }) => connection.seen.has('SET');
    const cut = proxy.cutAfter(0, 'to-client', isData);
    const error = await errorOf(client.incr('n') as Promise<unknown>);
    expect(await cut).toBe(true);
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect(await master.command('GET', 'n')).toBe('1');
    expect(await client.incr('n')).toBe(2);
  },
);

it('serves on while no sentinel answers, and connects anew to the master of before', async () => {
  const east = await startSentinel({ replicas: 1, sentinels: 2 });
  const client = await connectedTo([east]);
  const events = recordEvents(client);
  const master = await east.master();
  for (const sentinel of east.sentinels) await sentinel.kill();
  expect(await client.incr('n')).toBe(1);
  await master.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  expect(await client.incr('n')).toBe(2);
  await healthy(client);
  expect(events.switches).toEqual([]);
});

it('connects when most root nodes are gone or silent, and learns the other sentinels', async () => {
  const east = await startSentinel({ replicas: 1, sentinels: 3 });
  const [first, second] = east.seeds;
  const nowhere = { host: '127.0.0.1', port: await freePort() };
  const client = await connectedTo([east], { sentinelRootNodes: [nowhere, first] });
  await east.sentinels[1]?.freeze();
  const other = await connectedTo([east], { sentinelRootNodes: [second, first] });
  expect(await other.set('k', 'v')).toBe('OK');
  await east.sentinels[1]?.thaw();
  // The only one that was configured is gone: the others tell of the new master.
  await east.sentinels[0]?.kill();
  const former = await east.master().catch(() => east.nodes[0]);
  await former?.kill();
  const next = east.nodes[1];
  await waitFor(async () => (await next?.info('role')) === 'master', {
    what: 'the new master',
    timeoutMs: 20_000,
  });
  expect(await client.set('k', 'w')).toBe('OK');
  expect(await next?.command('GET', 'k')).toBe('w');
});

it('does not take a replica for the master, whatever a sentinel says', async () => {
  const master = await startRedis();
  const replica = await startReplica(master);
  const liar = await startRedis({
    sentinel: true,
    config: { sentinel: [`monitor mymaster ${replica.host} ${replica.port} 1`] },
  });
  const west = await startRedis();
  const [east] = of([{ name: 'mymaster', seeds: [{ host: liar.host, port: liar.port }] } as never])
    .databases as never[];
  const client = clientOf([], {
    databases: [east, { id: 'west', weight: 0.1, client: { url: west.url } }],
    initialWaitMs: 200,
  } as never);
  const events = recordEvents(client);
  await client.connect();
  expect(client.activeDatabase).toBe('west');
  const cause = () => client.databases[0]?.lastProbe?.cause ?? '';
  await waitFor(() => cause().includes('is not the master, its role is slave'), {
    what: 'the cause',
  });
  expect(events.of('switch').map(({ to }) => to)).toEqual(['west']);
});

it('a name that no sentinel knows is told', async () => {
  const east = await startSentinel({ replicas: 0, sentinels: 1 });
  const client = clientOf([], of([east], { name: 'another' }));
  const error = await errorOf(client.connect());
  expect(error.code).toBe('INITIALIZATION_FAILED');
  expect(error.message).toContain('no sentinel reports the master of another');
});

it('with passwords, an address map and several connections to the master', async () => {
  const east = await startSentinel({ replicas: 1, sentinels: 1, password: 'secret' });
  const master = await east.master();
  const before = await connections(master);
  const client = await connectedTo([east], {
    nodeClientOptions: { password: 'secret' },
    masterPoolSize: 3,
    nodeAddressMap: { [`${master.host}:${master.port}`]: { host: 'localhost', port: master.port } },
  });
  const popped = client.blPop('list', 0);
  await waitFor(async () => Number(await master.info('blocked_clients')) === 1, { what: 'BLPOP' });
  await client.lPush('list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
  // Three for commands, one for probes.
  expect((await connections(master)) - before).toBe(4);
});

it('leaves nothing open, also when it is destroyed at any moment', async () => {
  const east = await startSentinel({ replicas: 0, sentinels: 2 });
  const master = await east.master();
  const baseline = await connections(master);
  await expectNoLeaks(async () => {
    for (const delayMs of [0, 1, 5, 20]) {
      const client = clientOf([], of([east]));
      const connecting = client.connect().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      client.destroy();
      await connecting;
    }
    const client = await connectedTo([east]);
    await client.close();
    await waitFor(async () => (await connections(master)) <= baseline, { what: 'no connection' });
  });
});

it('stands beside a single server, and fails over to it and back', async () => {
  const east = await startSentinel({ replicas: 0, sentinels: 1 });
  const west = await startRedis();
  const [first] = of([east]).databases ?? [];
  const client = clientOf([], {
    databases: [first, { id: 'west', weight: 0.1, client: { url: west.url } }],
    unhealthyAfterMs: 0,
  } as Partial<MultiDbClientOptions>);
  await client.connect();
  await healthy(client);
  const popped = client.blPop('list', 0);
  const master = await east.master();
  await waitFor(async () => Number(await master.info('blocked_clients')) === 1, { what: 'BLPOP' });
  await master.kill();
  await active(client, 'west');
  await west.command('LPUSH', 'list', 'x');
  expect(await popped).toEqual({ key: 'list', element: 'x' });
  await master.restart();
  await active(client, 'east');
  expect(await client.set('k', 'v')).toBe('OK');
});
