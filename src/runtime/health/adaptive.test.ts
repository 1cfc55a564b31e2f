/** Adaptive suspicion over the engine on virtual time: how soon a database is left, and when not. */
import { afterEach, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

const ADAPTIVE: Partial<MultiDbOptions> = {
  suspectAfterMs: 'adaptive',
  healthCheck: { timeoutMs: 'adaptive' },
};

async function world(options: Partial<MultiDbOptions> = {}, latencyMs = 0.5) {
  const made = await eastAndWest({ ...ADAPTIVE, ...options });
  const { clock, client, east, west } = made;
  clients.push(client);
  for (const each of [east, west]) each.latencyMs = latencyMs;
  const errors: unknown[] = [];
  const traffic = (everyMs: number) => {
    client.send(['GET', 'key']).catch((error) => errors.push(error));
    clock.after(everyMs, () => traffic(everyMs));
  };
  /** Time from a frozen server to the switch. */
  const leftAfterMs = async () => {
    const from = clock.now();
    east.freeze();
    await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
    return clock.now() - from;
  };
  const pause = async (ms: number) => {
    east.freeze();
    await clock.advance(ms);
    east.thaw();
  };
  const limits = () => client.databases[0]?.adaptive;
  return { ...made, errors, traffic, leftAfterMs, pause, limits };
}

it('leaves a frozen server in the same region within 300 ms, and a distant one within 700 ms', async () => {
  const near = await world();
  near.traffic(10);
  await near.clock.advance(10_000);
  expect(near.limits()?.suspectAfterMs).toBe(50);
  expect(await near.leftAfterMs()).toBeLessThan(300);
  expect(near.errors).toEqual([]);

  const far = await world({}, 40);
  far.traffic(10);
  await far.clock.advance(30_000);
  expect(await far.leftAfterMs()).toBeLessThan(700);
});

it.each([
  ['by its first probe', 10, 3],
  ['after a command', 10, 20],
])(
  'rides out the first pause of 200 ms that it sees, which is noticed %s',
  async (_, everyMs, runs) => {
    const { clock, client, traffic, pause } = await world();
    traffic(everyMs);
    for (let run = 0; run < runs; run += 1) {
      await clock.advance(run * 137);
      await pause(200);
    }
    expect(client.activeDatabase).toBe('east');
  },
);

it('rides out pauses that begin right before a probe of an idle client', async () => {
  const { clock, client, east } = await world();
  for (let run = 0; run < 60; run += 1) {
    await clock.advance(1000 + run * 7);
    east.freeze();
    await clock.advance(200);
    east.thaw();
  }
  expect(client.databases.map(({ health }) => health)).toEqual(['healthy', 'healthy']);
});

it('grows more patient with longer pauses', async () => {
  const { clock, traffic, pause, limits } = await world();
  traffic(10);
  await clock.advance(5000);
  expect(limits()?.patienceMs).toBeLessThan(245);
  await pause(230);
  await clock.advance(1000);
  expect(limits()?.patienceMs).toBeGreaterThan(270);
  expect(limits()?.patienceMs).toBeLessThan(300);
});

it('doubles its patience with a database that answers again shortly after it was left', async () => {
  const { clock, client, pause, limits } = await world({ gracePeriodMs: 1000 });
  await clock.advance(5000);
  client.send(['GET', 'key']).catch(() => {});
  await pause(600);
  await clock.advance(6000);
  expect(client.stats().switches.some(({ to }) => to === 'west')).toBe(true);
  expect(limits()?.patienceMs).toBeGreaterThan(450);
});

it('does not count time in which the event loop was blocked', async () => {
  const { clock, client, traffic, limits } = await world();
  traffic(10);
  await clock.advance(5000);
  const before = limits();
  for (let run = 0; run < 20; run += 1) {
    await clock.stall(5000);
    await clock.advance(333);
  }
  expect(client.activeDatabase).toBe('east');
  expect(limits()?.patienceMs).toBeLessThan((before?.patienceMs ?? 0) + 50);
});

it('does not leave a server whose connections are dead while new ones are answered', async () => {
  const { clock, client, east, traffic } = await world();
  traffic(10);
  await clock.advance(5000);
  east.loseConnections();
  await clock.advance(5000);
  expect(client.activeDatabase).toBe('east');
  expect(client.stats().switches).toHaveLength(1);
});

it('shows the limits in explain(), and nothing without the options', async () => {
  const { client, clock } = await world();
  await clock.advance(5000);
  expect(client.explain().toString()).toMatch(
    /active: east \(.*adaptive: suspect after 50 ms, patience 24\d ms\)/,
  );
  const fixed = await world({ suspectAfterMs: 1000, healthCheck: {} });
  expect(fixed.limits()).toBeUndefined();
  expect(fixed.client.explain().toString()).not.toContain('adaptive');
});

it.each<Partial<MultiDbOptions>>([{ suspectAfterMs: 1000 }, { healthCheck: { timeoutMs: 1000 } }])(
  'combines with a fixed value: %j',
  async (fixed) => {
    const { clock, traffic, leftAfterMs } = await world(fixed);
    traffic(10);
    await clock.advance(5000);
    const tookMs = await leftAfterMs();
    expect(tookMs).toBeGreaterThan(1000);
    expect(tookMs).toBeLessThan(1200);
  },
);
