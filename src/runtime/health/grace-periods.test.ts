/** Grace periods that double, and grace periods of single databases. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function world(options: Partial<MultiDbOptions>) {
  const { clock, client, east } = await eastAndWest({
    healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
    failbackCheckIntervalMs: 10,
    ...options,
  });
  clients.push(client);
  /** Lets east fail and recover; returns the grace period that follows, in milliseconds. */
  const fail = async () => {
    east.crash();
    await clock.advance(500);
    expect(client.activeDatabase).toBe('west');
    const leftAt = client.events.filter(({ name }) => name === 'switch').at(-1)!.at;
    const durationMs = client.databases[0]!.gracePeriodLeftMs + clock.now() - leftAt;
    east.restart();
    return durationMs;
  };
  return { clock, client, fail };
}

it('doubles for a database that fails again soon, and eases off after a quiet time', async () => {
  const { clock, client, fail } = await world({ gracePeriodMs: { baseMs: 1000, maxMs: 4000 } });
  const returned = async (ms: number) => {
    await clock.advance(ms);
    expect(client.activeDatabase).toBe('east');
  };
  expect(await fail()).toBe(1000);
  await returned(1500);
  expect(await fail()).toBe(2000);
  await returned(2500);
  expect(await fail()).toBe(4000);
  await returned(4500);
  expect(await fail()).toBe(4000);
  await returned(60_000);
  expect(await fail()).toBe(1000);
});

it('is forgotten when an operator takes the database back', async () => {
  const { clock, client, fail } = await world({ gracePeriodMs: { baseMs: 1000, maxMs: 4000 } });
  await fail();
  await clock.advance(1500);
  await fail();
  const switching = client.setActiveDatabase('east');
  await clock.advance(1000);
  await switching;
  expect(await fail()).toBe(1000);
});
