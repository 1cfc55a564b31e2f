import { beforeEach, describe, expect, it } from 'vitest';
import type { HostNames, NameInUse } from '../../drivers/driver.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

const INTERVAL_MS = 30_000;
const OLD = '10.0.0.1';
const NEW = '10.0.0.2';

/** A name whose answers a test sets. Connections lead where it led when they were opened. */
class Names implements HostNames {
  readonly troubles = [];
  answer: readonly string[] | undefined = [OLD];
  lookups = 0;
  aborted = 0;

  readonly #uses = new WeakMap<object, NameInUse>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly database: FakeDatabase,
  ) {}

  get inUse() {
    return [...this.database.clients].map((wire) => {
      const known = this.#uses.get(wire);
      if (known !== undefined) return known;
      // Connections to the server that the name no longer means lead to the old address.
      const addresses = () => [moved && wire.process?.isReplica !== true ? NEW : OLD];
      const use = Object.defineProperty({ key: 'east.test' } as NameInUse, 'addresses', {
        get: addresses,
      });
      this.#uses.set(wire, use);
      return use;
    });
  }

  async resolve(_maxAgeMs: number, signal: AbortSignal) {
    this.lookups += 1;
    if (this.answer === undefined) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      this.aborted += 1;
      return [];
    }
    return [{ key: 'east.test', host: 'east.test', addresses: this.answer, at: this.clock.now() }];
  }
}

let clock: VirtualClock;
let east: FakeDatabase;
let names: Names;
let client: SimulatedClient;

let moved = false;

async function connect(options: { resolveIntervalMs?: number | false } = {}): Promise<void> {
  clock = new VirtualClock();
  moved = false;
  east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  names = new Names(clock, east);
  client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options,
  });
  const { coordinator } = client.session.group;
  const database = coordinator.databases.get('east');
  Object.assign(database?.driver as object, { names });
  const connecting = client.connect();
  await clock.advance(100);
  await connecting;
  const subscribing = client.subscribe('news', () => {});
  await clock.advance(100);
  await subscribing;
}

function move(): void {
  east.move();
  moved = true;
  names.answer = [NEW];
}

const events = (name: string) => client.events.filter((event) => event.name === name);

describe('a name that has moved', () => {
  beforeEach(() => connect());

  it('idle connections, subscriptions included, are replaced after three answers, without a failover', async () => {
    expect(east.clients.size).toBe(3);
    move();
    expect(east.staleConnections).toBe(3);
    await clock.advance(1.5 * INTERVAL_MS);
    expect(east.staleConnections).toBe(3);
    await clock.advance(3 * INTERVAL_MS);
    expect(east.staleConnections).toBe(0);
    expect(east.clients.size).toBe(3);
    expect(events('switch').length).toBe(1);
    expect(events('database-unhealthy')).toEqual([]);
    const written = client.send(['SET', 'k', 'v']);
    await clock.advance(10);
    expect(await written).toBe('OK');
    const ids = new Set([...east.clients].map(({ id }) => id));
    await clock.advance(20 * INTERVAL_MS);
    expect(new Set([...east.clients].map(({ id }) => id))).toEqual(ids);
  });

  it('a lookup that is empty, fails or hangs changes nothing', async () => {
    move();
    names.answer = [];
    await clock.advance(10 * INTERVAL_MS);
    names.answer = undefined;
    await clock.advance(10 * INTERVAL_MS);
    expect(east.staleConnections).toBe(3);
    const before = names.lookups;
    await clock.advance(10 * INTERVAL_MS);
    // One is under way, and no other begins beside it.
    expect(names.lookups).toBe(before);
    client.destroy();
    await clock.advance(100);
    expect(names.aborted).toBe(1);
  });

  it('one wrong answer, or two, changes nothing', async () => {
    for (let lies = 0; lies < 5; lies += 1) {
      names.answer = ['10.9.9.9'];
      await clock.advance(2 * INTERVAL_MS * 0.8);
      names.answer = [OLD];
      await clock.advance(2 * INTERVAL_MS);
    }
    expect(east.clients.size).toBe(3);
    expect([...east.clients].every(({ id }) => id <= 3)).toBe(true);
  });

  it('a name that leads to nothing healthy: the present connections stay', async () => {
    names.answer = [NEW];
    east.blackhole();
    const ids = [...east.clients].map(({ id }) => id).sort();
    await clock.advance(10 * INTERVAL_MS);
    expect([...east.clients].map(({ id }) => id).sort()).toEqual(ids);
    expect(events('switch').length).toBe(1);
  });
});

describe('the option', () => {
  it('looks up about every interval, and by default every 30 s', async () => {
    await connect();
    await clock.advance(100 * INTERVAL_MS);
    expect(names.lookups).toBeGreaterThan(85);
    expect(names.lookups).toBeLessThan(120);
  });

  it.each([0, false] as const)('%s: never', async (resolveIntervalMs) => {
    await connect({ resolveIntervalMs });
    move();
    await clock.advance(20 * INTERVAL_MS);
    expect([names.lookups, east.staleConnections]).toEqual([0, 3]);
  });
});
