/** A firewall forgets its flows: connections that are open go silent for ever, new ones pass. */
import type { MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { expect, it } from 'vitest';
import {
  type FaultProxy,
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

async function clientTo(urls: readonly string[], topology: string): Promise<MultiDbClient> {
  const databases = urls.map((url, index) => ({
    id: index === 0 ? 'east' : 'west',
    weight: 1 / (index + 1),
    client: { url },
    ...(topology === 'pool' ? { topology: 'pool' as const, pool: { minimum: 4, maximum: 8 } } : {}),
  }));
  return connected([], { ...NO_DEADLINE, databases } as Partial<MultiDbClientOptions>);
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

it('ends a transaction on a silent connection, and the next one is well', async () => {
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
  const worker = own(client.duplicate());
  await worker.connect();
  const popped = worker.blPop('queue', 0);
  const blocking = () => proxy.openConnections.find(({ seen }) => seen.has('BLPOP'));
  await waitFor(() => blocking() !== undefined, { what: 'the worker to block' });
  const silent = blocking();
  proxy.forgetFlows();
  await waitFor(() => ![undefined, silent].includes(blocking()), {
    what: 'the worker to block on a new connection',
    timeoutMs: 20_000,
  });
  await (proxy.target as RedisServer).command('RPUSH', 'queue', 'job');
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
