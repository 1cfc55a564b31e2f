/**
 * Hours of traffic to healthy databases over the engine on virtual time: heavy-tailed latency, and
 * servers that pause. Every failover is a false one.
 */
import type { Random } from '../../src/clock.js';
import { MultiDbError } from '../../src/errors.js';
import type { MultiDbOptions } from '../../src/options/types.js';
import { FakeDatabase } from '../../src/testing/fake-database.js';
import { SimulatedClient, seededRandom, VirtualClock } from '../../src/testing/index.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export interface Hours {
  readonly seed: number;
  readonly hours: number;
  /** Median of the round trips. Their 99.99th percentile is 30 times as high. */
  readonly medianMs: number;
  /** How long each server pauses every minute; 0: never. */
  readonly pauseMs: number;
  /** Mean time between two commands. */
  readonly everyMs: number;
  readonly options: Omit<MultiDbOptions, 'databases' | 'client'>;
}

export interface HoursResult {
  readonly commands: number;
  readonly failed: number;
  readonly falseFailovers: number;
  readonly pauses: number;
  /** One-way delays above 30 medians. */
  readonly outliers: number;
  /** Limits at the end; undefined for fixed ones. */
  readonly patienceMs: number | undefined;
  /** Time in which the active database was left when it froze at the end. */
  readonly detectionMs: number;
}

export async function simulateHours(setting: Hours): Promise<HoursResult> {
  const { seed, hours, medianMs, pauseMs, everyMs, options } = setting;
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  let outliers = 0;
  const [east, west] = ['east', 'west'].map((id) => {
    const database = new FakeDatabase({ id, clock });
    Object.defineProperty(database, 'latencyMs', {
      get: () => {
        const ms = oneWayMs(random, medianMs);
        if (ms > 30 * medianMs) outliers += 1;
        return ms;
      },
    });
    return database;
  }) as [FakeDatabase, FakeDatabase];
  const client = new SimulatedClient({
    clock,
    random,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options,
  });
  await clock.settled(client.connect());
  let [commands, failed, pauses] = [0, 0, 0];
  const send = () => {
    commands += 1;
    client.send(commands % 2 === 0 ? ['GET', 'key'] : ['SET', 'key', 'value']).catch((error) => {
      if (!(error instanceof MultiDbError)) throw error;
      failed += 1;
    });
  };
  let isOver = false;
  const traffic = () => {
    if (isOver) return;
    send();
    clock.after(-Math.log(1 - random()) * everyMs, traffic);
  };
  const pausing = (database: FakeDatabase) => {
    if (isOver) return;
    database.freeze();
    pauses += 1;
    // The worst moment for a command is right after the beginning.
    if (database.id === client.activeDatabase) clock.deliver(random() * 5, send);
    clock.elsewhere(pauseMs, () => database.thaw());
    clock.elsewhere(MINUTE_MS * (0.5 + random()), () => pausing(database));
  };
  traffic();
  if (pauseMs > 0) {
    for (const each of [east, west]) {
      clock.elsewhere(random() * MINUTE_MS, () => pausing(each));
    }
  }
  await clock.advance(hours * HOUR_MS);
  isOver = true;
  const falseFailovers = client
    .stats()
    .switches.reduce(
      (sum, { reason, count }) =>
        reason === 'initial' || reason === 'failback' ? sum : sum + count,
      0,
    );
  const { adaptive } = client.databases[0] ?? {};
  // A pause that has begun ends first.
  await clock.advance(MINUTE_MS);
  const active = client.activeDatabase === 'east' ? east : west;
  const since = clock.now();
  active.freeze();
  for (let sent = 0; sent < 50; sent += 1) clock.deliver(sent * 10, send);
  await clock.until(() => client.activeDatabase !== active.id, 10_000, 'the failover');
  const detectionMs = clock.now() - since;
  client.destroy();
  await clock.advance(0);
  return {
    ...{ commands, failed, falseFailovers, pauses, outliers, detectionMs },
    patienceMs: adaptive?.patienceMs,
  };
}

/**
 * One direction: half of the median round trip with a Pareto tail, so that one round trip in 10 000
 * takes 30 medians.
 */
function oneWayMs(random: Random, medianMs: number): number {
  const half = medianMs / 2;
  const u = random();
  if (u < 0.5) return half * (0.5 + u);
  return half * (2 * (1 - u)) ** (-1 / TAIL);
}

const TAIL = Math.log(0.5 / 0.5e-4) / Math.log(60);
