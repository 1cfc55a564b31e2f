import { createMultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  connections,
  databases,
  errorOf,
  healthy,
  own,
  QUICK,
  recordEvents,
  servers,
} from './support.js';

it('begins with the database of the highest weight, wherever it stands in the list', async () => {
  const [east, west, north] = await servers(3);
  const client = own(
    createMultiDbClient({ ...QUICK, databases: databases([east, west, north]).reverse() }),
  );
  const events = recordEvents(client as never);
  await client.connect();
  expect(client.activeDatabase).toBe('east');
  expect(events.of('switch')).toEqual([
    expect.objectContaining({ from: undefined, to: 'east', reason: 'initial', generation: 1 }),
  ]);
});

it('does not wait for a dead database of higher weight', async () => {
  const [east, west] = await servers();
  await east.kill();
  const client = clientOf([east, west], { initialWaitMs: 3_600_000 });
  await client.connect();
  expect(client.activeDatabase).toBe('west');
});

it('waits for a slow database of higher weight, at most initialWaitMs', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  proxy.delay({ toClientMs: 100 });
  const healthCheck = { ...QUICK.healthCheck, timeoutMs: 2000 };
  const patient = clientOf([proxy, west], { healthCheck, initialWaitMs: 20_000 });
  await patient.connect();
  expect(patient.activeDatabase).toBe('east');

  proxy.silence('to-client');
  const hasty = clientOf([proxy, west], { healthCheck, initialWaitMs: 0 });
  await hasty.connect();
  expect(hasty.activeDatabase).toBe('west');
});

it('takes at once a better database that comes late', async () => {
  const [east, west] = await servers();
  await east.kill();
  // Neither a look for failback nor a grace period plays a part.
  const client = clientOf([east, west], {
    failbackCheckIntervalMs: 3_600_000,
    gracePeriodMs: 3_600_000,
  });
  await client.connect();
  const events = recordEvents(client);
  expect(client.activeDatabase).toBe('west');
  await east.restart();
  await active(client, 'east');
  expect(events.switches).toEqual(['west>east failback']);
});

it('needs as many databases as the policy says', async () => {
  const [east, west, north] = await servers(3);
  await Promise.all([east.kill(), west.kill()]);
  const targets = [east, west, north];
  for (const initializationPolicy of ['MAJORITY_AVAILABLE', 'ALL_AVAILABLE'] as const) {
    const client = clientOf(targets, { initializationPolicy });
    const error = await errorOf(client.connect());
    expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
    const failures = error.failures as unknown as { databaseId: string; reason: string }[];
    // It ends with the first verdict that decides, and makes up no fault of those that are out.
    const known = failures.filter(({ reason }) => reason !== 'its health is not known yet');
    for (const { reason } of known) expect(reason).toMatch(/ECONNREFUSED/);
    expect(known.map(({ databaseId }) => databaseId)).not.toContain('north');
    expect(known.length).toBeGreaterThanOrEqual(initializationPolicy === 'ALL_AVAILABLE' ? 1 : 2);
  }
  await west.restart();
  const majority = clientOf(targets, { initializationPolicy: 'MAJORITY_AVAILABLE' });
  await majority.connect();
  expect(majority.activeDatabase).toBe('west');
  const all = clientOf(targets, { initializationPolicy: 'ALL_AVAILABLE' });
  expect(await errorOf(all.connect())).toMatchObject({ code: 'INITIALIZATION_FAILED' });
});

it('opens a lazy standby’s data connection only at the switch', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { standbyConnections: 'lazy' });
  // One for data and one for probes, and the one for probes alone.
  await waitFor(async () => (await connections(east)) === 2, { what: 'two connections' });
  await waitFor(async () => (await connections(west)) === 1, { what: 'one connection' });
  await east.kill();
  await active(client, 'west');
  expect(await client.set('key', 'value')).toBe('OK');
  await waitFor(async () => (await connections(west)) === 2, { what: 'two connections' });

  // As a standby again it has none for data.
  await east.restart();
  await active(client, 'east');
  await waitFor(async () => (await connections(west)) === 1, { what: 'one connection' });
});

it('spares callers of GET errors with lazy standbys as well', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { standbyConnections: 'lazy' });
  const gets = Array.from({ length: 100 }, () => client.get('key'));
  await Promise.all(gets);
  void east.kill();
  while (client.activeDatabase === 'east') await client.get('key');
  expect(await client.get('key')).toBeNull();
});

it('counts a database without health checks as healthy until it can’t be reached', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west], { healthCheck: false });
  await client.connect();
  await healthy(client);
  expect(client.databases.map(({ lastProbe }) => lastProbe)).toEqual([undefined, undefined]);
  // No connection of probes.
  expect(await connections(east)).toBe(1);
  await east.kill();
  await active(client, 'west');
  expect(await client.ping()).toBe('PONG');
});

it('rejects connect() without health checks when nothing can be reached', async () => {
  const [east, west] = await servers();
  await Promise.all([east.kill(), west.kill()]);
  const error = await errorOf(clientOf([east, west], { healthCheck: false }).connect());
  expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
  expect(error.message).toContain(`east: no data connection to 127.0.0.1:${east.port}`);
});

it('keeps trying for keepConnectingMs, and rejects with every cause when the time is over', async () => {
  const [east, west] = await servers();
  await Promise.all([east.kill(), west.kill()]);
  const patient = clientOf([east, west], { keepConnectingMs: 60_000 });
  const connecting = patient.connect();
  const early = patient.set('early', 'yes').catch((error: Error) => error);
  const isUnhealthy = () => patient.databases.every(({ health }) => health === 'unhealthy');
  await waitFor(isUnhealthy, { what: 'two verdicts' });
  await west.restart();
  await connecting;
  expect(patient.activeDatabase).toBe('west');
  expect(await early).toBe('OK');

  await west.kill();
  const hurried = clientOf([east, west], { keepConnectingMs: 700 });
  const error = await errorOf(hurried.connect());
  expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
  expect(error.message).toMatch(
    /east: PING: connect ECONNREFUSED .*west: PING: connect ECONNREFUSED/,
  );
  expect(hurried.isOpen).toBe(false);

  const closed = clientOf([east, west], { keepConnectingMs: 60_000 });
  const abandoned = errorOf(closed.connect());
  closed.destroy();
  expect(await abandoned).toMatchObject({ code: 'CLIENT_CLOSED' });
});
