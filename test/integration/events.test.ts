import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { active, clientOf, connected, EVENT_NAMES, recordEvents, servers } from './support.js';

it('tells the whole story in order', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  const events = recordEvents(client);
  const before = Date.now();
  await client.connect();
  await waitFor(() => events.of('database-healthy').length === 2, { what: 'both to be healthy' });
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await active(client, 'east');
  await client.close();

  const story = events.all.map(({ name }) => name).filter((name) => name !== 'database-healthy');
  expect(story).toEqual([
    'connect',
    'switch',
    'ready',
    'database-unhealthy',
    'switch',
    'failover',
    'switch',
    'failback',
    'end',
  ]);
  const switches = events.of('switch');
  expect(switches.map(({ generation }) => generation)).toEqual(
    [...switches].map(({ generation }) => generation).sort((a, b) => a - b),
  );
  expect(switches[1]).toEqual({
    from: 'east',
    to: 'west',
    reason: 'health-check',
    cause: expect.stringMatching(/^east: /),
    at: expect.any(Date),
    generation: expect.any(Number),
    durationMs: expect.any(Number),
  });
  expect(events.of('failover')).toEqual([switches[1]]);
  expect(events.of('failback')).toEqual([switches[2]]);
  expect(events.of('database-unhealthy')).toEqual([
    {
      id: 'east',
      cause: expect.stringMatching(/ECONNREFUSED/),
      error: expect.any(Error),
      at: expect.any(Date),
    },
  ]);
  expect(events.of('database-healthy').map(({ id }) => id)).toEqual(
    expect.arrayContaining(['east', 'west', 'east']),
  );
  for (const { at } of switches) {
    expect(at.getTime()).toBeGreaterThanOrEqual(before);
    expect(at.getTime()).toBeLessThanOrEqual(Date.now());
  }
});

it('has switched already when it tells of a switch', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const seen: unknown[] = [];
  client.once('switch', ({ to }) => {
    seen.push(client.activeDatabase === to, client.explain().active?.id);
    seen.push(client.set('from the listener', String(to)));
  });
  await client.setActiveDatabase('west');
  expect(seen.slice(0, 2)).toEqual([true, 'west']);
  expect(await seen[2]).toBe('OK');
  expect(await west.command('GET', 'from the listener')).toBe('west');
});

it.each([
  [
    'throws',
    () => {
      throw new Error('from a listener');
    },
  ],
  ['rejects', () => Promise.reject(new Error('from a listener'))],
  ['awaits for ever', () => new Promise(() => {})],
])('goes on whatever a listener does: it %s', async (does, listener) => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  for (const name of EVENT_NAMES) client.on(name, listener);
  const events = recordEvents(client);
  await client.connect();
  await waitFor(() => client.isHealthy('west'), { what: 'west to be healthy' });
  await east.kill();
  await active(client, 'west');
  expect(await client.set('key', 'value')).toBe('OK');
  await client.close();
  expect(events.switches).toEqual(['undefined>east initial', 'east>west health-check']);
  expect(events.of('end')).toHaveLength(1);
  const told = events.of('error').map(({ message }) => message);
  if (does === 'awaits for ever') expect(told).toEqual([]);
  else expect(new Set(told)).toEqual(new Set(['from a listener']));
});

it('throws nothing when nobody listens to errors', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  client.on('switch', () => {
    throw new Error('from a listener');
  });
  await east.kill();
  await active(client, 'west');
  expect(await client.ping()).toBe('PONG');
});

it('has once and off', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 3_600_000 });
  const seen: string[] = [];
  const listener = () => seen.push('on');
  client.on('switch', listener);
  client.once('switch', () => seen.push('once'));
  client.prependListener('switch', () => seen.push('first'));
  client.setWeight('west', 2);
  client.off('switch', listener);
  client.setWeight('west', 0.5);
  expect(seen).toEqual(['first', 'on', 'once', 'first']);
});

it('survives a listener that closes the client', async () => {
  for (const end of ['destroy', 'close'] as const) {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    client.on('switch', () => void client[end]());
    const gets = Array.from({ length: 100 }, () => client.get('key').catch((error) => error.code));
    await east.kill();
    await waitFor(() => events.of('end').length === 1, { what: 'the end' });
    for (const reply of await Promise.all(gets)) {
      expect([null, 'CLIENT_CLOSED', 'CONNECTION_LOST']).toContain(reply);
    }
    expect(client.isOpen).toBe(false);
    expect(events.of('switch')).toHaveLength(1);
  }
});

it('survives a listener that moves the traffic on', async () => {
  const [east, west, north] = await servers(3);
  const client = await connected([east, west, north], { failbackCheckIntervalMs: 3_600_000 });
  const events = recordEvents(client);
  client.once('switch', () => client.setWeight('north', 10));
  await east.kill();
  await active(client, 'north');
  expect(await client.set('key', 'value')).toBe('OK');
  expect(await north.command('GET', 'key')).toBe('value');
  const generations = events.of('switch').map(({ generation }) => generation);
  expect([...generations].sort((a, b) => a - b)).toEqual(generations);
});
