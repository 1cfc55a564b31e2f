/** `beforeFailback` on virtual time: when it runs, how often, and what does not wait for it. */
import { afterEach, expect, it } from 'vitest';
import type { FailbackContext } from '../../options/before-failback.js';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** A call of `beforeFailback`, which ends when the test says so. */
interface Call {
  readonly context: FailbackContext;
  succeed(): void;
  fail(error: Error): void;
}

async function world(options: Partial<MultiDbOptions> = {}) {
  const calls: Call[] = [];
  const { clock, client, east, west } = await eastAndWest({
    healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
    gracePeriodMs: 1000,
    failbackCheckIntervalMs: 500,
    beforeFailbackTimeoutMs: 20_000,
    beforeFailback: (context) =>
      new Promise<void>((succeed, fail) => calls.push({ context, succeed, fail })),
    ...options,
  });
  clients.push(client);
  /** East fails and recovers; its grace period and several failback checks pass. */
  const leave = async () => {
    east.crash();
    await clock.advance(500);
    expect(client.activeDatabase).toBe('west');
    east.restart();
    await clock.advance(4000);
  };
  const why = () => client.explain().others[0]?.details.join('; ') ?? '';
  return { clock, client, east, west, calls, leave, why };
}

it('does not run before a database was left', async () => {
  const { clock, client, calls } = await world();
  await clock.advance(10_000);
  expect([client.activeDatabase, calls.length]).toEqual(['east', 0]);
});

it('runs once, and the database is taken as soon as it succeeds', async () => {
  const { clock, client, calls, leave, why } = await world();
  await leave();
  expect([client.activeDatabase, calls.length]).toEqual(['west', 1]);
  expect(calls[0]!.context).toMatchObject({ id: 'east', reason: 'health-check' });
  expect(calls[0]!.context.awayMs).toBeGreaterThanOrEqual(1000);
  expect(why()).toMatch(/beforeFailback has been running for \d\.\d s/);
  calls[0]!.succeed();
  await clock.advance(100);
  expect([client.activeDatabase, calls.length]).toEqual(['east', 1]);
  expect(calls[0]!.context.signal.aborted).toBe(true);
});

it('runs again for the next time that the database was left', async () => {
  const { clock, client, calls, leave } = await world();
  for (const round of [1, 2]) {
    await leave();
    expect(calls.length).toBe(round);
    calls.at(-1)!.succeed();
    await clock.advance(100);
    expect(client.activeDatabase).toBe('east');
  }
});

it('keeps the database away when it rejects, says why, and is asked again', async () => {
  const { clock, client, calls, leave, why } = await world();
  await leave();
  calls[0]!.fail(new Error('the copy is behind'));
  await clock.advance(10);
  expect(client.activeDatabase).toBe('west');
  expect(why()).toContain('beforeFailback failed (the copy is behind)');
  await clock.advance(600);
  expect(calls.length).toBe(2);
  calls[1]!.succeed();
  await clock.advance(100);
  expect(client.activeDatabase).toBe('east');
});

it('of a database takes the place of that of the group', async () => {
  const clock = new VirtualClock();
  const calls: string[] = [];
  const note = (who: string) => (context: FailbackContext) => {
    calls.push(`${context.id}: ${who}`);
  };
  const [north, east, west] = ['north', 'east', 'west'].map(
    (id) => new FakeDatabase({ id, clock }),
  ) as [FakeDatabase, FakeDatabase, FakeDatabase];
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: north, weight: 1, beforeFailback: note('its own') },
      { database: east, weight: 0.8 },
      { database: west, weight: 0.5 },
    ],
    options: {
      healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
      gracePeriodMs: 1000,
      failbackCheckIntervalMs: 500,
      beforeFailback: note('of the group'),
    },
  });
  clients.push(client);
  const connecting = client.connect();
  await clock.advance(500);
  await connecting;
  north.crash();
  await clock.advance(500);
  east.crash();
  await clock.advance(500);
  expect(client.activeDatabase).toBe('west');
  east.restart();
  await clock.advance(4000);
  north.restart();
  await clock.advance(4000);
  expect([client.activeDatabase, calls]).toEqual([
    'north',
    ['east: of the group', 'north: its own'],
  ]);
});

it('counts as failed at its deadline, also when it throws at once', async () => {
  const { clock, client, calls, leave, why } = await world();
  await leave();
  await clock.advance(20_000);
  expect(calls[0]!.context.signal.aborted).toBe(true);
  expect([client.activeDatabase, calls.length]).toEqual(['west', 2]);
  calls[0]!.succeed();
  await clock.advance(100);
  expect(client.activeDatabase).toBe('west');
  const thrower = await world({
    beforeFailback: () => {
      throw new Error('not today');
    },
  });
  await thrower.leave();
  expect(thrower.client.activeDatabase).toBe('west');
  expect(thrower.why()).toContain('beforeFailback failed (not today)');
  expect(why()).toContain('beforeFailback has been running');
});

it('does not hang on a connection that died without an error', async () => {
  let mayReturn = false;
  const { clock, client, east, leave } = await world({
    beforeFailback: async ({ sendCommand }) => {
      await sendCommand(['PING']);
      if (!mayReturn) throw new Error('not yet');
    },
  });
  await leave();
  expect(client.activeDatabase).toBe('west');
  east.loseConnections('probe');
  mayReturn = true;
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
});

it('is asked again for a database that is to replace the last resort, also without automatic failback', async () => {
  const { clock, client, west, calls } = await world({ failbackSupported: false });
  const draining = client.drainDatabase('east');
  await clock.advance(500);
  await draining;
  west.crash();
  await clock.advance(500);
  expect(client.explain().active).toMatchObject({ id: 'east', lastResort: true });
  west.restart();
  await clock.advance(3000);
  expect(calls.length).toBe(1);
  calls[0]!.fail(new Error('not yet'));
  await clock.advance(2000);
  expect([client.activeDatabase, calls.length]).toEqual(['east', 2]);
  calls[1]!.succeed();
  await clock.advance(500);
  expect(client.activeDatabase).toBe('west');
});

it('sends commands to the database that is about to be taken', async () => {
  const seen: unknown[] = [];
  const { clock, client, leave } = await world({
    beforeFailback: async ({ sendCommand }) => {
      seen.push(await sendCommand(['SET', 'prepared', 'yes']));
    },
  });
  await leave();
  expect([client.activeDatabase, seen]).toEqual(['east', ['OK']]);
  const reply = client.send(['GET', 'prepared']);
  await clock.advance(100);
  expect(await reply).toBe('yes');
});

it('delays neither a failover nor the recovery after an outage', async () => {
  const { clock, client, west, calls, leave } = await world();
  await leave();
  west.crash();
  await clock.advance(500);
  expect(client.activeDatabase).toBe('east');
  expect(calls[0]!.context.signal.aborted).toBe(true);
});

it('does not delay an operator, but a new weight', async () => {
  const { clock, client, calls, leave } = await world({ failbackCheckIntervalMs: 1_000_000 });
  await leave();
  expect(calls.length).toBe(0);
  client.setWeight('east', 2);
  await clock.advance(100);
  expect([client.activeDatabase, calls.length]).toEqual(['west', 1]);
  const switching = client.setActiveDatabase('east');
  await clock.advance(500);
  await switching;
  expect(client.activeDatabase).toBe('east');
  expect(calls[0]!.context.signal.aborted).toBe(true);
});

it('is given up when the client is closed', async () => {
  const { client, calls, leave } = await world();
  await leave();
  client.destroy();
  expect(calls[0]!.context.signal.aborted).toBe(true);
});

it('is not kept from running by connection attempts whose packets were lost', async () => {
  const { clock, client, east, calls } = await world({ beforeFailbackTimeoutMs: 2000 });
  east.crash();
  await clock.advance(500);
  east.restart();
  await clock.advance(300);
  // The connections of its health checks and for commands are open.
  east.blackhole();
  await clock.advance(12_000);
  expect([client.activeDatabase, calls.length]).toEqual(['west', 0]);
  east.blackhole(false);
  await clock.until(() => calls.length === 1, 2000);
  calls[0]!.succeed();
  await clock.until(() => client.activeDatabase === 'east', 1000);
});
