import { afterEach, expect, it } from 'vitest';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function patient(unhealthyAfterMs: number) {
  const { clock, east, client } = await eastAndWest({ unhealthyAfterMs });
  clients.push(client);
  return { clock, east, client };
}

it('explains the failover delay of the active database: its cause, start and end', async () => {
  const { clock, east, client } = await patient(15_000);
  expect(client.explain().active?.healing).toBeUndefined();

  const failedAt = clock.wallTime();
  east.crash();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  const { active } = client.explain();
  expect(active?.why).toMatch(
    /^has failed for 5\.0 s \(.+\); failover delay ends in 10\.0 s \(unhealthyAfterMs\)$/,
  );
  expect(active?.healing?.cause).not.toBe('');
  expect(active?.healing?.since.getTime()).toBeCloseTo(failedAt, -2);
  expect(active?.healing?.leftAt.getTime()).toBeCloseTo(failedAt + 15_000, -2);
  expect(client.explain().toString()).toMatch(/^active: east \(has failed for 5\.0 s/);

  await clock.advance(11_000);
  expect(client.explain().active).toMatchObject({ id: 'west', healing: undefined });
});

it('forgets it when the database has healed', async () => {
  const { clock, east, client } = await patient(15_000);
  east.crash();
  await clock.advance(5000);
  expect(client.explain().active?.healing).toBeDefined();
  east.restart();
  await clock.until(() => client.explain().active?.healing === undefined, 9000, 'the healing');
  expect(client.explain().active).toMatchObject({
    id: 'east',
    why: 'highest weight (1) of the eligible databases',
  });
});

it('has nothing to tell where a failed database is left at once', async () => {
  const { clock, east, client } = await patient(0);
  east.crash();
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
  expect(client.explain().active?.healing).toBeUndefined();
});
