/**
 * Seeded faults, switches and changes of mind on virtual time: no subscription is lost, no message is
 * delivered twice or from another database than the active one, nothing hangs, and it all settles.
 */
import { FakeDatabase, SimulatedClient, seededRandom, VirtualClock } from 'redis-multidb/testing';
import { describe, expect, it } from 'vitest';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const ROUNDS = 6;
const SEEDS = 40;

interface Listening {
  readonly name: string;
  readonly listener: (message: string) => void;
}

async function simulate(seed: number, subscriptions: 'active' | 'all'): Promise<void> {
  const random = seededRandom(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const clock = new VirtualClock();
  const fakes = ['east', 'west', 'north'].map(
    (id) => new FakeDatabase({ id, clock, latencyMs: 0.5 + random() * 20 }),
  );
  const client = new SimulatedClient({
    clock,
    databases: fakes.map((database, index) => ({ database, weight: 3 - index })),
    options: { subscriptions, gracePeriodMs: 5000, failbackCheckIntervalMs: 3000 },
    random,
  });
  const connecting = client.connect();
  await clock.advance(2000);
  await connecting;

  let published = 0;
  const received = new Map<string, number>();
  const problems: string[] = [];
  const wanted: Listening[] = [];
  let pending = 0;

  const subscribe = (name: string) => {
    const id = `${name}/${published}/${wanted.length}`;
    const listening: Listening = {
      name,
      listener: (message) => {
        const key = `${id} ${message}`;
        received.set(key, (received.get(key) ?? 0) + 1);
        if ((received.get(key) ?? 0) > 1) problems.push(`${key}: twice`);
        if (!wanted.includes(listening)) problems.push(`${key}: after unsubscribe`);
        const active = client.activeDatabase;
        // While it looks for another one there is none.
        if (active !== undefined && !message.startsWith(active)) problems.push(`${key}: ${active}`);
      },
    };
    wanted.push(listening);
    pending += 1;
    client
      .subscribe(name, listening.listener)
      .catch(() => wanted.splice(wanted.indexOf(listening), 1))
      .finally(() => {
        pending -= 1;
      });
  };
  const unsubscribe = () => {
    const listening = pick(wanted);
    if (listening === undefined) return;
    // A call of its own that is under way then has nothing left to wait for.
    wanted.splice(wanted.indexOf(listening), 1);
    pending += 1;
    client.unsubscribe(listening.name, listening.listener).finally(() => {
      pending -= 1;
    });
  };
  const publish = (fake: FakeDatabase) => {
    published += 1;
    return fake.publish(pick(NAMES), `${fake.id} ${published}`);
  };
  const chaos: readonly (() => void)[] = [
    () => subscribe(pick(NAMES)),
    () => subscribe(pick(NAMES)),
    unsubscribe,
    () => pick(fakes).crash(),
    () => pick(fakes).restart(),
    () => pick(fakes).freeze(),
    () => pick(fakes).thaw(),
    () => pick(fakes).silence(pick(['to-server', 'to-client', 'both'] as const)),
    () => pick(fakes).unsilence(),
    () => pick(fakes).killConnections('subscriber'),
    () => pick(fakes).killConnections(),
    () => pick(fakes).loseConnections('subscriber'),
    () => void pick(fakes).deniedChannels.add(pick(NAMES)),
    () => pick(fakes).deniedChannels.clear(),
    () => void client.setActiveDatabase(pick(fakes).id).catch(() => {}),
    () => void client.forceActiveDatabase(pick(fakes).id, { durationMs: 2000 }).catch(() => {}),
  ];

  for (let round = 0; round < ROUNDS; round += 1) {
    const steps = 5 + Math.floor(random() * 40);
    for (let step = 0; step < steps; step += 1) {
      pick(chaos)();
      publish(pick(fakes));
      // Often within a round trip, sometimes long enough for a verdict.
      await clock.advance(random() < 0.7 ? random() * 30 : random() * 4000);
    }
    for (const fake of fakes) {
      fake.heal();
      fake.deniedChannels.clear();
    }
    // Dead connections are noticed, refused channels asked for again, calls at their deadline.
    await clock.advance(100_000);
    expect(pending, 'calls that hang').toBe(0);
    const active = fakes.find(({ id }) => id === client.activeDatabase);
    const names = new Set(wanted.map(({ name }) => name));
    for (const fake of fakes) {
      const isThere = fake === active || subscriptions === 'all';
      for (const name of NAMES) {
        const expected = isThere && names.has(name) ? 1 : 0;
        expect([fake.id, name, fake.subscriptions(name)]).toEqual([fake.id, name, expected]);
      }
    }
    // Nobody misses anything now, nor hears it twice, nor from a standby.
    for (const fake of fakes) {
      received.clear();
      for (const name of NAMES) fake.publish(name, `${fake.id} check ${round}`);
      await clock.advance(100);
      const heard = [...received.values()].reduce((sum, count) => sum + count, 0);
      expect([fake.id, heard]).toEqual([fake.id, fake === active ? wanted.length : 0]);
    }
  }
  expect(problems).toEqual([]);
  client.destroy();
  await clock.advance(1000);
  for (const fake of fakes) expect(fake.openConnections).toBe(0);
}

describe.each(['active', 'all'] as const)("subscriptions: '%s'", (subscriptions) => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))('seed %i', async (seed) => {
    await simulate(seed, subscriptions);
  });
});
