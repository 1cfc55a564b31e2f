/** Data connections of standbys that are dead without a word, and standbys that do not answer. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Probe } from '../../health-strategies/strategy.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';
import type { Database } from '../database.js';

const TIMEOUT_MS = 1000;
const SUSPECT_MS = 1000;
/** No routine probe is near. */
const RARELY = { intervalMs: 600_000 };

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** east (active), west and north, in this order of preference. */
async function setup(options: object = {}) {
  const clock = new VirtualClock();
  const databases = ['east', 'west', 'north'].map((id) => new FakeDatabase({ id, clock }));
  const [east, west, north] = databases as [FakeDatabase, FakeDatabase, FakeDatabase];
  const client = new SimulatedClient({
    clock,
    databases: databases.map((database, index) => ({ database, weight: 3 - index })),
    options: { suspectAfterMs: SUSPECT_MS, ...options },
  });
  clients.push(client);
  const connected = client.connect();
  await clock.advance(2000);
  await connected;
  await clock.advance(20_000);
  return { clock, client, east, west, north };
}

function switches(client: SimulatedClient): string[] {
  const told = client.events.filter((each) => each.name === 'switch');
  return told.slice(1).map(({ event: [{ from, to }] }) => `${from}>${to}`);
}

/** A write every 10 ms for `durationMs`; how long none succeeded, and how many failed. */
async function traffic(clock: VirtualClock, client: SimulatedClient, durationMs: number) {
  let errors = 0;
  let lastSuccessAt = clock.now();
  let longestGapMs = 0;
  const noteSuccess = () => {
    longestGapMs = Math.max(longestGapMs, clock.now() - lastSuccessAt);
    lastSuccessAt = clock.now();
  };
  const endsAt = clock.now() + durationMs;
  while (clock.now() < endsAt) {
    client.send(['SET', 'key', 'value']).then(noteSuccess, () => {
      errors += 1;
    });
    await clock.advance(10);
  }
  longestGapMs = Math.max(longestGapMs, clock.now() - lastSuccessAt);
  // What is under way ends, at the latest at its deadline.
  await clock.advance(15_000);
  return { errors, longestGapMs };
}

const silentMs = SUSPECT_MS + TIMEOUT_MS;

describe('a standby whose data connection is silently dead', () => {
  it('is noticed while the active database is suspect: it serves at the switch', async () => {
    const { clock, client, east, west } = await setup();
    west.loseConnections('data');
    east.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    await clock.until(() => client.activeDatabase === 'west', 5000);
    const sentAt = clock.now();
    const replies = Promise.all([1, 2, 3].map((n) => client.send(['INCR', `key:${n}`])));
    await clock.advance(5);
    expect(await replies).toEqual([1, 1, 1]);
    expect(clock.now() - sentAt).toBeLessThan(10);
    expect(west.lostConnections).toBe(0);
  });

  it('is replaced within milliseconds when the active one is left at once', async () => {
    const { clock, client, east, west } = await setup();
    west.loseConnections('data');
    east.crash();
    const { errors, longestGapMs } = await traffic(clock, client, 2000);
    expect(switches(client)).toEqual(['east>west']);
    expect(longestGapMs).toBeLessThan(100);
    // What was written to it in the meantime.
    expect(errors).toBeLessThan(10);
  });

  it.each<[string, (client: SimulatedClient) => Promise<unknown>]>([
    ['setActiveDatabase()', (client) => client.setActiveDatabase('west')],
    ['forceActiveDatabase()', (client) => client.forceActiveDatabase('west')],
    ['drainDatabase()', (client) => client.drainDatabase('east')],
    ['removeDatabase()', (client) => client.removeDatabase('east')],
  ])('serves at once after %s', async (_, act) => {
    const { clock, client, west } = await setup();
    west.loseConnections('data');
    const switched = act(client);
    await clock.advance(2000);
    await switched;
    const reply = client.send(['INCR', 'key']);
    await clock.advance(5);
    expect(await reply).toBe(1);
  });

  it('is not failed back to before it answers', async () => {
    const { clock, client, east } = await setup({
      gracePeriodMs: 5000,
      failbackCheckIntervalMs: 5000,
    });
    east.crash();
    await clock.advance(100);
    east.restart();
    await clock.advance(4000);
    expect(client.activeDatabase).toBe('west');
    east.loseConnections('data');
    const { errors, longestGapMs } = await traffic(clock, client, 20_000);
    expect(switches(client)).toEqual(['east>west', 'west>east']);
    expect(errors).toBe(0);
    expect(longestGapMs).toBeLessThan(50);
  });

  it('is replaced within milliseconds when a check alone says that the active one is unhealthy', async () => {
    let isEastWell = true;
    const strategy = async ({ databaseId, sendCommand }: Probe) => {
      await sendCommand(['PING']);
      return databaseId !== 'east' || isEastWell;
    };
    const { clock, client, west } = await setup({ healthCheck: { strategy } });
    west.loseConnections('data');
    isEastWell = false;
    const { longestGapMs } = await traffic(clock, client, 8000);
    expect(switches(client)).toEqual(['east>west']);
    expect(longestGapMs).toBeLessThan(100);
  });

  it('is renewed for each client of the group alike', async () => {
    const { clock, client, east, west } = await setup({ healthCheck: false });
    west.loseConnections();
    east.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    await clock.advance(SUSPECT_MS + TIMEOUT_MS);
    expect(west.lostConnections).toBe(0);
    expect(client.activeDatabase).toBe('east');
  });
});

describe('standbys that do not answer while the active database is suspect', () => {
  it('are passed over for one that does, whatever the weights', async () => {
    const { clock, client, east, west } = await setup({ healthCheck: RARELY });
    east.freeze();
    west.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    await clock.advance(silentMs + 200);
    expect(switches(client)).toEqual(['east>north']);
  });

  it('are passed over without health checks as well', async () => {
    const { clock, client, east, west } = await setup({ healthCheck: false });
    west.freeze();
    east.crash();
    await clock.advance(50);
    // West was asked a moment ago, and its weight decides until it should have answered.
    expect(client.activeDatabase).toMatch(/west|north/);
    void client.send(['GET', 'key']).catch(() => {});
    await clock.advance(3 * silentMs);
    expect(client.activeDatabase).toBe('north');
  });

  it('cost no time when all of them are silent', async () => {
    const { clock, client, east, west, north } = await setup({ healthCheck: RARELY });
    for (const database of [east, west, north]) database.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    const startedAt = clock.now();
    await clock.until(() => client.events.some((each) => each.name === 'all-databases-down'), 9000);
    expect(clock.now() - startedAt).toBeLessThan(silentMs + TIMEOUT_MS + 300);
  });

  it('have failed since the suspicion', async () => {
    const { clock, client, east, west } = await setup({
      healthCheck: RARELY,
      unhealthyAfterMs: 3000,
    });
    const removed = client.removeDatabase('north');
    await clock.advance(100);
    await removed;
    east.freeze();
    west.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    const startedAt = clock.now();
    await clock.until(() => client.activeDatabase === undefined, 20_000);
    expect(clock.now() - startedAt).toBeLessThan(SUSPECT_MS + 3000 + TIMEOUT_MS + 500);
  });

  it('may die meanwhile', async () => {
    const { clock, client, east, west } = await setup();
    west.latencyMs = 100;
    east.freeze();
    void client.send(['GET', 'key']).catch(() => {});
    await clock.advance(SUSPECT_MS + 100);
    west.crash();
    await clock.advance(3000);
    expect(switches(client)).toEqual(['east>north']);
  });
});

it('a slow process doubts no connection', async () => {
  const { clock, client, east, west } = await setup();
  const before = [...west.clients].map(({ id }) => id);
  east.killConnections('data');
  await clock.advance(0.7);
  await clock.stall(5000);
  await clock.advance(2000);
  expect([...west.clients].map(({ id }) => id)).toEqual(before);
  expect(switches(client)).toEqual([]);
});

it('a standby that is far away is not taken for a silent one', async () => {
  const { clock, client, east, west } = await setup();
  west.latencyMs = 100;
  await clock.advance(20_000);
  east.crash();
  await clock.advance(1000);
  expect(switches(client)).toEqual(['east>west']);
});

it('a lazy standby with an open probe connection is asked over a new one only if the suspicion lasts', async () => {
  const opened = async (fail: (east: FakeDatabase, client: SimulatedClient) => void) => {
    const { clock, client, east, west } = await setup({
      standbyConnections: 'lazy',
      healthCheck: RARELY,
    });
    const before = west.nextWireId();
    fail(east, client);
    await clock.advance(SUSPECT_MS + TIMEOUT_MS / 2);
    return { count: west.nextWireId() - before - 1, active: client.activeDatabase };
  };
  // The data connection of the new active database.
  expect(await opened((east) => east.crash())).toEqual({ count: 1, active: 'west' });
  const silent = await opened((east, client) => {
    east.freeze();
    void client.send(['GET', 'key']).catch(() => {});
  });
  expect(silent).toEqual({ count: 1, active: 'east' });
});

it('a lazy standby is passed over if it answers nothing while the active database is suspect', async () => {
  const { clock, client, east, west } = await setup({
    standbyConnections: 'lazy',
    healthCheck: RARELY,
  });
  for (const database of [east, west]) database.freeze();
  void client.send(['GET', 'key']).catch(() => {});
  await clock.advance(silentMs + 200);
  expect(switches(client)).toEqual(['east>north']);
});

it('a check that asks nothing of the server does not prove that it answers', async () => {
  let isEastDown = false;
  const { clock, client, east, west } = await setup({
    healthCheck: { strategy: ({ databaseId }: Probe) => databaseId !== 'east' || !isEastDown },
  });
  const before = [...west.clients].map(({ id }) => id);
  // Longer than a reply usually takes, and shorter than a quarter of the probe timeout.
  west.latencyMs = 60;
  isEastDown = true;
  east.crash();
  await clock.advance(2000);
  expect(switches(client)).toEqual(['east>west']);
  expect([...west.clients].map(({ id }) => id)).toEqual(before);
});

it('a database that has answered lately, and has been asked since without an answer, is asked again', async () => {
  const { clock, client, east, west } = await setup({ suspectAfterMs: 100 });
  const { databases, health } = client.session.group.coordinator;
  const database = databases.get('west') as Database;
  void health.verification.verify(database);
  await clock.advance(10);
  expect(health.verification.isFresh(database)).toBe(true);
  west.freeze();
  east.freeze();
  void client.send(['GET', 'key']).catch(() => {});
  await clock.advance(500);
  expect(clock.now() - database.answeredAt).toBeLessThan(TIMEOUT_MS);
  expect(health.verification.isFresh(database)).toBe(false);
});

it('a lazy standby is reached by a new connection', async () => {
  const { clock, client, east, west } = await setup({
    standbyConnections: 'lazy',
    healthCheck: { strategy: () => true, intervalMs: 600_000 },
  });
  west.crash();
  east.freeze();
  // Its commands fail one after another, which makes it suspect.
  for (let n = 0; n < 5; n += 1) void client.send(['GET', 'key']).catch(() => {});
  await clock.advance(3000);
  expect(client.databases.map(({ id, connected }) => [id, connected])).toEqual([
    ['east', true],
    ['west', false],
    ['north', true],
  ]);
});
