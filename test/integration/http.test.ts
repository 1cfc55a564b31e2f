/** The handler over real servers: what it tells, what it changes. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type LatencyHistoryStatus, STATUS_SCHEMA, type Status } from 'redis-multidb/http';
import { expect, it } from 'vitest';
import { expectNoLeaks, startRedis, waitFor } from '../kit/index.js';
import { EventReader, post, serve, TOKEN, WITH_TOKEN } from './http-support.js';
import { active, clientOf, connected, LONG_GRACE, servers, switchTo } from './support.js';

/** The published schema, and nothing in the answer that it doesn't know. */
function strict(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(strict);
  const entries = Object.entries(schema).map(([name, value]) => [name, strict(value)]);
  const copy = Object.fromEntries(entries);
  return 'properties' in copy && 'type' in copy ? { ...copy, additionalProperties: false } : copy;
}

const validate = new Ajv2020({
  strict: true,
  allowUnionTypes: true,
  formats: { 'date-time': (text: string) => new Date(text).toISOString() === text },
}).compile(strict(STATUS_SCHEMA) as object);

async function statusOf(url: string): Promise<Status> {
  const response = await fetch(`${url}/status`);
  expect(response.status).toBe(200);
  const status = (await response.json()) as Status;
  expect(validate(status), JSON.stringify(validate.errors)).toBe(true);
  return status;
}

it('tells the status by its schema: serving, failed over, drained, down, closed', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], LONG_GRACE);
  const { url } = await serve(client);
  expect(await statusOf(url)).toMatchObject({ state: 'closed', ready: false });
  await client.connect();
  await waitFor(() => client.isHealthy('west'), { what: 'west to be healthy' });
  expect(await statusOf(url)).toMatchObject({
    state: 'serving',
    ready: true,
    activeDatabase: 'east',
    why: 'highest weight (1) of the eligible databases',
    databases: [
      { id: 'east', active: true, health: 'healthy', lastProbe: { check: 'PING', healthy: true } },
      { id: 'west', active: false, details: ['eligible, but its weight (0.5) is not higher'] },
    ],
    switches: [{ from: null, to: 'east', reason: 'initial' }],
  });

  await east.kill();
  await active(client, 'west');
  const failedOver = await statusOf(url);
  expect(failedOver.databases[0]).toMatchObject({
    health: 'unhealthy',
    cause: expect.stringContaining('ECONNREFUSED'),
    lacks: expect.arrayContaining(['unhealthy', 'grace period']),
  });
  expect(failedOver.databases[0]?.gracePeriodLeftMs).toBeGreaterThan(0);
  expect(failedOver.explanation).toContain('active: west');

  await east.restart();
  await client.setActiveDatabase('east');
  await client.drainDatabase('east', { durationMs: 60_000 });
  const drained = (await statusOf(url)).databases[0];
  expect(drained).toMatchObject({ drained: true, lacks: ['drained'] });
  expect(Date.parse(drained?.drainEndsAt ?? '')).toBeGreaterThan(Date.now());
  await client.drainDatabase('east');
  expect((await statusOf(url)).databases[0]).toMatchObject({ drained: true, drainEndsAt: null });

  await east.kill();
  await west.kill();
  await waitFor(() => client.explain().state === 'down', { what: 'all to be down' });
  expect(await statusOf(url)).toMatchObject({ state: 'down', activeDatabase: null, why: null });
  await client.close();
  expect(await statusOf(url)).toMatchObject({ state: 'closed', ready: false });
  expect(await (await fetch(`${url}/schema.json`)).json()).toEqual(STATUS_SCHEMA);
});

it('is ready while a database can serve, and says why not otherwise', async () => {
  const [east] = await servers(1);
  const client = clientOf([east]);
  const { url, handler } = await serve(client);
  const ready = async () => {
    const response = await fetch(`${url}/readyz`);
    return { code: response.status, ...((await response.json()) as object) };
  };
  expect(await ready()).toMatchObject({
    code: 503,
    state: 'closed',
    reason: 'the client is closed',
  });
  await client.connect();
  expect(await ready()).toEqual({ code: 200, status: 'ready', activeDatabase: 'east' });
  await east.kill();
  await waitFor(() => client.explain().state === 'down', { what: 'east to be down' });
  expect(await ready()).toMatchObject({
    code: 503,
    state: 'down',
    reason: 'no database can serve',
    databases: [
      { id: 'east', details: expect.arrayContaining([expect.stringMatching(/REFUSED/)]) },
    ],
  });
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  await east.restart();
  await active(client, 'east');
  expect((await ready()).code).toBe(200);
  handler.close();
  expect(await ready()).toMatchObject({ code: 503, state: 'closed' });
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

it('switches by hand: until a failback, for a while, without end', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 3_600_000 });
  const { url } = await serve(client, WITH_TOKEN);
  const switched = switchTo(client, 'west');
  const response = await post(`${url}/active`, { database: 'west' });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ changed: true, activeDatabase: 'west' });
  expect((await switched).reason).toBe('manual');
  expect(await (await post(`${url}/active`, { database: 'west' })).json()).toMatchObject({
    changed: false,
  });
  await post(`${url}/active`, { database: 'east', durationMs: 60_000 });
  expect(client.explain().active?.why).toMatch(/^forced for another/);
  await post(`${url}/active`, { database: 'west', durationMs: null });
  expect(client.explain().active).toMatchObject({
    id: 'west',
    why: 'forced until the next manual switch',
  });

  await east.kill();
  await waitFor(() => !client.isHealthy('east'), { what: 'east to be unhealthy' });
  const refused = await post(`${url}/active`, { database: 'east' });
  expect(refused.status).toBe(409);
  expect(await refused.text()).toMatch(/east can't serve: .*ECONNREFUSED/);
  expect(client.activeDatabase).toBe('west');
  expect((await post(`${url}/active`, { database: 'nowhere' })).status).toBe(404);
});

it('drains and resumes', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { url } = await serve(client, WITH_TOKEN);
  expect((await post(`${url}/databases/east/drain`, { durationMs: 3_600_000 })).status).toBe(200);
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[0]?.drainLeftMs).toBeGreaterThan(3_500_000);
  const resumed = await post(`${url}/databases/east/resume`, {});
  expect(await resumed.json()).toMatchObject({ changed: true });
  await active(client, 'east');
  expect((await post(`${url}/databases/nowhere/drain`, {})).status).toBe(404);
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be unhealthy' });
  expect((await post(`${url}/databases/east/drain`, {})).status).toBe(409);
});

it('keeps the latencies of the last minutes', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { url } = await serve(client);
  const history = await waitFor(
    async () => {
      const found = (await (await fetch(`${url}/history`)).json()) as LatencyHistoryStatus;
      return (found.databases[0]?.points.length ?? 0) > 1 ? found : undefined;
    },
    { what: 'two points' },
  );
  expect(history.databases.map(({ id }) => id)).toEqual(['east', 'west']);
  const [at = 0, latencyMs] = history.databases[0]?.points[0] ?? [];
  expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
  expect(latencyMs).toBeGreaterThan(0);
});

it('streams every event and the status, and goes on where a reader was cut off', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { url } = await serve(client, { statusIntervalMs: 50 });
  const reader = await EventReader.open(url);
  await waitFor(() => reader.of('status').length > 2, { what: 'the status again and again' });
  expect(reader.events[0]).toMatchObject({ event: 'status', data: { activeDatabase: 'east' } });
  await east.kill();
  await waitFor(() => reader.of('failover')[0], { what: 'the failover' });
  expect(reader.of('switch')[0]).toMatchObject({
    id: expect.stringMatching(/^\w+-\d+$/),
    data: { from: 'east', to: 'west', reason: 'health-check' },
  });
  await waitFor(() => reader.of('status').at(-1)?.data.activeDatabase === 'west', {
    what: 'the status to follow',
  });
  expect(validate(reader.of('status').at(-1)?.data)).toBe(true);
  reader.close();

  const seen = reader.events.filter(({ id }) => id !== undefined);
  const [first] = seen;
  const again = await EventReader.open(url, { 'last-event-id': first?.id ?? '' });
  await waitFor(() => again.of('status')[0], { what: 'the status' });
  const missed = again.events.filter(({ id }) => id !== undefined).slice(0, seen.length - 1);
  expect(missed).toEqual(seen.slice(1));
  // Numbers of another process mean nothing here.
  const other = await EventReader.open(url, { 'last-event-id': 'other-1' });
  await waitFor(() => other.of('status')[0], { what: 'the status' });
  expect(other.events[0]?.event).toBe('status');
});

it('sends heartbeats, ends streams with the client, and leaves nothing behind', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const before = client.listenerCount('switch');
  await expectNoLeaks(async () => {
    const { url, server, handler } = await serve(client, {
      statusIntervalMs: 3_600_000,
      heartbeatMs: 20,
    });
    const reader = await EventReader.open(url);
    await waitFor(() => reader.comments > 2, { what: 'heartbeats' });
    expect(client.listenerCount('switch')).toBe(before + 1);
    handler.close();
    await waitFor(() => reader.ended, { what: 'the stream to end' });
    handler.close();
    expect(client.listenerCount('switch')).toBe(before);
    expect((await fetch(`${url}/events`)).status).toBe(503);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { url } = await serve(client);
  const reader = await EventReader.open(url);
  await client.close();
  await waitFor(() => reader.ended, { what: 'the stream to end' });
  expect(reader.events.at(-1)?.event).toBe('end');
});

it('shows no credentials and no URL, wherever they come from', async () => {
  const secured = await startRedis({ password: 'sesame-secret' });
  const [west] = await servers(1);
  const client = clientOf([secured, west], {
    databases: [
      {
        id: 'redis://user:id-secret@east.example.com:6379/0',
        weight: 1,
        client: { url: secured.url },
        healthCheck: async () => {
          throw new Error('GET https://admin:check-secret@rest.example.com:9443/v1?key=k failed');
        },
      },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
  });
  client.on('ready', () => {
    throw new Error('listener of redis://u:listener-secret@host:1');
  });
  const { url } = await serve(client, { ...WITH_TOKEN, statusIntervalMs: 20 });
  const reader = await EventReader.open(url);
  await client.connect();
  await waitFor(() => reader.of('database-unhealthy')[0], { what: 'east to be unhealthy' });
  await waitFor(() => reader.of('client-error')[0], { what: 'the error' });
  const answers = await Promise.all(
    ['/', '/status', '/history', '/readyz', '/livez'].map(async (path) => {
      return (await fetch(`${url}${path}`)).text();
    }),
  );
  const refused = await post(`${url}/active`, { database: 'east.example.com:6379' });
  expect(refused.status).toBe(409);
  const everything = [...answers, await refused.text(), JSON.stringify(reader.events)].join('\n');
  expect(everything).toContain('rest.example.com:9443');
  expect(everything).not.toMatch(/secret/);
  expect(everything.replaceAll('https://json-schema.org', '')).not.toMatch(
    /rediss?:\/\/|https:\/\//,
  );
  await secured.stop();
});

it('works under a token for readers from elsewhere', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const { url } = await serve(client, { ...WITH_TOKEN, read: 'authorize', challenge: 'Bearer' });
  const denied = await fetch(`${url}/status`);
  expect(denied.status).toBe(401);
  expect(denied.headers.get('www-authenticate')).toBe('Bearer');
  expect((await fetch(`${url}/status`, { headers: { authorization: TOKEN } })).status).toBe(200);
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' });
});
