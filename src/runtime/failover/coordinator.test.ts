import { expect, it } from 'vitest';
import { PingStrategy } from '../../health-strategies/ping.js';
import type { MultiDbOptions } from '../../options/types.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

it('leaves a failed database by one change of the route, also when that closes its gates', async () => {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  const gate = { name: 'LAG', role: 'gate' as const, check: async () => true };
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1, healthCheck: [new PingStrategy(), gate] },
      { database: west, weight: 0.5 },
    ],
  });
  try {
    const done = client.connect();
    await clock.advance(5000);
    await done;
    const { router } = client.session.group.coordinator;
    const changes: string[] = [];
    router.listen(({ from, to }) => changes.push(`${from.database?.id} -> ${to.database?.id}`));
    east.crash();
    await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
    expect(changes).toEqual(['east -> west']);
    const [left] = client.databases;
    expect(left?.gracePeriodLeftMs).toBeGreaterThan(59_000);
    expect(client.explain().others[0]?.lacks).toContain('gate closed');
  } finally {
    client.destroy();
  }
});

/** Three databases, of which the last one is active; the others are eligible again. */
async function returning(options: Omit<MultiDbOptions, 'databases' | 'client'> = {}) {
  const clock = new VirtualClock();
  const fakes = ['first', 'second', 'third'].map((id) => new FakeDatabase({ id, clock }));
  const [first, second] = fakes as [FakeDatabase, FakeDatabase];
  const client = new SimulatedClient({
    clock,
    databases: fakes.map((database, index) => ({ database, weight: 3 - index })),
    options: {
      gracePeriodMs: 1000,
      failbackCheckIntervalMs: 30_000,
      failbackJitter: 0,
      ...options,
    },
  });
  await clock.settled(client.connect());
  await clock.advance(1000);
  first.crash();
  second.crash();
  await clock.until(() => client.activeDatabase === 'third', 5000, 'the failover');
  first.restart();
  second.restart();
  await clock.advance(15_000);
  expect(client.explain().others.map(({ lacks }) => lacks)).toEqual([[], []]);
  return { clock, client, first };
}

it('fails back to the next database if the heaviest one does not answer', async () => {
  const { clock, client, first } = await returning();
  try {
    first.loseConnections('data');
    first.blackhole();
    await clock.until(() => client.activeDatabase === 'second', 20_000, 'the failback');
    first.heal();
    await clock.until(() => client.activeDatabase === 'first', 120_000, 'the other failback');
  } finally {
    client.destroy();
  }
});

it('fails back to the next database if beforeFailback rejects for the heaviest one', async () => {
  let isFit = false;
  const calls: string[] = [];
  const beforeFailback = async ({ id }: { id: string }) => {
    calls.push(id);
    if (id === 'first' && !isFit) throw new Error('its cache is cold');
  };
  const { clock, client } = await returning({ beforeFailback });
  try {
    await clock.until(() => client.activeDatabase === 'second', 20_000, 'the failback');
    expect(calls).toEqual(['first']);
    expect(client.explain().others[0]?.details.join()).toContain('its cache is cold');
    isFit = true;
    await clock.until(() => client.activeDatabase === 'first', 40_000, 'the other failback');
  } finally {
    client.destroy();
  }
});
