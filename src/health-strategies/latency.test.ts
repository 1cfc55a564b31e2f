/** `LatencyStrategy` over the engine on virtual time. */
import { afterEach, expect, it } from 'vitest';
import { eastAndWest } from '../testing/east-and-west.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../testing/index.js';
import { LatencyStrategy, type LatencyStrategyOptions } from './latency.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function world(options: LatencyStrategyOptions = {}) {
  const world = await eastAndWest({
    healthCheck: {
      strategy: new LatencyStrategy(options),
      intervalMs: 100,
      timeoutMs: 2000,
      numProbes: 1,
    },
    gracePeriodMs: 1000,
    failbackCheckIntervalMs: 500,
    suspectAfterMs: 2000,
  });
  clients.push(world.client);
  return world;
}

it('leaves a database that has become slow, and returns when it is fast again', async () => {
  const { clock, client, east } = await world();
  east.latencyMs = 100;
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  expect(client.explain().others[0]?.details.join()).toMatch(
    /LATENCY: slow: the 90th percentile of the last 10 probes is 2\d\d ms, while west is below 50 ms/,
  );
  // Between both thresholds it is not fast enough.
  east.latencyMs = 40;
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('west');
  east.latencyMs = 1;
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('east');
});

it('stays when the other database is slow as well', async () => {
  const { clock, client, east, west } = await world();
  for (const database of [east, west]) database.latencyMs = 100;
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('east');
  expect(client.databases.map(({ health }) => health)).toEqual(['healthy', 'healthy']);
});

it('stays when the fast database fails', async () => {
  const { clock, client, east, west } = await world();
  west.freeze();
  east.latencyMs = 100;
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('east');
  west.crash();
  await clock.advance(20_000);
  expect(client.activeDatabase).toBe('east');
});

it('measures a probe without the time during which the event loop was blocked', async () => {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const measured: number[] = [];
  const client = new SimulatedClient({
    clock,
    databases: [{ database: east }],
    options: {
      healthCheck: {
        strategy: async (probe) => {
          const elapsed = probe.stopwatch();
          if (measured.length > 0) clock.block(1000);
          await probe.wait(5);
          measured.push(elapsed());
          return true;
        },
        intervalMs: 100,
        numProbes: 1,
      },
    },
  });
  clients.push(client);
  const connecting = client.connect();
  await clock.advance(3000);
  await connecting;
  expect(measured.length).toBeGreaterThan(1);
  for (const ms of measured) {
    expect(ms).toBeGreaterThanOrEqual(5);
    expect(ms).toBeLessThan(200);
  }
});

it('as a gate, only keeps a slow standby from being taken', async () => {
  const { clock, client, east } = await world({ role: 'gate' });
  east.latencyMs = 100;
  await clock.advance(10_000);
  expect(client.activeDatabase).toBe('east');
});

it.each<[LatencyStrategyOptions, string]>([
  [{ slowAboveMs: 0 }, 'LatencyStrategy.slowAboveMs'],
  [{ slowAboveMs: 10, fastBelowMs: 11 }, 'LatencyStrategy.fastBelowMs'],
  [{ percentile: 101 }, 'LatencyStrategy.percentile'],
  [{ percentile: 0.9 }, 'LatencyStrategy.percentile'],
  [{ windowSize: 0 }, 'LatencyStrategy.windowSize'],
  [{ windowSize: 4, minProbes: 5 }, 'LatencyStrategy.minProbes'],
  [{ role: 'other' as never }, 'LatencyStrategy.role'],
  [{ slow: 5 } as never, 'LatencyStrategy.slow'],
])('refuses the options %j', (options, path) => {
  expect(() => new LatencyStrategy(options)).toThrow(`${path}: expected`);
});
