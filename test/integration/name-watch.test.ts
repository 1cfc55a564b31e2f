/** A name that moves is noticed without traffic, and its connections are renewed without a failover. */
import type { MultiDbClientOptions } from 'redis-multidb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  NameServer,
  type RedisServer,
  startCluster,
  startProxy,
  startRedis,
  startReplica,
  startSentinel,
  turns,
  waitFor,
} from '../kit/index.js';
import { clientOf, healthy, QUICK, recordEvents } from './support.js';

let names: NameServer;
let zone = '';
let tests = 0;

beforeEach(() => {
  tests += 1;
  zone = `w${tests}.test`;
  names = new NameServer().install();
});
afterEach(() => {
  names.restore();
  names.dispose();
});

interface World {
  readonly before: FaultProxy;
  readonly after: FaultProxy;
  readonly old: RedisServer;
  readonly next: RedisServer;
  readonly host: string;
}

/** A name that leads to a server, and another server to which it can move: on the same port, as names do. */
async function world(
  start: (old: RedisServer) => Promise<RedisServer> = () => startRedis(),
): Promise<World> {
  const old = await startRedis();
  const next = await start(old);
  const before = await startProxy(old);
  const after = await startProxy(next, { host: '127.0.0.2', port: before.port });
  const host = `east.${zone}`;
  names.set(host, before.host);
  return { before, after, old, next, host };
}

async function open({ before, host }: World, options: object = {}, database: object = {}) {
  const west = await startRedis();
  const socket = { host, port: before.port };
  const client = clientOf([], {
    databases: [
      { id: 'east', client: { socket }, ...database },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    resolveIntervalMs: 100,
    // A check that timed out would reconnect, to the address that the name has now.
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 10_000 },
    ...options,
  } as Partial<MultiDbClientOptions>);
  await client.connect();
  await healthy(client);
  return client;
}

/** The connections of clients to a server, by their ids. */
async function idsAt(server: RedisServer): Promise<string[]> {
  const list = String(await server.command('CLIENT', 'LIST'));
  return [...list.matchAll(/^id=(\d+) .* cmd=(?!client)/gm)].map(([, id]) => id as string);
}

/** One probe connection stays for some seconds beside the new one. */
describe('an idle client whose name moves', () => {
  it.each([
    ['client', 3, {}],
    ['pool', 5, { topology: 'pool', pool: { minimum: 3 } }],
  ] as const)(
    '%s: data, probe and subscriber connections go to the new server',
    async (_, count, database) => {
      const moving = await world();
      const client = await open(moving, {}, database);
      await client.set('key', 'before');
      await client.subscribe('news', () => {});
      const events = recordEvents(client);
      names.set(moving.host, moving.after.host);
      await waitFor(() => moving.before.connections <= 1 && moving.after.connections === count, {
        what: 'all connections to lead to the new server',
      });
      expect(client.activeDatabase).toBe('east');
      expect(events.switches).toEqual([]);
      expect(await client.get('key')).toBeNull();
      await client.close();
    },
  );

  it('a standby, and a duplicate', async () => {
    const moving = await world();
    const client = await open(moving, {}, { weight: 0.1 });
    const twin = client.duplicate();
    await twin.connect();
    expect(client.activeDatabase).toBe('west');
    names.set(moving.host, moving.after.host);
    await waitFor(() => moving.before.connections <= 1 && moving.after.connections === 3, {
      what: 'the connections of the standby to lead to the new server',
    });
    twin.destroy();
  });

  it('a node of a cluster, and the master that sentinels name', async () => {
    const [cluster, deployment] = await Promise.all([
      startCluster({ replicasPerMaster: 0 }),
      startSentinel(),
    ]);
    const hostOf = (address: string) => ({
      host: `n${address.split(':').at(-1)}.${zone}`,
      port: Number(address.split(':').at(-1)),
    });
    const servers = [...cluster.masters, ...deployment.nodes];
    for (const { port } of servers) names.set(`n${port}.${zone}`, '127.0.0.1');
    const client = clientOf([], {
      resolveIntervalMs: 100,
      databases: [
        {
          id: 'east',
          topology: 'cluster',
          cluster: { rootNodes: [{ url: cluster.masters[0]?.url }], nodeAddressMap: hostOf },
        },
        {
          id: 'west',
          weight: 0.5,
          topology: 'sentinel',
          sentinel: {
            name: deployment.name,
            sentinelRootNodes: deployment.seeds,
            nodeAddressMap: hostOf,
          },
        },
      ],
    } as Partial<MultiDbClientOptions>);
    await client.connect();
    await healthy(client);
    const events = recordEvents(client);
    for (const server of [cluster.masters[1], deployment.nodes[0]]) {
      const { port } = server as RedisServer;
      const proxy = await startProxy(server as RedisServer, { host: '127.0.0.2', port });
      names.set(`n${port}.${zone}`, proxy.host);
      await waitFor(() => proxy.connections >= 2, { what: 'connections to the new address' });
    }
    expect(events.switches).toEqual([]);
    await client.close();
  });

  it('the sentinel that is listened to, and nothing else', async () => {
    const deployment = await startSentinel({ sentinels: 1, replicas: 0 });
    const [sentinel, master] = [...deployment.sentinels, ...deployment.nodes] as RedisServer[];
    const before = await startProxy(sentinel as RedisServer);
    const after = await startProxy(sentinel as RedisServer, {
      host: '127.0.0.2',
      port: before.port,
    });
    const host = `sentinel.${zone}`;
    names.set(host, before.host);
    const client = clientOf([], {
      resolveIntervalMs: 100,
      databases: [
        {
          id: 'east',
          topology: 'sentinel',
          sentinel: { name: deployment.name, sentinelRootNodes: [{ host, port: before.port }] },
        },
      ],
    } as Partial<MultiDbClientOptions>);
    await client.connect();
    await healthy(client);
    const listens = (proxy: FaultProxy) =>
      proxy.openConnections.some(({ seen }) => seen.has('SUBSCRIBE'));
    await waitFor(() => listens(before), { what: 'the client to listen to the sentinel' });
    const ids = await idsAt(master as RedisServer);
    names.set(host, after.host);
    await waitFor(() => listens(after) && before.connections === 0, {
      what: 'the client to listen where the name leads',
    });
    expect(await idsAt(master as RedisServer)).toEqual(ids);
    await client.close();
  });

  it('a name server that lies once or twice, is silent, fails or has no answer moves nothing', async () => {
    const moving = await world();
    const client = await open(moving);
    const ids = await idsAt(moving.old);
    const asked = async (times: number) => {
      names.asked.length = 0;
      await waitFor(() => names.asked.length >= times, { what: 'lookups' });
    };
    names.set(moving.host, moving.after.host);
    await asked(1);
    names.set(moving.host, moving.before.host);
    await asked(2);
    names.set(moving.host);
    await asked(5);
    names.fail('ENOTFOUND', moving.host);
    await asked(5);
    names.silence(moving.host);
    await asked(1);
    names.restore();
    names.set(moving.host, moving.before.host);
    await asked(2);
    expect(await idsAt(moving.old)).toEqual(ids);
    await client.close();
  });

  it.each(['order', 'subset'])('round robin by %s renews nothing', async (how) => {
    const moving = await world();
    const client = await open(moving);
    const ids = await idsAt(moving.old);
    const [before, after] = [moving.before.host, moving.after.host];
    const first = how === 'order' ? [after, before] : [after];
    names.rotate(moving.host, first, [before], [before, after]);
    names.asked.length = 0;
    await waitFor(() => names.asked.length >= 12, { what: 'lookups' });
    expect(await idsAt(moving.old)).toEqual(ids);
    await client.close();
  });

  it('a name that leads to a replica of the master does not take its place', async () => {
    const moving = await world((old) => startReplica(old));
    const client = await open(moving);
    const connections = moving.before.connections;
    names.set(moving.host, moving.after.host);
    const isAsked = async () =>
      /cmdstat_role:calls=[2-9]/.test(String(await moving.next.command('INFO', 'commandstats')));
    await waitFor(isAsked, { what: 'checks of the new server' });
    expect(moving.before.connections).toBe(connections);
    expect(await client.set('key', 'value')).toBe('OK');
    await client.close();
  });

  it('nobody listens where the name leads: the present connections stay', async () => {
    const moving = await world();
    const client = await open(moving);
    names.set(moving.host, '127.0.0.3');
    names.asked.length = 0;
    await waitFor(() => names.asked.length >= 8, { what: 'lookups' });
    expect(await client.set('key', 'value')).toBe('OK');
    expect(client.activeDatabase).toBe('east');
    await client.close();
  });

  it.each([0, false])('resolveIntervalMs: %s looks nothing up', async (resolveIntervalMs) => {
    const moving = await world();
    const client = await open(moving, { resolveIntervalMs });
    names.asked.length = 0;
    await waitFor(() => client.databases.every(({ lastProbe }) => lastProbe !== undefined), {
      what: 'probes',
    });
    await turns(20);
    expect(names.asked).toEqual([]);
    await client.close();
  });
});
