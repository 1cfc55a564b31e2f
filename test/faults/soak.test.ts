/**
 * Many switches, one after another, under traffic: afterwards memory, sockets, listeners and timers
 * are where they were. `FAULTS_SOAK_SWITCHES` sets another number than 500.
 */
import { createHook } from 'node:async_hooks';
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { active, connected, healthy, Traffic } from '../integration/support.js';
import { expectNoLeaks, heapUsedAfterGc, sleep, turns, waitFor } from '../kit/index.js';
import { clients, type Proxied, proxied } from './support.js';

const SWITCHES = Number(process.env.FAULTS_SOAK_SWITCHES ?? 500);
const WARM_UP = 60;
const MB = 1024 * 1024;

/** Everything is quick, so that hundreds of switches fit in a minute. */
const OPTIONS = {
  healthCheck: { intervalMs: 100, timeoutMs: 80, numProbes: 1, delayInBetweenProbesMs: 0 },
  suspectAfterMs: 20,
  gracePeriodMs: 0,
  failbackCheckIntervalMs: 10,
  failbackJitter: 0,
  commandTimeoutMs: 200,
  commandDeadlineMs: 2000,
  failureDetector: { minNumOfFailures: 1_000_000 },
} as const;

/** One fault each, from which the database recovers. Each leads to a failover and a failback. */
const FAULTS: ((east: Proxied) => void)[] = [
  ({ proxy }) => {
    proxy.refuse();
    proxy.reset();
  },
  ({ proxy }) => proxy.silence('both', { mode: 'drop' }),
  ({ proxy }) => proxy.answerWith('-LOADING Redis is loading the dataset in memory'),
  ({ proxy }) => proxy.halfOpen(),
  ({ proxy }) => {
    proxy.refuse();
    proxy.end();
  },
];

it(`${SWITCHES} switches leave nothing behind`, async () => {
  const [east, west] = await proxied();
  for (const { proxy } of [east, west]) proxy.commands.push = () => 0;

  await expectNoLeaks(
    async () => {
      const timers = countTimers();
      const client = await connected([east.proxy, west.proxy], OPTIONS);
      let switches = 0;
      client.on('switch', () => {
        switches += 1;
      });

      await run(client, east, WARM_UP, () => switches);
      const before = await rest(client, [east, west], timers);
      const heapBefore = await heapUsedAfterGc();

      const goal = switches + SWITCHES;
      await run(client, east, goal, () => switches);
      expect(switches).toBeGreaterThanOrEqual(goal);

      const heapAfter = await heapUsedAfterGc();
      expect(await rest(client, [east, west], timers)).toEqual(before);
      expect(heapAfter - heapBefore).toBeLessThan(2 * MB);
      client.destroy();
      await waitFor(() => turns().then(() => timers.count() <= 1), {
        what: 'no timer to be left but the one of this waiting',
      });
      timers.stop();
    },
    { ignore: ['TCPServerWrap'] },
  );
}, 180_000);

/** Switches back and forth, by hand and by faults in turn, until there were `goal` of them. */
async function run(
  client: MultiDbClient,
  east: Proxied,
  goal: number,
  switches: () => number,
): Promise<void> {
  const reads = new Traffic(() => client.get('key'), { callers: 10 });
  const writes = new Traffic(() => client.incr('counter'), { callers: 10 });
  try {
    for (let round = 0; switches() < goal; round += 1) {
      for (const id of ['west', 'east', 'west', 'east']) {
        // On a busy machine its probe may be too slow; then the next round brings the switch.
        await client.setActiveDatabase(id).catch(() => {});
      }
      await active(client, 'east');
      FAULTS[round % FAULTS.length]?.(east);
      await active(client, 'west');
      await reads.flows(20);
      await east.proxy.restore();
      await active(client, 'east');
      await reads.flows(20);
    }
  } finally {
    await Promise.all([reads.stop(), writes.stop()]);
  }
  expect(reads.errors).toEqual([]);
  const codes = writes.errors.map((error) => String((error as { code?: string }).code));
  const expected = /^(COMMAND_TIMEOUT|CONNECTION_LOST|TEMPORARILY_UNAVAILABLE)$/;
  expect(codes.filter((code) => !expected.test(code))).toEqual([]);
}

/** Open handles once every database is healthy and nothing is in flight. */
async function rest(client: MultiDbClient, places: readonly Proxied[], timers: TimerCount) {
  await healthy(client);
  await active(client, 'east');
  const connectionsOf = async () =>
    Promise.all(places.map(async ({ server }) => (await clients(server)).length));
  // A data connection and one for probes, at each database.
  await waitFor(async () => (await connectionsOf()).every((count) => count === 2), {
    what: 'connections to be as many as before',
  });
  // The next rounds of the health checks, the next look for a better database, and so on; another
  // number while a probe is under way, which is a short time.
  const counts: number[] = [];
  for (let look = 0; look < 100; look += 1) {
    await sleep(3);
    await turns();
    counts.push(timers.count());
  }
  const median = counts.sort((a, b) => a - b)[50];
  return {
    timers: median,
    proxied: places.map(({ proxy }) => proxy.connections),
    listeners: client.eventNames().map((name) => `${String(name)} ${client.listenerCount(name)}`),
    process: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
  };
}

interface TimerCount {
  count(): number;
  stop(): void;
}

/** Timers made since, also those that do not keep the process alive, and not ended yet. */
function countTimers(): TimerCount {
  const live = new Set<number>();
  const hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') live.add(id);
    },
    destroy: (id) => live.delete(id),
  }).enable();
  return { count: () => live.size, stop: () => hook.disable() };
}
