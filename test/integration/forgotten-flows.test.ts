/** A firewall forgets its flows: connections that are open go silent for ever, new ones pass. */
import type { MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  isRedis7,
  type ProxyConnection,
  type RedisServer,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import { connected, errorOf, own, recordEvents, Traffic } from './support.js';

/** Nothing here may wait for a deadline. */
const NO_DEADLINE = { commandTimeoutMs: 20_000, commandDeadlineMs: 25_000 };
const isData = ({ seen }: ProxyConnection) => !seen.has('PING');
const isProbe = ({ seen }: ProxyConnection) => seen.has('PING');

async function places(): Promise<[FaultProxy, FaultProxy]> {
  const servers = await Promise.all([startRedis(), startRedis()]);
  return Promise.all([startProxy(servers[0]), startProxy(servers[1])]);
}

async function clientTo(
  urls: readonly string[],
  topology: string,
  options: Partial<MultiDbClientOptions> = {},
): Promise<MultiDbClient> {
  const databases = urls.map((url, index) => ({
    id: index === 0 ? 'east' : 'west',
    weight: 1 / (index + 1),
    client: { url },
    ...(topology === 'pool' ? { topology: 'pool' as const, pool: { minimum: 4, maximum: 8 } } : {}),
  }));
  return connected([], { ...NO_DEADLINE, ...options, databases } as Partial<MultiDbClientOptions>);
}

/** What a caller of a write may be told, and no other error. */
const UNKNOWN = expect.objectContaining({ code: 'CONNECTION_LOST', maybeExecuted: true });

it.each([
  ['client', 'all of both databases', 'all', 2],
  ['client', 'those for commands', isData, 1],
  ['client', 'those for probes', isProbe, 1],
  ['pool', 'all of both databases', 'all', 2],
  ['pool', 'those for commands', isData, 1],
] as const)('%s: %s', async (topology, _, scope, count) => {
  const proxies = await places();
  const client = await clientTo(
    proxies.map(({ url }) => url),
    topology,
  );
  const events = recordEvents(client);
  const reads = new Traffic(() => client.get('k'), { callers: 5, pauseMs: 5 });
  const writes = new Traffic(() => client.incr('n'), { callers: 5, pauseMs: 5 });
  await Promise.all([reads.flows(50), writes.flows(50)]);
  const lost = proxies.slice(0, count).flatMap((proxy) => {
    const open = proxy.openConnections.filter((each) => scope === 'all' || scope(each));
    proxy.forgetFlows('both', scope === 'all' ? 'all' : scope);
    return open;
  });
  await Promise.all([reads.flows(300), writes.flows(300)]);
  await waitFor(
    () => {
      const open = proxies.flatMap(({ openConnections }) => openConnections);
      return lost.every((each) => !open.includes(each));
    },
    { what: 'every silent connection to be replaced', timeoutMs: 20_000 },
  );
  await Promise.all([reads.stop(), writes.stop()]);
  expect(reads.errors).toEqual([]);
  expect(writes.errors.length).toBeLessThanOrEqual(10);
  for (const error of writes.errors) expect(error).toEqual(UNKNOWN);
  expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
});

it('ends a transaction on a silent connection, and the next one succeeds', async () => {
  const [proxy, other] = await places();
  const client = await clientTo([proxy.url, other.url], 'client');
  const increment = () =>
    client.transaction('n', async (tx) => {
      const value = Number((await tx.get('n')) ?? 0);
      return tx.multi().set('n', String(value + 1));
    });
  await increment();
  let forget = () => {
    proxy.forgetFlows();
  };
  const silent = await errorOf(
    client.transaction('n', async (tx) => {
      await tx.get('n');
      forget();
      forget = () => {};
      return tx.multi().set('n', '2');
    }),
  );
  expect(silent).toMatchObject({ code: 'CONNECTION_LOST' });
  await increment();
  expect(client.activeDatabase).toBe('east');
});

it('rescues a worker that blocks for ever', async () => {
  const [proxy, other] = await places();
  const client = await clientTo([proxy.url, other.url], 'client');
  const target = proxy.target as RedisServer;
  const worker = own(client.duplicate());
  await worker.connect();
  // What is asked ahead of the first blocking command has been answered then.
  await worker.blPop('queue', 0.01);
  const popped = worker.blPop('queue', 0);
  const blocking = () => proxy.openConnections.find(({ seen }) => seen.has('BLPOP'));
  await waitFor(async () => / cmd=blpop /.test(String(await target.command('CLIENT', 'LIST'))), {
    what: 'the worker to block',
  });
  const silent = blocking();
  proxy.forgetFlows();
  await waitFor(() => ![undefined, silent].includes(blocking()), {
    what: 'the worker to block on a new connection',
    timeoutMs: 20_000,
  });
  await target.command('RPUSH', 'queue', 'job');
  expect(await popped).toMatchObject({ element: 'job' });
});

it('brings subscriptions back that nobody publishes to', async () => {
  const [proxy, other] = await places();
  const client = await clientTo([proxy.url, other.url], 'client');
  const events = recordEvents(client);
  const heard: string[] = [];
  await client.subscribe('news', (message) => heard.push(message));
  proxy.forgetFlows();
  await waitFor(
    async () => {
      await client.publish('news', 'hello').catch(() => {});
      return heard.length > 0;
    },
    { what: 'a message', timeoutMs: 20_000, intervalMs: 50 },
  );
  expect(events.switches).toEqual([]);
});

/** How often a server was asked for its connections, or refused to tell. */
async function askedForConnections(server: RedisServer): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  // Redis 6.2 counts subcommands together; nothing else here sends CLIENT again and again.
  const line = /^cmdstat_client(?:\|list)?:calls=(\d+),.*rejected_calls=(\d+)/m.exec(stats);
  return Number(line?.[1] ?? 0) + Number(line?.[2] ?? 0);
}

const SOON = { suspectAfterMs: 150 };

describe('a worker whose data connection alone is forgotten', () => {
  it.each(['client', 'pool'])('before the command arrives: is told (%s)', async (topology) => {
    const [proxy, other] = await places();
    const client = await clientTo([proxy.url, other.url], topology, SOON);
    const events = recordEvents(client);
    proxy.forgetFlows('both', isData);
    const lost = await errorOf(client.blPop('queue', 0));
    expect(lost).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
    const popped = client.blPop('queue', 0);
    await (proxy.target as RedisServer).command('RPUSH', 'queue', 'job');
    expect(await popped).toMatchObject({ element: 'job' });
  });

  it('while it blocks: is told that the answer is lost', async () => {
    const [proxy, other] = await places();
    const client = await clientTo([proxy.url, other.url], 'client', SOON);
    const server = proxy.target as RedisServer;
    const popped = errorOf(client.blPop('queue', 0));
    await waitFor(async () => (await askedForConnections(server)) > 0, { what: 'a look' });
    proxy.forgetFlows('to-client', isData);
    await server.command('RPUSH', 'queue', 'job');
    expect(await popped).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
    expect(client.activeDatabase).toBe('east');
  });
});

it.each([
  ['client, RESP 2', 'client', 2, []],
  ['client, RESP 3', 'client', 3, []],
  ['pool', 'pool', 2, []],
  ['client that may not ask for connections', 'client', 2, ['-client|list']],
  ['client that may not ask for anything', 'client', 2, ['-client|list', '-info']],
] as const)('a healthy worker that blocks for ever is left alone: %s', async (...given) => {
  const [, topology, RESP, rules] = given;
  // Redis 6.2 has no permissions of subcommands.
  if (rules.length > 0 && !(await isRedis7())) return;
  const [proxy, other] = await places();
  const server = proxy.target as RedisServer;
  for (const each of [server, other.target as RedisServer]) {
    await each.command('ACL', 'SETUSER', 'worker', 'on', '>secret', '~*', '&*', '+@all', ...rules);
  }
  const client = await clientTo([proxy.url, other.url], topology, {
    suspectAfterMs: 20,
    client: { RESP, username: 'worker', password: 'secret' },
  });
  const popped = client.blPop('queue', 0);
  await waitFor(async () => (await askedForConnections(server)) >= 5, { what: 'looks' });
  const accepted = proxy.acceptedConnections;
  await server.command('RPUSH', 'queue', 'job');
  expect(await popped).toMatchObject({ element: 'job' });
  expect(proxy.acceptedConnections).toBe(accepted);
});

it('a large command that arrives slowly is no dead connection', async () => {
  const [proxy, other] = await places();
  const client = await clientTo([proxy.url, other.url], 'client', SOON);
  await client.get('k');
  proxy.trickle({ bytesPerSecond: 1_000_000, direction: 'to-server', scope: isData });
  const accepted = proxy.openConnections.filter(isData);
  expect(await client.set('k', Buffer.alloc(1_000_000, 'x'))).toBe('OK');
  expect(proxy.openConnections).toEqual(expect.arrayContaining(accepted));
});
