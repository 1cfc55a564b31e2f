/** Databases that serve reads only until they are promoted, on virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { PingStrategy } from '../../health-strategies/ping.js';
import type { SteeringContext, SteeringSource } from '../../options/steering.js';
import type { MultiDbOptions } from '../../options/types.js';
import { connectedClient, eastAndWest } from '../../testing/east-and-west.js';
import {
  FakeDatabase,
  type SimulatedClient,
  type SimulatedDatabase,
  VirtualClock,
} from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** East takes writes, west is a replica. */
async function world(
  options: Omit<MultiDbOptions, 'databases' | 'client'> = {},
  healthCheck?: SimulatedDatabase['healthCheck'],
) {
  const clock = new VirtualClock();
  const [east, west] = ['east', 'west'].map((id) => new FakeDatabase({ id, clock })) as [
    FakeDatabase,
    FakeDatabase,
  ];
  west.state = 'READONLY';
  const calls: string[] = [];
  const client = await connectedClient({
    clock,
    databases: [
      { database: east, weight: 1, writable: 'auto', ...(healthCheck && { healthCheck }) },
      { database: west, weight: 0.5, writable: 'auto' },
    ],
    options: {
      gracePeriodMs: 1000,
      failbackCheckIntervalMs: 1000,
      onPromotionNeeded: ({ id, cause }) => calls.push(`${id}: ${cause}`),
      ...options,
    },
  });
  clients.push(client);
  const track = (args: readonly string[]) => {
    const fate: { reply?: unknown; error?: Error & { code?: string } } = {};
    client.send(args).then(
      (reply) => Object.assign(fate, { reply }),
      (error) => Object.assign(fate, { error }),
    );
    return fate;
  };
  return { clock, client, east, west, calls, track };
}

it.each(['lazy', 'warm'] as const)(
  'a client waits for a database that takes writes before it begins with a replica: %s',
  async (standbyConnections) => {
    const clock = new VirtualClock();
    const east = new FakeDatabase({ id: 'east', clock });
    const west = new FakeDatabase({ id: 'west', clock, latencyMs: 40 });
    east.state = 'READONLY';
    const client = await connectedClient({
      clock,
      databases: [
        { database: east, weight: 1, writable: 'auto' },
        { database: west, weight: 0.5, writable: 'auto' },
      ],
      options: { standbyConnections },
    });
    clients.push(client);
    expect(client.stats().switches.map(({ to, reason }) => [to, reason])).toEqual([
      ['west', 'initial'],
    ]);
  },
);

it('a replica is healthy, takes reads at once after a failover, and writes when it is promoted', async () => {
  const { clock, client, east, west, calls, track } = await world();
  expect(client.databases.map(({ health, readOnly }) => [health, readOnly])).toEqual([
    ['healthy', false],
    ['healthy', true],
  ]);
  expect(client.explain().others[0]?.details.join()).toContain('serves reads only');
  east.crash();
  await clock.advance(100);
  expect(client.activeDatabase).toBe('west');
  const read = track(['GET', 'k']);
  const write = track(['SET', 'k', 'v']);
  await clock.advance(3000);
  expect([read.reply, write.reply, write.error]).toEqual([null, undefined, undefined]);
  expect(calls).toEqual([expect.stringMatching(/^west: east: /)]);
  expect(client.explain().active?.why).toContain('serving reads only');
  west.state = undefined;
  await clock.advance(300);
  expect(write.reply).toBe('OK');
  expect(client.databases[1]?.readOnly).toBe(false);
  expect(client.stats().switches).toHaveLength(2);
});

it('writes wait up to their deadline, and the error says why', async () => {
  const { clock, client, east, track } = await world({ commandDeadlineMs: 2000 });
  east.crash();
  await clock.advance(100);
  const write = track(['INCR', 'n']);
  await clock.advance(2100);
  expect(write.error).toMatchObject({
    code: 'COMMAND_TIMEOUT',
    maybeExecuted: false,
    cause: expect.objectContaining({ code: 'NOT_WRITABLE' }),
  });
  expect(client.stats().pending).toBe(0);
});

it('writes reject at once with `reject`', async () => {
  const { clock, east, track } = await world({ readOnlyWrites: 'reject' });
  east.crash();
  await clock.advance(100);
  const [write, read] = [track(['SET', 'k', 'v']), track(['GET', 'k'])];
  await clock.advance(10);
  expect(write.error).toMatchObject({ code: 'NOT_WRITABLE', databaseId: 'west' });
  expect(read.reply).toBeNull();
});

it('writes go on when the former database returns, and it is taken before a replica', async () => {
  const { clock, client, east, calls, track } = await world();
  east.crash();
  await clock.advance(100);
  const write = track(['SET', 'k', 'v']);
  east.restart();
  await clock.advance(8000);
  expect([client.activeDatabase, write.reply]).toEqual(['east', 'OK']);
  expect(calls).toHaveLength(1);
});

describe('a database that takes writes and is in its grace period', () => {
  const GRACE = { gracePeriodMs: 60_000 };
  const hookless = { ...GRACE, onPromotionNeeded: undefined };

  it('is left for no replica, and taken before one', async () => {
    const { clock, client, east, track } = await world(hookless as never);
    east.crash();
    await clock.advance(100);
    expect(client.activeDatabase).toBe('west');
    const write = track(['SET', 'k', 'v']);
    await clock.advance(3000);
    east.restart();
    await clock.advance(6000);
    expect([client.activeDatabase, write.reply]).toEqual(['east', 'OK']);
    expect(client.explain().active?.why).toContain('no eligible database takes writes');
    await clock.advance(50_000);
    expect(client.stats().switches).toHaveLength(3);
    await clock.advance(10_000);
    expect(client.explain().active?.why).toContain('highest weight');
    expect(client.stats().switches).toHaveLength(3);
  });

  it.each([
    { first: 'west', second: 'east' },
    { first: 'east', second: 'west' },
  ] as const)(
    'is taken after an outage of all: $first returns first',
    async ({ first, second }) => {
      const all = await world(hookless as never);
      const { clock, client, east, west, track } = all;
      west.crash();
      await clock.advance(1000);
      east.crash();
      await clock.advance(3000);
      for (const id of [first, second]) {
        all[id].restart();
        if (id === 'west') west.state = 'READONLY';
        await clock.advance(4000);
      }
      expect(client.activeDatabase).toBe('east');
      const write = track(['SET', 'k', 'v']);
      await clock.advance(100);
      expect(write.reply).toBe('OK');
      const before = client.stats().switches.length;
      await clock.advance(70_000);
      expect([client.activeDatabase, client.stats().switches.length]).toEqual(['east', before]);
    },
  );

  it('waits for a promotion under way, and is taken if that fails', async () => {
    const promotion = { reject: (_: Error) => {} };
    const { clock, client, east, track } = await world({
      ...GRACE,
      onPromotionNeeded: () =>
        new Promise<void>((_, reject) => {
          promotion.reject = reject;
        }),
    });
    client.on('error', () => {});
    east.crash();
    await clock.advance(100);
    east.restart();
    const write = track(['SET', 'k', 'v']);
    await clock.advance(7000);
    expect([client.activeDatabase, write.reply]).toEqual(['west', undefined]);
    promotion.reject(new Error('nobody is there to decide'));
    await clock.advance(500);
    expect([client.activeDatabase, write.reply]).toEqual(['east', 'OK']);
  });

  it('is not taken in the moment in which a replica has been promoted', async () => {
    const all = await world({
      ...GRACE,
      onPromotionNeeded: async () => {
        await new Promise<void>((resolve) => {
          all.clock.after(6000, resolve);
        });
        all.west.state = undefined;
      },
    });
    const { clock, client, east, track } = all;
    east.crash();
    await clock.advance(100);
    east.restart();
    const write = track(['SET', 'k', 'v']);
    await clock.advance(8000);
    expect([client.activeDatabase, write.reply]).toEqual(['west', 'OK']);
    expect(client.stats().switches).toHaveLength(2);
  });

  it('is not left for a replica when its gate closes', async () => {
    let isOpen = true;
    const gate = { name: 'gate', role: 'gate', check: () => isOpen } as const;
    const { clock, client, east } = await world(hookless as never, [new PingStrategy(), gate]);
    east.crash();
    await clock.advance(100);
    east.restart();
    await clock.advance(10_000);
    expect(client.activeDatabase).toBe('east');
    isOpen = false;
    await clock.advance(80_000);
    expect(client.activeDatabase).toBe('east');
    expect(client.explain().active?.lastResort).toBe(true);
    expect(client.stats().switches).toHaveLength(3);
    isOpen = true;
    await clock.advance(6000);
    expect(client.explain().active?.lastResort).toBe(false);
  });

  it('is not taken while its circuit breaker is open', async () => {
    let hasFailed = false;
    const detector = (id: string) => ({
      record() {},
      reset() {},
      hasFailed: () => hasFailed && id === 'east',
    });
    const { clock, client, track } = await world({
      ...hookless,
      failureDetector: { detector, includedErrors: () => true },
    } as never);
    hasFailed = true;
    track(['NOSUCHCOMMAND']);
    await clock.advance(20_000);
    expect(client.activeDatabase).toBe('west');
    expect(client.databases[0]).toMatchObject({ health: 'healthy', breaker: 'open' });
    expect(client.stats().switches).toHaveLength(2);
  });
});

it('a database that steering forces is kept although it becomes a replica', async () => {
  let context: SteeringContext | undefined;
  const steering: SteeringSource = {
    name: 'memory',
    watch: (given) => {
      context = given;
      given.absent();
      return () => {};
    },
  };
  const { clock, client, west } = await world({ steering });
  west.state = undefined;
  await clock.advance(6000);
  context?.deliver({
    schemaVersion: 1,
    version: 1,
    issuedAt: new Date(clock.wallTime()).toISOString(),
    by: 'ada',
    reason: 'a rehearsal',
    prefer: 'west',
    force: true,
  });
  await clock.advance(1000);
  expect(client.activeDatabase).toBe('west');
  west.state = 'READONLY';
  await clock.advance(20_000);
  expect(client.databases[1]?.readOnly).toBe(true);
  expect(client.activeDatabase).toBe('west');
  expect(client.stats().switches).toHaveLength(2);
});

it('a preferred database that returns as a replica is not taken while another takes writes', async () => {
  const { clock, client, east, west } = await world();
  east.crash();
  await clock.advance(100);
  west.state = undefined;
  east.restart();
  east.state = 'READONLY';
  await clock.advance(30_000);
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[0]).toMatchObject({ health: 'healthy', readOnly: true });
});

it('an active database that becomes a replica is left for the one that was promoted', async () => {
  const { clock, client, east, west, calls, track } = await world();
  west.state = undefined;
  await clock.advance(6000);
  east.state = 'READONLY';
  const write = track(['SET', 'k', 'v']);
  await clock.advance(2000);
  expect([client.activeDatabase, write.reply, calls]).toEqual(['west', 'OK', []]);
});

it('asks for a promotion once in each outage, and contains the error', async () => {
  let calls = 0;
  const { clock, client, east, west } = await world({
    failbackSupported: false,
    onPromotionNeeded: () => {
      calls += 1;
      throw new Error('the pager is down');
    },
  });
  const errors: unknown[] = [];
  client.on('error', (error) => errors.push(error));
  east.crash();
  await clock.advance(20_000);
  expect([calls, errors.length]).toEqual([1, 1]);
  west.state = undefined;
  await clock.advance(1000);
  west.state = 'READONLY';
  await clock.advance(6000);
  expect(calls).toBe(2);
});

describe('the database that is to be promoted can only be reached over new connections', () => {
  async function unreachable() {
    const reached: AbortSignal[] = [];
    const all = await world({
      onPromotionNeeded: ({ signal }) => {
        reached.push(signal);
        all.west.state = undefined;
      },
    });
    const { clock, client, east, west } = all;
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    // Its open connections serve reads.
    client.on('switch', ({ to }) => {
      if (to === 'west') west.refuse();
    });
    east.crash();
    await clock.advance(10_000);
    expect([client.activeDatabase, reached, errors]).toEqual(['west', [], []]);
    return { ...all, reached, errors };
  }

  it('and the client tries again until one of them answers', async () => {
    const { clock, west, reached, errors, track } = await unreachable();
    const write = track(['SET', 'k', 'v']);
    west.refuse(false);
    await clock.advance(2500);
    expect([reached.length, reached[0]?.aborted, write.reply, errors]).toEqual([1, true, 'OK', []]);
  });

  it('and it stops when the outage of writes ends', async () => {
    const { clock, client, east, west, reached, errors } = await unreachable();
    east.restart();
    await clock.advance(8000);
    west.refuse(false);
    await clock.advance(5000);
    expect([client.activeDatabase, reached, errors]).toEqual(['east', [], []]);
  });
});

it('a refused write to a database without the option still leads to a failover', async () => {
  const { clock, client, east } = await eastAndWest({});
  clients.push(client);
  east.state = 'READONLY';
  const write = client.send(['SET', 'k', 'v']);
  await clock.advance(1000);
  expect([client.activeDatabase, await write]).toEqual(['west', 'OK']);
});

it('the first refusal by a replica does not open its circuit breaker', async () => {
  const { clock, client, east, track } = await world({ failureDetector: { minNumOfFailures: 1 } });
  east.state = 'READONLY';
  const write = track(['SET', 'k', 'v']);
  await clock.advance(100);
  expect(client.databases[0]?.readOnly).toBe(true);
  expect(client.databases[0]?.breaker).toBe('closed');
  expect(client.activeDatabase).toBe('east');
  east.state = undefined;
  await clock.advance(1000);
  expect(write.reply).toBe('OK');
});

it('when its name leads to another server, the probes follow as well', async () => {
  const { clock, client, east, track } = await world({ healthCheck: { intervalMs: 600_000 } });
  await clock.advance(3000);
  east.move();
  const write = track(['SET', 'k', 'v']);
  await clock.advance(5000);
  expect(write.reply).toBe('OK');
  expect(client.activeDatabase).toBe('east');
  expect(east.staleConnections).toBe(0);
});
