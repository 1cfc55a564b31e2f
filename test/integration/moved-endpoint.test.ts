/** The address of a database leads to another server; the old one goes on as a replica and keeps its connections. */
import { type MultiDbClient, type MultiDbClientOptions, WriteReadStrategy } from 'redis-multidb';
import { expect, it } from 'vitest';
import {
  type FaultProxy,
  startProxy,
  startRedis,
  startReplica,
  waitFor,
  waitForSync,
} from '../kit/index.js';
import { connected, healthy, own, QUICK, recordEvents, switchTo, Traffic } from './support.js';

/** A master and a replica, which change their roles when the address moves and the replica has every write. */
async function endpoint() {
  const before = await startRedis();
  const after = await startReplica(before);
  const proxy = await startProxy(before);
  return {
    proxy,
    url: proxy.url,
    after,
    async move() {
      await waitForSync(before, after);
      await after.command('REPLICAOF', 'NO', 'ONE');
      proxy.moveTo(after);
      await before.command('REPLICAOF', after.host, after.port);
    },
  };
}

/** All connections lead to where the address leads. */
const allMoved = (proxy: FaultProxy) =>
  waitFor(() => proxy.openConnections.every(({ target }) => target === proxy.target), {
    what: 'every connection to lead to the new server',
    timeoutMs: 20_000,
  });

type Options = Partial<MultiDbClientOptions>;
async function clientTo(url: string, topology: string, options: Options = {}) {
  const west = await startRedis();
  if (topology !== 'pool') return connected([{ url }, west], options);
  const databases = [url, west.url].map((each, index) => ({
    id: index === 0 ? 'east' : 'west',
    weight: 1 / (index + 1),
    topology: 'pool' as const,
    pool: { minimum: 4, maximum: 8 },
    client: { url: each },
  }));
  return connected([], { ...options, databases } as Options);
}

it.each(['client', 'pool'])('of the active database is followed (%s)', async (topology) => {
  const east = await endpoint();
  const client = await clientTo(east.url, topology);
  const twin = own(client.duplicate());
  await twin.connect();
  const events = recordEvents(client);
  const traffic = [client, twin].flatMap((each) => [
    new Traffic(() => each.set('k', 'v'), { callers: 5, pauseMs: 5 }),
    new Traffic(() => each.get('k'), { callers: 5, pauseMs: 5 }),
  ]);
  await Promise.all(traffic.map((each) => each.flows(50)));
  await east.move();
  await Promise.all(traffic.map((each) => each.flows(200)));
  await Promise.all(traffic.map((each) => each.stop()));
  expect(traffic.flatMap(({ errors }) => errors)).toEqual([]);
  expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
  expect(await east.after.command('GET', 'k')).toBe('v');
  await allMoved(east.proxy);
});

it('of a standby is followed when it is needed', async () => {
  const [east, west] = [await startRedis(), await endpoint()];
  const client = await connected([east, west]);
  const events = recordEvents(client);
  await west.move();
  const traffic = new Traffic(() => client.set('k', 'v'), { callers: 5, pauseMs: 5 });
  await traffic.flows(50);
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  await traffic.flows(200);
  await traffic.stop();
  const unknown = traffic.errors.filter(
    (error) => !(error as { maybeExecuted?: boolean }).maybeExecuted,
  );
  expect(unknown).toEqual([]);
  expect(events.switches).toEqual(['east>west health-check']);
  expect(await west.after.command('GET', 'k')).toBe('v');
});

it('is found without any traffic by a check that writes, of active and standby', async () => {
  const [east, west] = [await endpoint(), await endpoint()];
  const client = await connected([east, west], {
    // A check that timed out would go on over a new connection, and leave the data connections alone.
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 10_000, strategy: new WriteReadStrategy() },
  });
  const events = recordEvents(client);
  await Promise.all([east.move(), west.move()]);
  await Promise.all([allMoved(east.proxy), allMoved(west.proxy)]);
  expect([events.switches, events.of('database-unhealthy')]).toEqual([[], []]);
  await healthy(client);
  expect(await client.set('k', 'v')).toBe('OK');
});

it('takes subscriptions and blocking commands along', async () => {
  const east = await endpoint();
  const client: MultiDbClient = await clientTo(east.url, 'client');
  const heard: string[] = [];
  await client.subscribe('news', (message) => heard.push(message));
  const worker = own(client.duplicate());
  await worker.connect();
  const popped = worker.blPop('queue', 0);
  await waitFor(async () => Number(await client.sendCommand(['PUBLISH', 'news', '0'])) === 1, {
    what: 'the subscription',
  });
  await east.move();
  await client.set('k', 'v');
  await allMoved(east.proxy);
  await east.after.command('PUBLISH', 'news', '1');
  await waitFor(() => heard.at(-1) === '1', { what: 'a message of the new server' });
  expect(heard).toEqual(['0', '1']);
  await east.after.command('RPUSH', 'queue', 'job');
  expect(await popped).toMatchObject({ element: 'job' });
});

it('repeats a transaction that the old server refuses', async () => {
  const east = await endpoint();
  const client = await clientTo(east.url, 'client');
  const increment = () =>
    client.transaction('n', async (tx) => {
      const value = Number((await tx.get('n')) ?? 0);
      return tx.multi().set('n', String(value + 1));
    });
  await increment();
  await east.move();
  await increment();
  expect(await east.after.command('GET', 'n')).toBe('2');
  await allMoved(east.proxy);
});

it('leaves a database whose new server refuses as well', async () => {
  const east = await endpoint();
  const client = await clientTo(east.url, 'client');
  const switched = switchTo(client, 'west');
  await east.move();
  await east.after.command('REPLICAOF', '127.0.0.1', '1');
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  expect((await switched).cause).toContain('READONLY');
});

it('does not need a new connection to leave a database that refuses', async () => {
  const [east, west] = [await startRedis(), await startRedis()];
  const client = await connected([east, west]);
  const switched = switchTo(client, 'west');
  await east.command('CONFIG', 'SET', 'maxmemory', '1');
  await east.command('CONFIG', 'SET', 'maxclients', '1');
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  expect((await switched).cause).toContain('OOM');
});
