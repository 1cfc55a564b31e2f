/** When the last resort is left, on virtual time. */
import { afterEach, expect, it } from 'vitest';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** After an outage of both, east returns in its grace period, and west some seconds later. */
async function afterOutage(failbackSupported: boolean) {
  const world = await eastAndWest({ failbackSupported, gracePeriodMs: 60_000 });
  clients.push(world.client);
  const { clock, client, east, west } = world;
  west.crash();
  await clock.advance(3000);
  east.crash();
  await clock.advance(10_000);
  expect(client.activeDatabase).toBeUndefined();
  east.restart();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  west.restart();
  await clock.advance(10_000);
  return world;
}

it('a database that has recovered as the last resort stays while failback is off', async () => {
  const { clock, client } = await afterOutage(false);
  expect(client.activeDatabase).toBe('east');
  expect(client.explain().active?.why).toContain('last resort: it has recovered');
  await clock.advance(60_000);
  expect(client.activeDatabase).toBe('east');
  expect(client.explain().active?.why).toContain('highest weight');
});

it('it is left for an eligible database while failback is on, until its grace period ends', async () => {
  const { clock, client } = await afterOutage(true);
  expect(client.activeDatabase).toBe('west');
  await clock.advance(180_000);
  expect(client.activeDatabase).toBe('east');
});

it('it is left although failback is off when it fails again', async () => {
  const { clock, client, east } = await afterOutage(false);
  east.crash();
  await clock.advance(3000);
  expect(client.activeDatabase).toBe('west');
});
