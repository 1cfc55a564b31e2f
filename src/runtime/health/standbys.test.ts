/** Standbys with and without data connections, under every kind of health check. */
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectedStrategy } from '../../health-strategies/connected.js';
import type { HealthCheckSetting } from '../../options/database-options.js';
import type { MultiDbOptions } from '../../options/types.js';
import { FakeDatabase, SimulatedClient, seededRandom, VirtualClock } from '../../testing/index.js';
import type { Database } from '../database.js';

const TIMING = { intervalMs: 1000, timeoutMs: 500, numProbes: 1 };
const CHECKS: Readonly<Record<string, HealthCheckSetting>> = {
  checked: TIMING,
  unchecked: false,
  'gate only': { ...TIMING, strategy: { name: 'gate', role: 'gate', check: () => true } },
  connected: { ...TIMING, strategy: new ConnectedStrategy({ waitMs: 200 }) },
  custom: { ...TIMING, strategy: { name: 'custom', check: () => true } },
};
const MATRIX = (['warm', 'lazy'] as const).flatMap((standbyConnections) =>
  Object.keys(CHECKS).map((check) => ({ standbyConnections, check })),
);
/** Far beyond what any verdict takes. */
const WHILE_MS = 10_000;

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

interface Row {
  readonly standbyConnections: 'warm' | 'lazy';
  readonly check: string;
}

function world({ standbyConnections, check }: Row, options: object = {}, seed = 1) {
  const clock = new VirtualClock();
  const [east, west] = ['east', 'west'].map((id) => new FakeDatabase({ id, clock })) as [
    FakeDatabase,
    FakeDatabase,
  ];
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options: {
      standbyConnections,
      healthCheck: CHECKS[check]!,
      gracePeriodMs: 2000,
      failbackCheckIntervalMs: 1000,
      suspectAfterMs: 300,
      commandTimeoutMs: 1000,
      commandDeadlineMs: 5000,
      ...options,
    },
    random: seededRandom(seed),
  });
  clients.push(client);
  const connect = async () => {
    const outcome = outcomeOf(client.connect());
    await clock.advance(WHILE_MS);
    return outcome;
  };
  const set = async () => {
    await clock.advance(WHILE_MS);
    const outcome = outcomeOf(client.send(['SET', 'key', 'value']));
    await clock.advance(WHILE_MS);
    return outcome;
  };
  const goDown = async (fail: (database: FakeDatabase) => void) => {
    fail(east);
    fail(west);
    // Without traffic nothing but the checks would notice silence.
    void outcomeOf(client.send(['GET', 'key']));
    await clock.advance(WHILE_MS);
  };
  return { clock, client, east, west, connect, set, goDown };
}

function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value ?? 'connected',
    (error) => error.code,
  );
}

function switches(client: SimulatedClient): string[] {
  const told = client.events.filter((each) => each.name === 'switch');
  return told.map(({ event: [{ from, to, reason }] }) => `${from}>${to} ${reason}`);
}

describe.each(
  MATRIX.map((row) => [`${row.standbyConnections} standbys, ${row.check}`, row] as const),
)('%s', (_, row) => {
  it.each<[NonNullable<MultiDbOptions['initializationPolicy']>, 'crash' | 'silence', unknown]>([
    ['ONE_AVAILABLE', 'crash', 'connected'],
    ['ONE_AVAILABLE', 'silence', 'connected'],
    ['ALL_AVAILABLE', 'crash', 'INITIALIZATION_FAILED'],
    ['ALL_AVAILABLE', 'silence', 'INITIALIZATION_FAILED'],
  ])('start: %s with a dead standby (%s)', async (initializationPolicy, fault, expected) => {
    const { client, west, connect } = world(row, { initializationPolicy });
    west[fault]();
    expect(await connect()).toBe(expected);
    expect(client.activeDatabase).toBe(expected === 'connected' ? 'east' : undefined);
  });

  it('start: a dead database of higher weight', async () => {
    const { client, east, connect, set } = world(row);
    east.crash();
    expect(await connect()).toBe('connected');
    expect(await set()).toBe('OK');
    expect(switches(client)).toEqual(['undefined>west initial']);
  });

  it('start: all available', async () => {
    const { connect, set } = world(row, { initializationPolicy: 'ALL_AVAILABLE' });
    expect(await connect()).toBe('connected');
    expect(await set()).toBe('OK');
  });

  it('failover', async () => {
    const { client, east, connect, set } = world(row);
    await connect();
    east.crash();
    expect(await set()).toBe('OK');
    expect(switches(client).slice(1)).toEqual(['east>west health-check']);
  });

  it('failover with a standby that died before: none serves, and nothing flaps', async () => {
    const { clock, client, east, west, connect, set } = world(row);
    await connect();
    west.crash();
    await clock.advance(WHILE_MS);
    east.crash();
    expect(await set()).toBe('TEMPORARILY_UNAVAILABLE');
    await clock.advance(10 * WHILE_MS);
    expect(switches(client).length).toBeLessThanOrEqual(3);
    expect(switches(client).at(-1)).toMatch(/>undefined/);
  });

  it('failback: not while the database is dead, and then by itself', async () => {
    const { clock, client, east, connect, set } = world(row);
    await connect();
    east.crash();
    await clock.advance(20 * WHILE_MS);
    expect(switches(client).slice(1)).toEqual(['east>west health-check']);
    east.restart();
    await clock.advance(2 * WHILE_MS);
    expect(switches(client).slice(2)).toEqual(['west>east failback']);
    expect(await set()).toBe('OK');
  });

  it('all down: a typed error, and a few attempts a second', async () => {
    const { clock, connect, set, goDown, east, west } = world(row);
    await connect();
    await goDown((database) => database.crash());
    expect(await set()).toBe('TEMPORARILY_UNAVAILABLE');
    const before = [east, west].map((each) => each.nextWireId());
    const seconds = 30;
    await clock.advance(seconds * 1000);
    for (const [index, database] of [east, west].entries()) {
      const perSecond = (database.nextWireId() - before[index]!) / seconds;
      expect(perSecond).toBeGreaterThan(2);
      expect(perSecond).toBeLessThan(6.5);
    }
  });

  it.each(['crash', 'silence', 'freeze'] as const)('recovery (%s)', async (fault) => {
    const tookMs: number[] = [];
    for (let seed = 1; seed <= 8; seed += 1) {
      const { clock, client, east, west, connect, goDown } = world(row, {}, seed);
      await connect();
      await goDown((database) => database[fault]());
      await clock.advance(seed * 1234.5);
      const back = seed % 2 ? east : west;
      // What was lost on the way stays lost, as with a proxy or a firewall.
      if (fault === 'silence') back.loseConnections();
      back.heal();
      const healedAt = clock.now();
      let isServing = false;
      while (!isServing && clock.now() - healedAt < WHILE_MS) {
        void client.send(['SET', 'key', 'value']).then(
          () => {
            isServing = true;
          },
          () => {},
        );
        await clock.advance(10);
      }
      tookMs.push(clock.now() - healedAt);
      client.destroy();
    }
    tookMs.sort((a, b) => a - b);
    expect(tookMs.at(-1)).toBeLessThan(500);
    expect(tookMs[4]).toBeLessThan(300);
  });
});

it('all down: a server that accepts connections too late is asked less often', async () => {
  const row = { standbyConnections: 'warm', check: 'checked' } as const;
  const { clock, connect, goDown, east, west } = world(row);
  await connect();
  await goDown((database) => {
    database.latencyMs = 1000;
    database.killConnections();
  });
  await clock.advance(WHILE_MS);
  const before = [east, west].map((each) => each.nextWireId());
  const seconds = 60;
  await clock.advance(seconds * 1000);
  for (const [index, database] of [east, west].entries()) {
    // Attempts of the search once in some seconds, beside health checks and reconnects.
    const perSecond = (database.nextWireId() - before[index]!) / seconds;
    expect(perSecond).toBeLessThan(2);
  }
});

it.each(['was lost', 'was never there'])(
  'the loop clock rests while a standby refuses connections and %s',
  async (when) => {
    const { clock, client, connect, west } = world({
      standbyConnections: 'warm',
      check: 'checked',
    });
    if (when === 'was never there') west.crash();
    await connect();
    west.crash();
    // As of the drivers of real clients.
    const { driver } = client.session.group.coordinator.databases.get('west') as Database;
    Object.assign(driver, { inspectPort: () => Promise.resolve(undefined) });
    await clock.advance(WHILE_MS);
    let timers = 0;
    const after = clock.after.bind(clock);
    clock.after = (...args) => {
      timers += 1;
      return after(...args);
    };
    const seconds = 60;
    await clock.advance(seconds * 1000);
    expect(client.activeDatabase).toBe('east');
    // Reconnects, probes and pauses; with the ticks of the loop clock it would be three times as many, with
    // those of an inspection of the port one and a half times.
    expect(timers / seconds).toBeLessThan(8.5);
  },
);
