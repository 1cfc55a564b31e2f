/** What a server says of its own state, and PING does not: it is left for it, until that passes. */
import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { active, connected, recordEvents, servers, Traffic } from './support.js';

it('leaves a server that became a read-only replica, with no error for writers', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const written: number[] = [];
  const traffic = new Traffic(async () => written.push(await client.incr('counter')), {
    callers: 10,
  });
  await traffic.flows(100);
  await east.command('REPLICAOF', '127.0.0.1', String(west.port));
  await active(client, 'west');
  await traffic.flows(100);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west health-check']);
  expect(events.of('database-unhealthy')[0]).toMatchObject({ id: 'east' });
  expect(events.of('database-unhealthy')[0]?.cause).toMatch(/READONLY/);

  // PING passes, the grace period ends, and still it is not eligible.
  await waitFor(() => client.databases[0]?.gracePeriodLeftMs === 0, { what: 'the grace period' });
  const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 200, {
    what: 'health checks to go on',
  });
  expect(client.activeDatabase).toBe('west');
  expect(client.explain().others[0]?.details.join()).toMatch(/READONLY/);

  await east.command('REPLICAOF', 'NO', 'ONE');
  await active(client, 'east');
  expect(await client.set('key', 'value')).toBe('OK');
});

it('repeats a script that a read-only replica refused within `safety` only', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const script = ['EVAL', "return redis.call('INCR', KEYS[1])", '1', 'counter'];
  await east.command('REPLICAOF', '127.0.0.1', String(west.port));
  // A script may have written before one of its commands was refused.
  await expect(client.sendCommand(script)).rejects.toThrow(/READONLY/);
  await active(client, 'west');
  await west.command('REPLICAOF', '127.0.0.1', String(east.port));
  await east.command('REPLICAOF', 'NO', 'ONE');
  const repeating = client.withRetrySafety('accumulating');
  expect(await repeating.sendCommand(script)).toBe(1);
  expect(client.activeDatabase).toBe('east');
});

it('leaves a full server for writers', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await east.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await client.set('key', 'value')).toBe('OK');
  expect(client.activeDatabase).toBe('west');
  expect(await west.command('GET', 'key')).toBe('value');
  await east.command('CONFIG', 'SET', 'maxmemory', '0');
  await active(client, 'east');
});

it('leaves a server that is busy with a script for ever', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await east.command('CONFIG', 'SET', 'lua-time-limit', '1');
  const script = east.command('EVAL', 'while true do end', '0').catch(() => {});
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await active(client, 'west');
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  await east.command('SCRIPT', 'KILL');
  await script;
  await active(client, 'east');
});

it('leaves a server whose password has changed once it can’t connect anew', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  await east.command('CONFIG', 'SET', 'requirepass', 'secret');
  await client.set('key', 'the old connection is spared');
  await east.info('role').catch(() => {});
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  const { RawConnection } = await import('../kit/index.js');
  const admin = await RawConnection.open({ port: east.port, password: 'secret' });
  await admin.request('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await active(client, 'west');
  admin.close();
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.of('database-unhealthy')[0]?.cause).toMatch(/NOAUTH|WRONGPASS/);
});
