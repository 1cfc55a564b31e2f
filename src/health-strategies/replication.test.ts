import { describe, expect, it } from 'vitest';
import { ReplicationStrategy } from './replication.js';
import type { Probe, ProbeTarget } from './strategy.js';

/** Databases between which messages go as told, and a clock that a test moves. */
class World {
  readonly waits: (() => void)[] = [];
  readonly published: string[] = [];
  readonly #listeners = new Map<string, Map<string, (message: string) => void>>();

  constructor(
    /** Whether what is published at `from` arrives at `to`. */
    private readonly passes: (from: string, to: string, channel: string) => boolean,
    private readonly isReachable: (id: string) => boolean = () => true,
  ) {}

  target(databaseId: string): ProbeTarget {
    const reach = () => (this.isReachable(databaseId) ? undefined : new Promise<never>(() => {}));
    return {
      databaseId,
      host: databaseId,
      port: 6379,
      connected: true,
      sendCommand: async ([name, channel, message]) => {
        await reach();
        expect(name).toBe('PUBLISH');
        this.published.push(`${databaseId} ${channel}`);
        for (const [to, channels] of this.#listeners) {
          if (!this.passes(databaseId, to, String(channel))) continue;
          channels.get(String(channel))?.(String(message));
        }
        return 0;
      },
      subscribe: async (channel, onMessage) => {
        await reach();
        const channels = this.#listeners.get(databaseId) ?? new Map();
        this.#listeners.set(databaseId, channels.set(channel, onMessage));
      },
    };
  }

  probe(databaseId: string, peers: string[], shardTags?: string[]): Probe {
    return {
      ...this.target(databaseId),
      peers: peers.map((peer) => this.target(peer)),
      signal: new AbortController().signal,
      wait: () => new Promise((resolve) => this.waits.push(resolve)),
      stopwatch: () => () => 0,
      ...(shardTags === undefined ? {} : { shardTags }),
    };
  }

  listeners(databaseId: string): number {
    return this.#listeners.get(databaseId)?.size ?? 0;
  }

  /** Lets the tolerance pass, as often as somebody waits for it. */
  async passTime(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      await Promise.resolve();
      if (round % 10 === 9) for (const resolve of this.waits.splice(0)) resolve();
    }
  }
}

async function reason(world: World, probe: Probe, strategy = new ReplicationStrategy()) {
  const checking = strategy.check(probe).then(
    () => 'healthy',
    (error: Error) => error.message,
  );
  await world.passTime();
  return checking;
}

describe('ReplicationStrategy', () => {
  it('passes as soon as everything has arrived', async () => {
    const world = new World(() => true);
    expect(await new ReplicationStrategy().check(world.probe('a', ['b', 'c']))).toBe(true);
    expect(world.published.map((each) => each.slice(0, 1)).sort()).toEqual(['a', 'b', 'c']);
  });

  it.each<[string, (from: string, to: string) => boolean, string]>([
    [
      'inwards',
      (from) => from !== 'b',
      'no canary arrived b -> a, while a -> b works (a one-way break)',
    ],
    [
      'outwards',
      (_, to) => to !== 'b',
      'no canary arrived a -> b, while b -> a works (a one-way break)',
    ],
    [
      'to one of two peers',
      (from, to) => !`${from}${to}`.includes('b'),
      'no canary arrived b -> a nor a -> b',
    ],
    [
      'to both peers',
      (from, to) => from === to,
      'no canary arrived b -> a nor a -> b; no canary arrived c -> a nor a -> c',
    ],
  ])('names a break %s', async (_, passes, expected) => {
    const world = new World(passes);
    expect(await reason(world, world.probe('a', ['b', 'c']))).toBe(`${expected}; waited 400 ms`);
  });

  it('looks only where it is told to', async () => {
    const inwards = new World((from) => from === 'b');
    const strategy = new ReplicationStrategy({ direction: 'in', peers: ['b'] });
    expect(await strategy.check(inwards.probe('a', ['b', 'c']))).toBe(true);
    expect([inwards.listeners('a'), inwards.listeners('b')]).toEqual([1, 0]);
    expect(inwards.published.map((each) => each.slice(0, 1))).toEqual(['b']);

    const outwards = new World((from) => from === 'a');
    const out = new ReplicationStrategy({ direction: 'out' });
    expect(await out.check(outwards.probe('a', ['b']))).toBe(true);
    expect([outwards.listeners('a'), outwards.listeners('b')]).toEqual([0, 1]);
    expect(outwards.published.map((each) => each.slice(0, 1))).toEqual(['a']);
  });

  it('leaves a peer out that does not answer', async () => {
    const world = new World(
      () => true,
      (id) => id !== 'b',
    );
    expect(await reason(world, world.probe('a', ['b', 'c']))).toBe('healthy');
    expect(await reason(world, world.probe('a', ['b']))).toBe('healthy');
  });

  it('needs a peer', async () => {
    const world = new World(() => true);
    expect(await reason(world, world.probe('a', []))).toBe('there is no other database');
    const strategy = new ReplicationStrategy({ peers: ['x'] });
    expect(await reason(world, world.probe('a', ['b']), strategy)).toBe(
      'there is no other database of those in peers',
    );
  });

  it('sends one canary per shard, all of which must arrive', async () => {
    const world = new World((_, __, channel) => !channel.endsWith('{2}'));
    expect(await reason(world, world.probe('a', ['b'], ['1', '3']))).toBe('healthy');
    expect(world.published).toHaveLength(4);
    expect(await reason(world, world.probe('a', ['b'], ['1', '2', '3']))).toMatch(
      /^no canary arrived b -> a nor a -> b/,
    );
  });

  it('a canary of an earlier probe counts for nothing', async () => {
    const channels = new Set<string>();
    const world = new World((_, __, channel) => channels.add(channel) && true);
    const strategy = new ReplicationStrategy();
    for (let probe = 0; probe < 3; probe++) await strategy.check(world.probe('a', ['b']));
    expect(channels.size).toBe(3);
  });
});
