/** Slow calls over the engine on virtual time: when a database is left for them, and when not. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const SLOW_MS = 100;
const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function world({ failureDetector, ...options }: Partial<MultiDbOptions> = {}) {
  const { clock, client, east, west } = await eastAndWest({
    healthCheck: { intervalMs: 200, timeoutMs: 2000, numProbes: 1 },
    gracePeriodMs: 1000,
    failbackCheckIntervalMs: 500,
    suspectAfterMs: 2000,
    failureDetector: { slowCallMs: SLOW_MS, ...failureDetector },
    ...options,
  });
  clients.push(client);
  let isRunning = true;
  const errors: unknown[] = [];
  /** Callers that send one command after the other. */
  const callers = (count: number, pauseMs = 5) => {
    const call = (): void => {
      if (!isRunning) return;
      client
        .send(['GET', 'key'])
        .catch((error) => errors.push(error))
        .finally(() => clock.after(pauseMs, call));
    };
    for (let i = 0; i < count; i++) call();
  };
  /** Commands that do not wait for each other, one every `everyMs`. */
  const stream = (everyMs: number) => {
    const next = (): void => {
      if (!isRunning) return;
      client.send(['GET', 'key']).catch((error) => errors.push(error));
      clock.after(everyMs, next);
    };
    next();
  };
  const told = (name: string) => client.events.filter((each) => each.name === name);
  const switches = () =>
    client.events
      .flatMap((each) => (each.name === 'switch' ? [each.event[0].reason] : []))
      .slice(1);
  const standby = () => client.explain().others[0]?.details.join('; ') ?? '';
  const stop = () => {
    isRunning = false;
  };
  return { clock, client, east, west, callers, stream, told, switches, standby, errors, stop };
}

it('leaves a database whose calls are slow, and returns when it is fast again, with hysteresis', async () => {
  const { clock, client, east, callers, told, switches, standby, errors } = await world();
  callers(2);
  await clock.advance(2000);
  expect(switches()).toEqual([]);
  east.latencyMs = SLOW_MS;
  await clock.advance(2500);
  expect([client.activeDatabase, switches()]).toEqual(['west', ['slow']]);
  expect(told('failover').length).toBe(1);
  expect(standby()).toContain('slow (at most 50 ms are needed to become active again)');
  expect(client.explain().others[0]?.lacks).toContain('slow');
  expect(client.databases.map(({ slow }) => slow)).toEqual([true, false]);
  expect(client.stats().databases[0]?.slowCalls).toBeGreaterThanOrEqual(3);
  // Below the limit, but not fast enough to return: 80 ms.
  east.latencyMs = 40;
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  east.latencyMs = 1;
  await clock.advance(10_000);
  expect([client.activeDatabase, switches()]).toEqual(['east', ['slow', 'failback']]);
  expect(errors).toEqual([]);
});

it('notices slow calls that are sent without waiting for each other', async () => {
  const { clock, client, east, stream } = await world();
  stream(10);
  await clock.advance(2000);
  east.latencyMs = 2 * SLOW_MS;
  // The reply, half of the window, three PINGs with their pauses.
  await clock.advance(3500);
  expect(client.activeDatabase).toBe('west');
  expect(client.explain().switches.at(-1)?.reason).toBe('slow');
});

it('stays when every database is slow, and says so once; leaves when another one becomes fast', async () => {
  const { clock, client, east, west, callers, told, switches } = await world();
  callers(2);
  for (const database of [east, west]) database.latencyMs = SLOW_MS;
  await clock.advance(10_000);
  expect([client.activeDatabase, told('degraded').length]).toEqual(['east', 1]);
  expect(told('degraded')[0]?.event).toMatchObject([
    { id: 'east', cause: expect.stringContaining('no other database is known to be faster') },
  ]);
  expect(String(client.explain())).toMatch(/degraded \(\d+ of \d+ calls took longer than 100 ms/);
  expect(client.databases[0]?.slow).toBe(true);
  west.latencyMs = 1;
  await clock.advance(5000);
  expect([client.activeDatabase, switches()]).toEqual(['west', ['slow']]);
});

it('the degraded state ends with fast calls, and the next one is reported again', async () => {
  const { clock, client, east, west, callers, told } = await world();
  callers(2);
  for (const round of [1, 2]) {
    for (const database of [east, west]) database.latencyMs = SLOW_MS;
    await clock.advance(5000);
    for (const database of [east, west]) database.latencyMs = 1;
    await clock.advance(5000);
    expect([client.activeDatabase, told('degraded').length]).toEqual(['east', round]);
    expect(client.databases[0]?.slow).toBe(false);
  }
});

it('does not leave a slow database for one that fails', async () => {
  const { clock, client, east, west, callers, told } = await world();
  callers(2);
  west.freeze();
  east.latencyMs = SLOW_MS;
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('east');
  west.crash();
  await clock.advance(20_000);
  expect([client.activeDatabase, told('degraded').length]).toEqual(['east', 1]);
});

it('a slow database serves when the other one fails', async () => {
  const { clock, client, east, west, callers } = await world();
  callers(2);
  east.latencyMs = SLOW_MS;
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('west');
  west.crash();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
});

it('is off by default', async () => {
  const { clock, client, east, callers, told } = await world({
    failureDetector: { slowCallMs: undefined },
  });
  callers(2);
  east.latencyMs = 4 * SLOW_MS;
  await clock.advance(10_000);
  expect([client.activeDatabase, told('degraded').length]).toEqual(['east', 0]);
  expect(client.stats().databases[0]?.slowCalls).toBe(0);
});

it('a blocked event loop makes no call slow', async () => {
  const { clock, client, callers, told } = await world();
  callers(10);
  for (let i = 0; i < 20; i++) {
    clock.block(1000);
    await clock.advance(50);
  }
  expect([client.activeDatabase, told('degraded').length]).toEqual(['east', 0]);
});

it('blocking commands, batches and large arguments do not count', async () => {
  const { clock, client, east } = await world();
  east.latencyMs = 4 * SLOW_MS;
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < 5; i++) {
    sent.push(client.send(['BLPOP', 'empty', '0.5']));
    sent.push(client.send(['SET', 'large', 'x'.repeat(20_000)]));
    const commands = [
      ['GET', 'a'],
      ['GET', 'b'],
    ];
    sent.push(client.send([], undefined, { kind: 'pipeline', commands }));
    await clock.advance(3000);
  }
  await Promise.allSettled(sent);
  expect([client.activeDatabase, client.stats().databases[0]?.slowCalls]).toEqual(['east', 0]);
});

it('stays while an operator holds the database, and leaves it when that ends', async () => {
  const { clock, client, east, callers, told } = await world();
  const forcing = client.forceActiveDatabase('east', { durationMs: 10_000 });
  await clock.advance(100);
  await forcing;
  callers(2);
  east.latencyMs = SLOW_MS;
  await clock.advance(8000);
  expect([client.activeDatabase, told('degraded').length]).toEqual(['east', 1]);
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
});

it('waits for the failover delay', async () => {
  const { clock, client, east, callers } = await world({ unhealthyAfterMs: 8000 });
  callers(2);
  east.latencyMs = SLOW_MS;
  await clock.advance(6000);
  expect(client.activeDatabase).toBe('east');
  await clock.advance(8000);
  expect(client.activeDatabase).toBe('west');
});

it('an operator may return to it at once, which clears the state', async () => {
  const { clock, client, east, callers } = await world();
  callers(2);
  east.latencyMs = SLOW_MS;
  await clock.advance(5000);
  east.latencyMs = 1;
  const switching = client.setActiveDatabase('east');
  await clock.advance(1000);
  await switching;
  expect([client.activeDatabase, client.databases[0]?.slow]).toEqual(['east', false]);
});

it('ends with the client in the middle of a comparison', async () => {
  const { clock, client, east, callers, stop } = await world();
  callers(2);
  east.latencyMs = 3 * SLOW_MS;
  await clock.advance(1600);
  stop();
  client.destroy();
  const seen = client.events.length;
  await clock.advance(60_000);
  expect(client.events.length).toBe(seen);
});
