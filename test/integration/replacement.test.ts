// replaceDatabase() with the id that the database has: the same name at another address.
import { expect, it } from 'vitest';
import { expectNoLeaks, freePort, startProxy, startRedis, waitFor } from '../kit/index.js';
import {
  active,
  connected,
  connections,
  databases,
  errorOf,
  own,
  QUICK,
  recordEvents,
  servers,
  Traffic,
} from './support.js';

/** What is under load may take a while to connect; how long is not what is tested. */
const PATIENT = { healthCheck: { ...QUICK.healthCheck, intervalMs: 2000, timeoutMs: 2000 } };

it('takes the place of the active one of the same id under load, and no command is lost or done twice', async () => {
  const [before, west, after] = await servers(3);
  const client = await connected([before, west], PATIENT);
  const twin = own(client.duplicate());
  await twin.connect();
  const events = recordEvents(client);
  const traffic = [client, twin].map(
    (each) => new Traffic(() => each.incr('counter'), { callers: 25 }),
  );
  for (const each of traffic) await each.flows(300);
  const untilThen = client.stats().databases[0]?.commands.succeeded;
  expect(untilThen).toBeGreaterThanOrEqual(600);

  const replaced = await client.replaceDatabase('east', {
    id: 'east',
    client: { url: after.url },
  });
  expect(replaced).toMatchObject({ id: 'east', weight: 1, active: true, health: 'healthy' });
  expect(client.databases.map(({ id }) => id)).toEqual(['east', 'west']);
  for (const each of traffic) await each.flows(300);
  for (const each of traffic) await each.stop();

  expect(traffic.flatMap(({ errors }) => errors)).toEqual([]);
  expect(events.all.map(({ name }) => name)).toEqual(['switch']);
  expect(events.of('switch')[0]).toMatchObject({
    from: 'east',
    to: 'east',
    reason: 'removed',
    cause: 'east was replaced',
  });
  const [old, other, now] = await Promise.all(
    [before, west, after].map(async (server) => Number(await server.command('GET', 'counter'))),
  );
  expect(other).toBe(0);
  expect((old ?? 0) + (now ?? 0)).toBe(traffic.reduce((sum, { successes }) => sum + successes, 0));
  // What the one before had counted is not mixed with it.
  expect(client.stats().databases[0]?.commands).toMatchObject({ succeeded: now });
  expect(client.stats().withoutServiceMs).toBe(0);
  await waitFor(async () => (await connections(before)) === 0, { what: 'no connection to it' });
});

it('is taken at once when the one before had failed', async () => {
  const [before, west, after] = await servers(3);
  const client = await connected([before, west], { failbackCheckIntervalMs: 3_600_000 });
  await before.kill();
  await active(client, 'west');
  const events = recordEvents(client);
  const options = { id: 'east', client: { url: after.url } };
  expect(await client.replaceDatabase('east', options)).toMatchObject({
    active: true,
    gracePeriodLeftMs: 0,
    lastError: undefined,
  });
  expect(events.switches).toEqual(['west>east failback']);
  expect(events.of('database-healthy').map(({ id }) => id)).toEqual(['east']);
});

it('ends an outage of all', async () => {
  const [before, after] = await servers();
  const client = await connected([before]);
  await before.kill();
  await waitFor(() => client.explain().state === 'down', { what: 'all to be down' });
  const events = recordEvents(client);
  await client.replaceDatabase('east', { id: 'east', client: { url: after.url } });
  expect(events.switches).toEqual(['undefined>east recovered']);
  expect(events.of('recovered').map(({ id }) => id)).toEqual(['east']);
  expect(await client.ping()).toBe('PONG');
});

it('keeps the one before, and tells nobody, when the new one is dead', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.incr('counter'), { callers: 20 });
  await traffic.flows(100);
  const url = `redis://127.0.0.1:${await freePort()}`;
  const replacing = errorOf(client.replaceDatabase('east', { id: 'east', client: { url } }));
  expect(client.databases.map(({ id, health }) => [id, health])).toEqual([
    ['east', 'healthy'],
    ['west', 'healthy'],
  ]);
  const error = await replacing;
  expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', databaseId: 'east' });
  expect(error.message).toMatch(/the new east can't serve: .*ECONNREFUSED.*the old one was kept/);
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(Number(await east.command('GET', 'counter'))).toBe(traffic.successes);
  expect(events.all).toEqual([]);
  expect(client.stats().databases[0]?.probes.every(({ failed }) => failed === 0)).toBe(true);
});

it('gives up, and leaves nothing, when the client is closed meanwhile', async () => {
  const [east, west, after] = await servers(3);
  const proxy = await startProxy(after);
  for (const end of ['close', 'destroy'] as const) {
    await expectNoLeaks(async () => {
      proxy.silence();
      const client = await connected([east, west], {
        healthCheck: { intervalMs: 60_000, timeoutMs: 60_000 },
        databases: databases([east, west]),
      });
      const replacing = errorOf(
        client.replaceDatabase('east', { id: 'east', client: { url: proxy.url } }),
      );
      await waitFor(() => proxy.connections > 0, { what: 'the trial to begin' });
      await client[end]();
      expect(await replacing).toMatchObject({ code: 'CLIENT_CLOSED' });
      await proxy.restore();
      await waitFor(() => proxy.connections === 0, { what: 'no connection to it' });
    });
  }
});

it('refuses what is no replacement', async () => {
  const [east, west, after] = await servers(3);
  const proxy = await startProxy(after);
  const client = await connected([east, west]);
  const url = after.url;
  for (const [id, database, option] of [
    ['east', { id: 'west', client: { url } }, 'database.id'],
    ['east', { id: 'east', weight: -1, client: { url } }, 'database.weight'],
    ['east', { id: 'east', client: { url, RESP: 7 } }, 'database.client.RESP'],
  ] as const) {
    const refused = errorOf(client.replaceDatabase(id, database as never));
    expect(await refused).toMatchObject({ code: 'INVALID_OPTION', option });
  }
  expect(
    await errorOf(client.replaceDatabase('north', { id: 'north', client: { url } })),
  ).toMatchObject({ code: 'UNKNOWN_DATABASE' });

  // One at a time, and the one whose place it is must still be there.
  proxy.silence();
  const first = errorOf(client.replaceDatabase('east', { id: 'east', client: { url: proxy.url } }));
  expect(
    await errorOf(client.replaceDatabase('east', { id: 'east', client: { url } })),
  ).toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('not being replaced'),
  });
  await client.removeDatabase('east');
  await proxy.restore();
  expect((await first).message).toContain('east was removed while it was being replaced');
  expect(client.databases.map(({ id }) => id)).toEqual(['west']);
  await waitFor(async () => (await connections(after)) === 0, { what: 'no connection to it' });
});

it('keeps a drain and a hold, which belong to the name', async () => {
  const [east, west, second, third] = await Promise.all([1, 2, 3, 4].map(() => startRedis()));
  const client = await connected([east!, west!]);
  await client.drainDatabase('east', { durationMs: 3_600_000 });
  await client.replaceDatabase('east', { id: 'east', client: { url: second!.url } });
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[0]?.drainLeftMs).toBeGreaterThan(3_500_000);
  expect(client.explain().others[0]?.lacks).toEqual(['drained']);
  expect(client.resumeDatabase('east')).toBe(true);
  await active(client, 'east');

  await client.forceActiveDatabase('west');
  await client.replaceDatabase('west', { id: 'west', weight: 0.1, client: { url: third!.url } });
  expect(client.activeDatabase).toBe('west');
  expect(client.explain().active?.why).toBe('forced until the next manual switch');
});

it('a lower weight than before gives the turn to another one, by one switch', async () => {
  const [before, west, after] = await servers(3);
  const client = await connected([before, west]);
  const events = recordEvents(client);
  await client.replaceDatabase('east', { id: 'east', weight: 0.1, client: { url: after.url } });
  expect(events.switches).toEqual(['east>west removed']);
  expect(client.getWeight('east')).toBe(0.1);
});

it('is another database for what belongs to one: cursors, blocking commands, subscriptions', async () => {
  const [before, west, after] = await servers(3);
  const client = await connected([before, west]);
  await client.mSet(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`key:${n}`, 'x'])));
  const { cursor } = await client.scan('0', { COUNT: 10 });
  expect(cursor).not.toBe('0');
  const worker = own(client.duplicate());
  await worker.connect();
  const popped = worker.blPop('queue', 30);
  const heard: string[] = [];
  await client.subscribe('news', (message) => heard.push(message));
  await waitFor(async () => String(await before.command('CLIENT', 'LIST')).includes('cmd=blpop'), {
    what: 'BLPOP to block',
  });

  await client.replaceDatabase('east', { id: 'east', client: { url: after.url } });
  expect(await errorOf(client.scan(cursor))).toMatchObject({
    code: 'DATABASE_SWITCHED',
    databaseId: 'east',
  });
  await waitFor(async () => (await after.command('PUBLISH', 'news', 'hello')) === 1, {
    what: 'the subscription at the new one',
  });
  await waitFor(() => heard.includes('hello'), { what: 'the message' });
  await after.command('RPUSH', 'queue', 'job');
  expect(await popped).toEqual({ key: 'queue', element: 'job' });
});

it('with lazy standbys as well: the connection stands before the turn changes', async () => {
  const [before, west, after] = await servers(3);
  const client = await connected([before, west], { ...PATIENT, standbyConnections: 'lazy' });
  const traffic = new Traffic(() => client.incr('counter'), { callers: 20 });
  await traffic.flows(100);
  await client.replaceDatabase('east', { id: 'east', client: { url: after.url } });
  expect(client.databases[0]).toMatchObject({ id: 'east', active: true, connected: true });
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  const counts = await Promise.all(
    [before, after].map(async (server) => Number(await server.command('GET', 'counter'))),
  );
  expect(counts[0]! + counts[1]!).toBe(traffic.successes);
});
