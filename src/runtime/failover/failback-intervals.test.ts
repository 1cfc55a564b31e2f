/** `databases[].failbackCheckIntervalMs` on virtual time: when the client returns to which database. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { connectedClient } from '../../testing/east-and-west.js';
import { FakeDatabase, type SimulatedClient, VirtualClock } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** East, west and north of falling weight; only what is given is checked at an interval of its own. */
async function world(
  intervals: { readonly east?: number; readonly west?: number },
  options: Omit<MultiDbOptions, 'databases' | 'client'> = {},
) {
  const clock = new VirtualClock();
  const [east, west, north] = ['east', 'west', 'north'].map(
    (id) => new FakeDatabase({ id, clock }),
  ) as [FakeDatabase, FakeDatabase, FakeDatabase];
  const member = (database: FakeDatabase, weight: number, failbackCheckIntervalMs?: number) =>
    failbackCheckIntervalMs === undefined
      ? { database, weight }
      : { database, weight, failbackCheckIntervalMs };
  const client = await connectedClient({
    clock,
    databases: [member(east, 3, intervals.east), member(west, 2, intervals.west), member(north, 1)],
    options: {
      healthCheck: { intervalMs: 1000, timeoutMs: 500, numProbes: 1 },
      gracePeriodMs: 1000,
      failbackCheckIntervalMs: 10_000,
      failbackJitter: 0,
      ...options,
    },
  });
  clients.push(client);
  const startedAt = clock.now() - 3000;
  /** East and west fail and return, so that both are candidates for a failback. */
  const failBoth = async () => {
    east.crash();
    west.crash();
    await clock.until(() => client.activeDatabase === 'north', 5000);
    east.restart();
    west.restart();
  };
  const switches = () =>
    client.events.flatMap(({ name, event, at }) => {
      if (name !== 'switch') return [];
      const { to, reason } = event[0] as { to: string; reason: string };
      return reason === 'failback' ? [`${to} ${Math.round((at - startedAt) / 1000)}`] : [];
    });
  return { clock, client, east, west, failBoth, switches, member };
}

it('each database is checked at its own interval', async () => {
  const { clock, client, failBoth, switches } = await world({ east: 60_000 });
  await failBoth();
  await clock.advance(5000);
  const standby = (id: string) => client.explain().others.find((each) => each.id === id);
  expect(standby('east')?.details).toEqual(['eligible; the next failback check is in 52.0 s']);
  expect(standby('west')?.details).toEqual(['eligible; the next failback check is in 2.0 s']);
  await clock.advance(60_000);
  expect(switches()).toEqual(['west 10', 'east 60']);
});

it('a short one returns sooner than all others', async () => {
  const { clock, failBoth, switches } = await world({ west: 5000 });
  await failBoth();
  await clock.advance(20_000);
  expect(switches()).toEqual(['west 5', 'east 10']);
});

it('a database that takes the place of a better one does not return to it before its time', async () => {
  const { clock, client, east, west, switches, member } = await world({ east: 60_000 });
  east.crash();
  west.crash();
  await clock.until(() => client.activeDatabase === 'north', 5000);
  east.restart();
  await clock.advance(3000);
  // A newcomer does not wait for a check, and does not bring the better one with it.
  const south = new FakeDatabase({ id: 'south', clock });
  const adding = client.addDatabase(member(south, 1.5));
  await clock.advance(500);
  await adding;
  expect([client.activeDatabase, switches()]).toEqual(['south', ['south 6']]);
  await clock.until(() => client.activeDatabase === 'east', 60_000);
});

it('an added database of another interval gets checks, and a failed beforeFailback waits for them', async () => {
  let calls = 0;
  const { clock, client, failBoth, switches, member } = await world(
    { east: 1_000_000, west: 1_000_000 },
    {
      beforeFailback: () => {
        calls += 1;
        if (calls === 1) throw new Error('not yet');
      },
    },
  );
  await failBoth();
  const south = new FakeDatabase({ id: 'south', clock });
  const adding = client.addDatabase(member(south, 5, 20_000));
  await clock.advance(500);
  await adding;
  expect(client.activeDatabase).toBe('south');
  south.crash();
  await clock.until(() => client.activeDatabase !== 'south', 5000);
  south.restart();
  const before = switches().length;
  await clock.until(() => calls === 1, 30_000);
  await clock.advance(15_000);
  expect(calls).toBe(1);
  await clock.advance(10_000);
  expect([calls, switches().length - before]).toEqual([2, 1]);
});

it('neither interval starves the other when failbackRampMs spreads the returns', async () => {
  const { clock, client, failBoth, switches } = await world(
    { east: 7000, west: 11_000 },
    { failbackRampMs: 100_000, instanceId: 'process-1' },
  );
  await failBoth();
  await clock.until(() => client.activeDatabase === 'east', 120_000);
  expect(switches()).toHaveLength(1);
});
