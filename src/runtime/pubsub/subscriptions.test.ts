import { beforeEach, describe, expect, it } from 'vitest';
import type { MultiDbOptions } from '../../options/types.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

let clock: VirtualClock;
let east: FakeDatabase;
let west: FakeDatabase;

beforeEach(() => {
  clock = new VirtualClock();
  [east, west] = ['east', 'west'].map((id) => new FakeDatabase({ id, clock })) as [
    FakeDatabase,
    FakeDatabase,
  ];
});

async function open(options: Partial<MultiDbOptions> = {}): Promise<SimulatedClient> {
  const databases = [east, west].map((database, index) => ({ database, weight: 2 - index }));
  const client = new SimulatedClient({ clock, databases, options });
  const connecting = client.connect();
  await clock.advance(1500);
  await connecting;
  return client;
}

/** What became of a promise so far. */
function fate(promise: Promise<unknown>): { readonly is: string } {
  const state = { is: 'pending' };
  promise.then(
    () => {
      state.is = 'resolved';
    },
    (error) => {
      state.is = String(error.code ?? error.message);
    },
  );
  return state;
}

describe('a call of subscribe', () => {
  it('counts nothing that another database than the active one has confirmed', async () => {
    const client = await open();
    const first = client.subscribe('one', () => {});
    await clock.advance(100);
    await first;
    west.deniedChannels.add('one');
    // On east `one` is in force, and `two` on its way.
    east.latencyMs = 200;
    const call = fate(client.subscribe(['one', 'two'], () => {}));
    const forced = client.forceActiveDatabase('west');
    await clock.advance(1000);
    await forced;
    expect(call.is).toMatch(/^NOPERM/);
    expect(client.session.subscriptions.wanted.count('channel')).toBe(1);
    expect([west.subscriptions('one'), west.subscriptions('two')]).toEqual([0, 0]);
  });

  it('that was unsubscribed while under way resolves', async () => {
    const client = await open();
    east.latencyMs = 200;
    const listener = () => {};
    const calls = [
      fate(client.subscribe(['one', 'two'], listener)),
      fate(client.unsubscribe('one', listener)),
      fate(client.unsubscribe()),
    ];
    expect(client.session.subscriptions.wanted.size).toBe(0);
    await clock.advance(2000);
    expect(calls.map((each) => each.is)).toEqual(['resolved', 'resolved', 'resolved']);
    expect([east.subscriptions('one'), east.subscriptions('two')]).toEqual([0, 0]);
  });

  it('of what was unsubscribed in the same turn misses nothing', async () => {
    const client = await open();
    const subscribing = client.subscribe('one', () => {});
    await clock.advance(100);
    await subscribing;
    const told: string[] = [];
    const calls = [
      fate(client.unsubscribe('one')),
      fate(client.subscribe('one', (message) => told.push(message))),
    ];
    for (let index = 0; index < 10; index += 1) {
      east.publish('one', String(index));
      await clock.advance(0.2);
    }
    await clock.advance(10);
    expect(told).toHaveLength(10);
    expect(calls.map((each) => each.is)).toEqual(['resolved', 'resolved']);
  });

  it('settles at its deadline, each by itself, in a loop that could run', async () => {
    const client = await open({ commandDeadlineMs: 1000 });
    for (const fake of [east, west]) fake.freeze();
    const early = fate(client.subscribe('one', () => {}));
    await clock.advance(500);
    const late = fate(client.subscribe('two', () => {}));
    await clock.advance(700);
    expect([early.is, late.is]).toEqual(['COMMAND_TIMEOUT', 'pending']);
    await clock.advance(700);
    expect(late.is).toBe('COMMAND_TIMEOUT');
    expect(client.session.subscriptions.wanted.size).toBe(0);
  });

  it('is refused beyond maxPendingCommands', async () => {
    const client = await open({ maxPendingCommands: 2 });
    east.freeze();
    const calls = ['one', 'two', 'three'].map((name) => fate(client.subscribe(name, () => {})));
    await clock.advance(10);
    expect(calls.map((each) => each.is)).toEqual(['pending', 'pending', 'OVERLOADED']);
  });
});

describe('a connection for subscriptions', () => {
  it('is given up when its server is healthy and it stays silent', async () => {
    const client = await open();
    const subscribing = client.subscribe('one', () => {});
    await clock.advance(100);
    await subscribing;
    east.loseConnections('subscriber');
    const lostAt = clock.now();
    while (east.lostConnections > 0) await clock.advance(100);
    // A ping after 5 s (and a look), suspicion after another second, the verdict after one more.
    expect(clock.now() - lostAt).toBeGreaterThan(6500);
    expect(clock.now() - lostAt).toBeLessThan(8600);
    await clock.advance(100);
    expect([east.subscriptions('one'), client.activeDatabase]).toEqual([1, 'east']);
    expect(client.events.map(({ name }) => name)).not.toContain('database-unhealthy');
  });

  it('of a process that is stalled for long is kept', async () => {
    const client = await open();
    const subscribing = client.subscribe('one', () => {});
    await clock.advance(100);
    await subscribing;
    const before = client.events.length;
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(4000);
      await clock.stall(10_000);
      await clock.advance(4000);
    }
    expect(client.events.slice(before)).toEqual([]);
    expect([east.subscriptions('one'), client.activeDatabase]).toEqual([1, 'east']);
  });

  it('is closed a second after the last subscription, not before', async () => {
    const client = await open();
    const connections = east.openConnections;
    const subscribing = client.subscribe('one', () => {});
    await clock.advance(100);
    await subscribing;
    const leaving = client.unsubscribe('one');
    await clock.advance(500);
    await leaving;
    expect(east.openConnections).toBe(connections + 1);
    await clock.advance(1000);
    expect(east.openConnections).toBe(connections);
  });
});
