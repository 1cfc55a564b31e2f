/** `forceActiveDatabase()`, most of all `unchecked`, on virtual time: what it overrides, and until when. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function world(options: Partial<MultiDbOptions> = {}) {
  const made = await eastAndWest({
    healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
    gracePeriodMs: 1000,
    failbackCheckIntervalMs: 500,
    commandRetry: { maxAttempts: 1 },
    ...options,
  });
  clients.push(made.client);
  return made;
}

function force(client: SimulatedClient, id: string, durationMs: number): void {
  void client.forceActiveDatabase(id, { durationMs, unchecked: true });
}

it('keeps a failed database until the time is over, and then leaves it', async () => {
  const { clock, client, east } = await world();
  east.crash();
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
  force(client, 'east', 10_000);
  expect(client.activeDatabase).toBe('east');
  await clock.advance(9000);
  expect(client.activeDatabase).toBe('east');
  const { active } = client.explain();
  expect(active?.forced).toMatchObject({ unchecked: true, until: expect.any(Date) });
  expect(active?.why).toMatch(/^forced without checks for another 1\.0 s; .*unhealthy \(/);
  await clock.until(() => client.activeDatabase === 'west', 1100, 'the end of the force');
  expect(client.events.filter(({ name }) => name === 'switch')).toMatchObject([
    {},
    { event: [{ to: 'west', reason: 'health-check' }] },
    { event: [{ to: 'east', reason: 'forced' }] },
    { event: [{ to: 'west', reason: 'health-check' }] },
  ]);
});

it('keeps it against failing commands, an open breaker and a better database', async () => {
  const { clock, client, west } = await world({
    failureDetector: { minNumOfFailures: 1, failureRateThreshold: 1 },
  });
  force(client, 'west', 60_000);
  west.state = 'LOADING';
  const failures: unknown[] = [];
  for (let round = 0; round < 20; round += 1) {
    client.send(['SET', 'k', 'v']).catch((error) => failures.push(error));
    await clock.advance(500);
  }
  expect(failures).toHaveLength(20);
  expect(String(failures[0])).toMatch(/LOADING/);
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[1]).toMatchObject({ health: 'unhealthy', breaker: 'open' });
});

it('is released by hand: the failure counts at once', async () => {
  const { clock, client, east } = await world();
  east.crash();
  await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
  force(client, 'east', Number.POSITIVE_INFINITY);
  await clock.advance(10_000);
  expect(client.explain().active?.why).toMatch(/^forced without checks until it is released; /);
  expect(client.releaseActiveDatabase()).toBe(true);
  expect(client.activeDatabase).toBe('west');
  expect(client.releaseActiveDatabase()).toBe(false);
});

it('serves while every database is down, and all are down again afterwards', async () => {
  const { clock, client, east, west } = await world();
  east.crash();
  west.crash();
  await clock.until(() => client.explain().state === 'down', 10_000, 'the end of the search');
  force(client, 'east', 5000);
  expect(client.explain()).toMatchObject({ state: 'serving', active: { id: 'east' } });
  const pending = client.send(['GET', 'k']);
  east.restart();
  let reply: unknown;
  void pending.then((each) => {
    reply = each;
  });
  await clock.until(() => reply !== undefined, 3000, 'the reply');
  expect(reply).toBe(null);
  east.crash();
  await clock.until(() => client.explain().state === 'down', 10_000, 'the end of the force');
  const refused = client.send(['GET', 'k']).catch((error) => error);
  await clock.advance(1);
  expect(await refused).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
});

it('a switch to another database, a drain and a removal end it', async () => {
  const { clock, client, west } = await world();
  const east = client.databases[0]?.id as string;
  for (const end of [
    () => client.setActiveDatabase('west'),
    () => client.drainDatabase(east, { durationMs: 1 }),
  ]) {
    force(client, 'east', 600_000);
    const ended = end();
    await clock.advance(1000);
    await ended;
    expect(client.explain().active?.forced).toBeUndefined();
    await clock.until(() => client.activeDatabase === 'east', 60_000, 'the failback');
  }
  force(client, 'east', 600_000);
  const removed = client.removeDatabase('east');
  await clock.advance(1000);
  await removed;
  expect(client.explain().active).toMatchObject({ id: 'west', forced: undefined });
  west.crash();
  await clock.until(() => client.explain().state === 'down', 10_000, 'a failure that counts');
});

it('ends a failover delay: commands that waited for it are sent', async () => {
  const { clock, client, east } = await world({
    unhealthyAfterMs: 60_000,
    commandRetry: { maxAttempts: 2, waitDurationMs: 10 },
    commandDeadlineMs: 50_000,
  });
  east.state = 'LOADING';
  const failed = client.send(['GET', 'k']).catch((error) => error);
  await clock.advance(5000);
  expect(client.explain().active?.healing).toBeDefined();
  let error: unknown;
  void failed.then((each) => {
    error = each;
  });
  force(client, 'east', 600_000);
  await clock.advance(1000);
  expect(String(error)).toMatch(/LOADING/);
  expect(client.explain().active?.healing).toBeUndefined();
});

it('with checks, a failure ends it, even if no other database can serve', async () => {
  const { clock, client, east, west } = await world({
    failureDetector: { minNumOfFailures: 1, failureRateThreshold: 1 },
  });
  const forced = client.forceActiveDatabase('west', { durationMs: 60_000 });
  await clock.advance(1000);
  await forced;
  east.crash();
  await clock.until(() => client.databases[0]?.health === 'unhealthy', 5000, 'the loss of east');
  await clock.advance(2000);
  expect(client.explain().active?.forced).toBeDefined();
  const lost = client.send(['SET', 'k', 'v']).catch((error) => error);
  west.killConnections('data');
  await clock.advance(100);
  await lost;
  expect(client.explain().active).toMatchObject({ id: 'west', lastResort: true });
  expect(client.explain().active?.forced).toBeUndefined();
  expect(client.releaseActiveDatabase()).toBe(false);
  east.restart();
  await clock.until(() => client.activeDatabase === 'east', 5000, 'the end of the last resort');
});
