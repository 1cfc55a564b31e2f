/** When `onPromotionNeeded` is called, with three databases on virtual time. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { connectedClient } from '../../testing/east-and-west.js';
import {
  FakeDatabase,
  type SimulatedClient,
  type SimulatedDatabase,
  VirtualClock,
} from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** East and north take writes, west is a replica. */
async function world(
  options: Omit<MultiDbOptions, 'databases' | 'client'> = {},
  ofEast: Partial<SimulatedDatabase> = {},
) {
  const clock = new VirtualClock();
  const [east, north, west] = ['east', 'north', 'west'].map(
    (id) => new FakeDatabase({ id, clock }),
  ) as [FakeDatabase, FakeDatabase, FakeDatabase];
  west.state = 'READONLY';
  const calls: string[] = [];
  const client = await connectedClient({
    clock,
    databases: [
      { database: east, weight: 1, writable: 'auto', ...ofEast },
      { database: north, weight: 0.7, writable: 'auto' },
      { database: west, weight: 0.5, writable: 'auto' },
    ],
    options: { onPromotionNeeded: ({ id }) => calls.push(id), ...options },
  });
  clients.push(client);
  const visited: (string | undefined)[] = [];
  client.on('switch', ({ to }) => visited.push(to));
  return { clock, client, east, north, west, calls, visited };
}

/** East has failed and recovered: only its grace period keeps it from being eligible. */
async function recovered(ofEast: Partial<SimulatedDatabase> = {}) {
  const made = await world({}, ofEast);
  const { clock, client, east } = made;
  east.crash();
  await clock.advance(1000);
  east.restart();
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('north');
  made.visited.length = 0;
  return made;
}

it.each([1, 20, 100])(
  'no promotion is needed while a recovered database takes writes, at a distance of %d ms',
  async (latencyMs) => {
    const { clock, east, north, calls, visited } = await recovered();
    east.latencyMs = latencyMs;
    north.crash();
    await clock.advance(9000);
    expect([visited, calls]).toEqual([['west', 'east'], []]);
  },
);

it('no promotion is needed before `beforeFailback` has ended', async () => {
  let clock: VirtualClock | undefined;
  const beforeFailback = () => new Promise<void>((resolve) => clock?.after(3000, resolve));
  const all = await recovered({ beforeFailback });
  clock = all.clock;
  all.north.crash();
  await clock.advance(2500);
  expect([all.client.activeDatabase, all.calls]).toEqual(['west', []]);
  await clock.advance(1000);
  expect([all.client.activeDatabase, all.calls]).toEqual(['east', []]);
});

it('a promotion is needed when `beforeFailback` fails', async () => {
  const beforeFailback = async () => {
    throw new Error('its cache is empty');
  };
  const { clock, client, north, calls } = await recovered({ beforeFailback });
  north.crash();
  await clock.advance(2500);
  expect([client.activeDatabase, calls]).toEqual(['west', ['west']]);
});

it('a promotion is needed when what takes writes does not answer', async () => {
  const { clock, client, east, north, calls } = await recovered();
  client.on('switch', ({ to }) => {
    if (to === 'west') east.freeze();
  });
  north.crash();
  await clock.advance(4000);
  expect([client.activeDatabase, calls]).toEqual(['west', ['west']]);
});

it('a choice by hand of a replica needs no promotion while another database takes writes', async () => {
  const { clock, client, east, calls } = await world();
  east.latencyMs = 100;
  const chosen = client.setActiveDatabase('west');
  await clock.advance(9000);
  await chosen;
  expect([client.activeDatabase, calls]).toEqual(['east', []]);
});

it('a forced replica needs a promotion', async () => {
  const { clock, client, calls } = await world();
  const forced = client.forceActiveDatabase('west');
  await clock.advance(1000);
  await forced;
  expect([client.activeDatabase, calls]).toEqual(['west', ['west']]);
});

it('the next replica is to be promoted when the first one fails before it was reached', async () => {
  const { clock, client, east, north, calls, visited } = await world();
  north.state = 'READONLY';
  await clock.advance(6000);
  client.on('switch', ({ to }) => {
    if (to === 'north') north.refuse();
  });
  east.crash();
  await clock.advance(3000);
  expect([visited, calls]).toEqual([['north'], []]);
  north.crash();
  await clock.advance(2000);
  expect([visited, calls]).toEqual([['north', 'west'], ['west']]);
  await clock.advance(20_000);
  expect(calls).toEqual(['west']);
});

it('the next replica is not to be promoted when the first one was reached', async () => {
  const { clock, east, north, calls, visited } = await world();
  north.state = 'READONLY';
  await clock.advance(6000);
  east.crash();
  await clock.advance(1000);
  north.crash();
  await clock.advance(20_000);
  expect([visited, calls]).toEqual([['north', 'west'], ['north']]);
});
