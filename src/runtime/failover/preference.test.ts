/** The option `selection` on virtual time: which of the databases of equal weight is active. */
import { afterEach, expect, it } from 'vitest';
import type { SelectionCandidate, SelectionSetting } from '../../options/selection.js';
import { connectedClient } from '../../testing/east-and-west.js';
import { FakeDatabase, type SimulatedClient, VirtualClock } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** East, west and north of equal weight, with these latencies of one direction. */
async function world(selection: SelectionSetting, latencies = [10, 2, 2]) {
  const clock = new VirtualClock();
  const all = ['east', 'west', 'north'].map(
    (id, at) => new FakeDatabase({ id, clock, latencyMs: latencies[at] as number }),
  );
  const [east, west, north] = all as [FakeDatabase, FakeDatabase, FakeDatabase];
  const client = await connectedClient({
    clock,
    databases: all.map((database) => ({ database })),
    options: {
      selection,
      healthCheck: { intervalMs: 1000, timeoutMs: 500, numProbes: 1 },
      gracePeriodMs: 1000,
      failbackCheckIntervalMs: 2000,
      failbackJitter: 0,
    },
  });
  clients.push(client);
  const switches = () =>
    client.events.flatMap(({ name, event }) => {
      if (name !== 'switch') return [];
      const { to, reason } = event[0] as { to: string; reason: string };
      return [`${to} ${reason}`];
    });
  const errors = () => client.events.filter(({ name }) => name === 'error');
  return { clock, client, east, west, north, switches, errors };
}

it('first: neither latency nor a recovery moves the client', async () => {
  const { clock, client, east, switches } = await world('first');
  expect(client.activeDatabase).toBe('east');
  east.crash();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('west');
  east.restart();
  await clock.advance(60_000);
  expect(switches()).toEqual(['east initial', 'west health-check']);
});

it('lowest-latency: fails over to the fastest, and moves only after it was faster for a while', async () => {
  const { clock, client, west, north, switches } = await world('lowest-latency', [2, 30, 10]);
  expect(client.activeDatabase).toBe('east');
  const [east] = [client.explain().active];
  expect(east?.why).toMatch(/highest weight/);
  const draining = client.drainDatabase('east');
  await clock.advance(500);
  await draining;
  expect(client.activeDatabase).toBe('north');
  client.resumeDatabase('east');
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('north');
  const waiting = client.explain().others.find(({ id }) => id === 'east');
  expect(waiting?.details[0]).toMatch(
    /^eligible, with the same weight; east answers in 4\.\d ms, north in 2\d\.\d ms; not long enough yet$/,
  );
  await clock.until(() => client.activeDatabase === 'east', 20_000, 'the move to the fastest');
  west.latencyMs = 1.6;
  north.latencyMs = 1.8;
  await clock.advance(120_000);
  // Less than the margin faster.
  expect(switches()).toEqual(['east initial', 'north manual', 'east failback']);
});

it('lowest-latency: a latency that goes up and down does not flap', async () => {
  const { clock, west, switches } = await world('lowest-latency', [10, 30, 30]);
  for (let round = 0; round < 20; round += 1) {
    west.latencyMs = round % 2 === 0 ? 1 : 40;
    await clock.advance(15_000);
  }
  expect(switches()).toEqual(['east initial']);
});

it('a function gets frozen candidates, and decides at failover and failback checks', async () => {
  const seen: (readonly SelectionCandidate[])[] = [];
  let wanted = 'west';
  const { clock, client, west, switches, errors } = await world((candidates) => {
    seen.push(candidates);
    return candidates.find(({ id }) => id === wanted)?.id;
  });
  expect(client.activeDatabase).toBe('west');
  await clock.advance(5000);
  expect(seen.at(-1)).toEqual([
    { id: 'east', weight: 1, active: false, latencyMs: expect.any(Number), failures: 0, total: 0 },
    { id: 'west', weight: 1, active: true, latencyMs: expect.any(Number), failures: 0, total: 0 },
    { id: 'north', weight: 1, active: false, latencyMs: expect.any(Number), failures: 0, total: 0 },
  ]);
  expect(Object.isFrozen(seen.at(-1)) && seen.at(-1)?.every(Object.isFrozen)).toBe(true);
  wanted = 'north';
  await clock.advance(3000);
  expect(client.activeDatabase).toBe('north');
  wanted = 'east';
  await client.forceActiveDatabase('north', { durationMs: 5000, unchecked: true });
  await clock.advance(4000);
  expect(client.activeDatabase).toBe('north');
  west.crash();
  await clock.advance(5000);
  expect(switches()).toEqual(['west initial', 'north failback', 'east failback']);
  expect(errors()).toEqual([]);
});

it.each<[string, SelectionSetting, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    /no idea/,
  ],
  ['returns an unknown id', () => 'south', /must return the id of a candidate; received south/],
  ['returns a promise', (async () => Promise.reject(new Error('late'))) as never, /of a candidate/],
])('a function that %s is reported once, and the first database serves', async (_, fn, text) => {
  const { clock, client, east, switches, errors } = await world(fn);
  expect(client.activeDatabase).toBe('east');
  await clock.advance(10_000);
  east.crash();
  await clock.advance(5000);
  expect(switches()).toEqual(['east initial', 'west health-check']);
  expect(errors()).toHaveLength(1);
  expect(String(errors()[0]?.event[0])).toMatch(text);
});

it('a function that returns undefined keeps the active one, at a failover it takes the first', async () => {
  let answer: string | undefined = 'north';
  const { clock, client, north, switches, errors } = await world(() => answer);
  await clock.until(() => client.activeDatabase === 'north', 20_000, 'north to be active');
  answer = undefined;
  const before = switches().length;
  await clock.advance(60_000);
  expect(client.activeDatabase).toBe('north');
  north.crash();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  expect(switches().slice(before)).toEqual(['east health-check']);
  expect(errors()).toEqual([]);
});
