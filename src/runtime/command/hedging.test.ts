/** Hedged reads on virtual time: when they are sent, what their end means, what they cost. */
import { afterEach, describe, expect, it } from 'vitest';
import type { HedgingOptions, MultiDbOptions } from '../../options/types.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';
import type { CommandOptions } from './command-options.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** What became of a command, and when. */
interface Fate {
  reply?: unknown;
  error?: Error & { code?: string; maybeExecuted?: boolean };
  at?: number;
}

const HEDGING: HedgingOptions = { afterMs: 50, maxShare: 1 };

async function world(
  hedging: HedgingOptions = HEDGING,
  options: Partial<MultiDbOptions> = { hedging },
) {
  const all = await eastAndWest(options);
  const { clock, client } = all;
  clients.push(client);
  const track = (promise: Promise<unknown>): Fate => {
    const fate: Fate = {};
    const note = (what: Fate) => Object.assign(fate, what, { at: clock.now() });
    promise.then(
      (reply) => note({ reply }),
      (error) => note({ error }),
    );
    return fate;
  };
  const send = (args: readonly string[], own?: CommandOptions) => track(client.send(args, own));
  const hedges = (id: 'east' | 'west') =>
    client.stats().databases.find((each) => each.id === id)!.hedges;
  /** Number of executions of `args`, except those of probes. */
  const ran = (database: typeof all.east, ...args: string[]) =>
    database.executions.filter((each) => args.every((arg, n) => String(each.args[n]) === arg))
      .length;
  return { ...all, send, track, hedges, ran };
}

describe('a read of a frozen database', () => {
  it('is answered by the standby, long before the database is left', async () => {
    const { clock, client, east, west, send, hedges, ran } = await world();
    east.freeze();
    const startedAt = clock.now();
    const fate = send(['GET', 'k']);
    await clock.advance(49);
    expect(ran(west, 'GET', 'k')).toBe(0);
    await clock.advance(51);
    expect(fate).toMatchObject({ reply: null });
    expect(fate.at! - startedAt).toBeLessThan(90);
    expect(client.activeDatabase).toBe('east');
    expect([hedges('west'), hedges('east')]).toEqual([
      { sent: 1, won: 1, suppressed: 0 },
      { sent: 0, won: 0, suppressed: 0 },
    ]);
  });

  it('has no effect when its late reply comes, and a freeze of a second leads to no failover', async () => {
    const { clock, client, east, send, ran } = await world();
    east.freeze();
    const fates = Array.from({ length: 20 }, () => send(['GET', 'k']));
    await clock.advance(1000);
    expect(fates.every(({ reply }) => reply === null)).toBe(true);
    east.thaw();
    await clock.advance(1000);
    expect(ran(east, 'GET', 'k')).toBe(20);
    expect(client.activeDatabase).toBe('east');
    expect(client.stats().pending).toBe(0);
    expect(client.stats().databases.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('that nobody waits for any more still shows that the database is silent', async () => {
    const { clock, client, east, send } = await world(undefined, {
      hedging: HEDGING,
      healthCheck: { intervalMs: 60_000 },
    });
    east.freeze();
    const fate = send(['GET', 'k']);
    await clock.advance(100);
    expect([fate.reply, client.stats().pending]).toEqual([null, 0]);
    await clock.advance(2100);
    expect(client.activeDatabase).toBe('west');
  });

  it('of many reads, none waits for the failover', async () => {
    const { clock, client, east, send } = await world();
    east.freeze();
    const startedAt = clock.now();
    const fates: Fate[] = [];
    const begun: number[] = [];
    while (client.activeDatabase === 'east' && clock.now() - startedAt < 10_000) {
      fates.push(send(['GET', 'k']));
      begun.push(clock.now());
      await clock.advance(10);
    }
    const leftAfterMs = clock.now() - startedAt;
    expect(leftAfterMs).toBeGreaterThan(1000);
    await clock.advance(500);
    const longest = Math.max(...fates.map(({ at = Infinity }, n) => at - begun[n]!));
    expect(longest).toBeLessThan(100);
    expect(fates.every(({ error }) => error === undefined)).toBe(true);
  });
});

it('is sent for a read behind a blocking command of the same connection', async () => {
  const { clock, client, east, send } = await world();
  east.freeze();
  const blocked = send(['XREAD', 'BLOCK', '0', 'STREAMS', 's', '$']);
  const fate = send(['GET', 'k']);
  await clock.advance(100);
  expect([fate.reply, blocked.reply, client.activeDatabase]).toEqual([null, undefined, 'east']);
});

describe('is not sent', () => {
  it('when the reply comes in time', async () => {
    const { clock, send, hedges } = await world();
    for (let n = 0; n < 50; n += 1) {
      send(['GET', 'k']);
      await clock.advance(10);
    }
    expect(hedges('west')).toEqual({ sent: 0, won: 0, suppressed: 0 });
  });

  it('because the process was blocked while the reply lay in its socket', async () => {
    const { clock, send, hedges } = await world();
    send(['GET', 'k']);
    clock.block(5000);
    await clock.advance(100);
    expect(hedges('west').sent).toBe(0);
  });

  it.each([
    ['a write', ['SET', 'k', 'v']],
    ['a script', ['EVAL', 'return 1', '0']],
    ['a cursor', ['HSCAN', 'h', '0']],
    ['a command without a key', ['DBSIZE']],
    ['a blocking read', ['XREAD', 'BLOCK', '100', 'STREAMS', 's', '$']],
  ])('for %s', async (_, args) => {
    const { clock, east, send, hedges } = await world();
    east.freeze();
    send(args);
    await clock.advance(500);
    expect(hedges('west').sent).toBe(0);
  });

  it('for a transaction, or a read inside one', async () => {
    const { clock, client, east, hedges, track } = await world();
    east.freeze();
    const commands = [['GET', 'k']];
    track(client.send(['MULTI'], undefined, { kind: 'multi', commands }));
    track(client.send(['PIPELINE'], undefined, { kind: 'pipeline', commands }));
    track(client.transaction(['k'], async (own) => [[String(await own(['GET', 'k']))]]));
    await clock.advance(500);
    expect(hedges('west').sent).toBe(0);
  });

  it.each([
    [
      'unhealthy',
      async ({ west, clock }: Awaited<ReturnType<typeof world>>) => {
        west.refuse();
        west.killConnections();
        await clock.advance(10_000);
      },
    ],
    [
      'drained',
      async ({ client }: Awaited<ReturnType<typeof world>>) => {
        await client.drainDatabase('west');
      },
    ],
  ])('to a standby that is %s', async (_, prepare) => {
    const all = await world();
    await prepare(all);
    all.east.freeze();
    all.send(['GET', 'k']);
    await all.clock.advance(500);
    expect(all.hedges('west').sent).toBe(0);
  });

  it('to a database whose `beforeFailback` has not succeeded', async () => {
    const { clock, client, west, send, hedges } = await world(undefined, {
      hedging: HEDGING,
      healthCheck: { intervalMs: 100, timeoutMs: 50, numProbes: 1 },
      gracePeriodMs: 0,
      beforeFailback: async () => {
        throw new Error('not yet');
      },
    });
    void client.setActiveDatabase('west');
    await clock.advance(500);
    west.freeze();
    send(['GET', 'k']);
    await clock.advance(100);
    expect(hedges('east').sent).toBe(0);
  });
});

it('sends at most `maxShare` of the reads, and counts the others', async () => {
  const { clock, east, send, hedges } = await world({ afterMs: 50, maxShare: 0.1 });
  for (let n = 0; n < 50; n += 1) send(['GET', 'k']);
  await clock.advance(100);
  east.freeze();
  const fates = Array.from({ length: 50 }, () => send(['GET', 'k']));
  await clock.advance(500);
  expect(fates.filter(({ reply }) => reply === null)).toHaveLength(10);
  expect(hedges('west')).toMatchObject({ sent: 10, won: 10 });
  expect(hedges('east').suppressed).toBe(40);
});

it('saves up the share of a minute, so that a freeze of steady traffic is covered by 5 %', async () => {
  const { clock, client, east, send, hedges } = await world({ afterMs: 50 });
  for (let n = 0; n < 1200; n += 1) {
    send(['GET', 'k']);
    await clock.advance(50);
  }
  east.freeze();
  const fates: Fate[] = [];
  while (client.activeDatabase === 'east') {
    fates.push(send(['GET', 'k']));
    await clock.advance(50);
  }
  await clock.advance(100);
  expect(fates.length).toBeGreaterThan(20);
  expect(fates.every(({ reply }) => reply === null)).toBe(true);
  expect(hedges('east').suppressed).toBe(0);
});

describe('its end', () => {
  /** West answers this instead of executing `GET`. */
  function refuseAt(west: Awaited<ReturnType<typeof world>>['west'], state: 'LOADING' | undefined) {
    west.state = state;
  }

  it('with an error never reaches the caller, who gets the reply of the active database', async () => {
    const { clock, east, west, send, hedges } = await world();
    east.freeze();
    refuseAt(west, 'LOADING');
    const fate = send(['GET', 'k']);
    await clock.advance(100);
    expect(fate).toEqual({});
    east.thaw();
    await clock.advance(100);
    expect(fate).toMatchObject({ reply: null });
    expect(hedges('west')).toMatchObject({ sent: 1, won: 0 });
  });

  it('of the connection neither: the read waits for its own reply', async () => {
    const { clock, east, west, send } = await world();
    east.freeze();
    west.latencyMs = 100;
    const fate = send(['GET', 'k']);
    await clock.advance(100);
    west.killConnections();
    await clock.advance(400);
    expect(fate).toEqual({});
    east.thaw();
    await clock.advance(100);
    expect(fate).toMatchObject({ reply: null });
  });

  it('comes first when the other attempt has failed for good', async () => {
    const { clock, east, west, send } = await world(undefined, {
      hedging: HEDGING,
      commandRetry: { maxAttempts: 1 },
      unhealthyAfterMs: 5000,
    });
    east.freeze();
    west.latencyMs = 100;
    const fate = send(['GET', 'k']);
    await clock.advance(100);
    east.killConnections();
    await clock.advance(50);
    expect(fate).toEqual({});
    await clock.advance(200);
    expect(fate).toMatchObject({ reply: null });
  });

  it('with an error then gives the caller the error of the other attempt', async () => {
    const { clock, client, east, west, send } = await world(undefined, {
      hedging: HEDGING,
      commandRetry: { maxAttempts: 1 },
      unhealthyAfterMs: 5000,
    });
    east.freeze();
    west.latencyMs = 100;
    const fate = send(['GET', 'k']);
    await clock.advance(100);
    east.killConnections();
    await clock.advance(50);
    west.killConnections();
    await clock.advance(150);
    expect(fate.error).toMatchObject({
      code: 'CONNECTION_LOST',
      databaseId: 'east',
      maybeExecuted: true,
    });
    expect(client.stats().pending).toBe(0);
  });

  it('is not awaited beyond the deadline of the command', async () => {
    const { clock, east, west, send } = await world(undefined, {
      hedging: HEDGING,
      commandTimeoutMs: 300,
      commandDeadlineMs: 400,
    });
    east.freeze();
    west.freeze();
    const startedAt = clock.now();
    const fate = send(['GET', 'k']);
    await clock.advance(600);
    expect(fate.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
    expect(fate.at! - startedAt).toBeLessThan(450);
  });
});

it('may have been executed although its own attempt was never written', async () => {
  const { clock, client, east, west, send, ran } = await world(undefined, {
    hedging: HEDGING,
    commandDeadlineMs: 400,
    unhealthyAfterMs: 5000,
  });
  east.crash();
  await clock.advance(10);
  const fate = send(['GET', 'k']);
  await clock.advance(20);
  west.silence('to-client');
  await clock.advance(600);
  expect([client.activeDatabase, ran(west, 'GET', 'k'), ran(east, 'GET', 'k')]).toEqual([
    'east',
    1,
    0,
  ]);
  expect(fate.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
});

it('hedges a read that waits for a connection, and for a retry', async () => {
  const { clock, client, east, send } = await world(undefined, {
    hedging: HEDGING,
    unhealthyAfterMs: 5000,
  });
  east.freeze();
  const inFlight = send(['GET', 'in-flight']);
  await clock.advance(10);
  east.crash();
  await clock.advance(10);
  const queued = send(['GET', 'queued']);
  await clock.advance(100);
  expect([client.activeDatabase, inFlight.reply, queued.reply]).toEqual(['east', null, null]);
  east.restart();
  await clock.advance(3000);
  expect(client.stats().pending).toBe(0);
});

it.each([
  ['crashes', { afterMs: 50, maxShare: 1 }],
  ['freezes', { afterMs: 1900, maxShare: 1 }],
])('becomes the attempt of its command when the active database %s', async (how, hedging) => {
  const { clock, client, east, west, send, ran } = await world(hedging);
  west.latencyMs = 100;
  await clock.advance(12_000);
  east.freeze();
  const fate = send(['GET', 'k']);
  await clock.advance(hedging.afterMs + 50);
  if (how === 'crashes') east.crash();
  await clock.until(() => client.activeDatabase === 'west', 1000);
  expect(fate).toEqual({});
  await clock.advance(1000);
  expect(fate).toMatchObject({ reply: null });
  // Once, as a hedge: the takeover has nothing to send.
  expect(ran(west, 'GET', 'k')).toBe(1);
  expect(client.stats().databases[0]!.moved).toBe(0);
});

it('is no attempt of a command that was answered before its database became active', async () => {
  const { clock, client, east, west, send } = await world();
  west.latencyMs = 100;
  await clock.advance(12_000);
  east.latencyMs = 40;
  const fate = send(['GET', 'k']);
  await clock.advance(100);
  expect(fate).toMatchObject({ reply: null });
  client.setWeight('west', 2);
  expect([client.activeDatabase, client.stats().pending]).toEqual(['west', 0]);
  await clock.advance(1000);
  expect(client.stats().pending).toBe(0);
  // The deadlines are watched as long as a command is pending.
  west.silence();
  const late = send(['INCR', 'n']);
  await clock.advance(11_000);
  expect(late.error).toBeDefined();
});

it.each(['in flight', 'without a connection'])(
  'of a read %s does not overtake an older write when it is unwritten at the failover',
  async (how) => {
    const { clock, client, east, west, send, hedges } = await world(undefined, {
      hedging: HEDGING,
      unhealthyAfterMs: how === 'in flight' ? 0 : 100,
    });
    west.latencyMs = 100;
    await clock.advance(12_000);
    east.freeze();
    // As many as `west` reads at a time, so that the next hedge is not written.
    for (let n = 0; n < 64; n += 1) send(['GET', `filler:${n}`]);
    await clock.advance(10);
    if (how !== 'in flight') {
      east.crash();
      await clock.advance(10);
    }
    send(['SET', 'k', 'new']);
    const read = send(['GET', 'k']);
    await clock.until(() => hedges('west').sent === 65, 100);
    if (how === 'in flight') east.crash();
    await clock.until(() => client.activeDatabase === 'west', 200);
    expect(west.executions.filter(({ args }) => args[1] === 'k')).toEqual([]);
    await clock.advance(1000);
    expect(read).toMatchObject({ reply: 'new' });
    const names = west.executions.filter(({ args }) => args[1] === 'k').map(({ args }) => args[0]);
    expect(names).toEqual(['SET', 'GET']);
    expect(client.stats().pending).toBe(0);
  },
);

it('everything that is pending fails when all databases are down', async () => {
  const { clock, client, east, west, send } = await world(undefined, {
    hedging: HEDGING,
    healthCheck: { intervalMs: 500, timeoutMs: 100, numProbes: 1 },
  });
  east.freeze();
  west.latencyMs = 5000;
  const fate = send(['GET', 'k']);
  await clock.advance(100);
  west.crash();
  east.crash();
  await clock.advance(2000);
  expect(client.activeDatabase).toBeUndefined();
  expect(fate.error).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  expect(client.stats().pending).toBe(0);
});

it('a closed client ends its hedges', async () => {
  const { clock, client, east, west, send } = await world();
  east.freeze();
  west.freeze();
  const fates = [send(['GET', 'k']), send(['GET', 'l'])];
  await clock.advance(100);
  client.destroy();
  await clock.advance(10);
  for (const { error } of fates) expect(error).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect([east.openConnections, west.openConnections, clock.pendingTimers]).toEqual([0, 0, 0]);
});

describe('options of one view', () => {
  const settings = (afterMs: number | 'p99', maxShare = 1) => ({ hedging: { afterMs, maxShare } });

  it('turn it on, or off, or leave another time', async () => {
    const off = await world(undefined, {});
    off.east.freeze();
    const [on, plain] = [off.send(['GET', 'on'], settings(30)), off.send(['GET', 'plain'])];
    await off.clock.advance(100);
    expect([on.reply, plain.reply]).toEqual([null, undefined]);

    const { clock, east, send } = await world();
    east.freeze();
    const none = send(['GET', 'none'], { hedging: false });
    const late = send(['GET', 'late'], settings(300));
    const byDefault = send(['GET', 'default']);
    await clock.advance(150);
    expect([none.reply, late.reply, byDefault.reply]).toEqual([undefined, undefined, null]);
    await clock.advance(250);
    expect([none.reply, late.reply]).toEqual([undefined, null]);
  });

  it('p99 follows the measured latency', async () => {
    const { clock, east, send } = await world({ afterMs: 'p99', maxShare: 1 });
    for (let n = 0; n < 200; n += 1) {
      send(['GET', 'k']);
      await clock.advance(20);
    }
    east.freeze();
    const startedAt = clock.now();
    const fate = send(['GET', 'k']);
    await clock.advance(200);
    expect(fate.at! - startedAt).toBeLessThan(60);
    east.thaw();
    await clock.advance(100);
    // A database that is ten times as far away is given ten times as long.
    east.latencyMs = 100;
    for (let n = 0; n < 2500; n += 1) {
      send(['GET', 'k'], { hedging: false });
      send(['GET', 'k'], settings('p99', 0));
      await clock.advance(220);
    }
    east.freeze();
    const later = clock.now();
    const slow = send(['GET', 'k']);
    await clock.advance(600);
    expect(slow.at! - later).toBeGreaterThan(200);
  });
});

it('does not keep more than `maxPendingCommands` in the queues of a silent database', async () => {
  const { clock, client, east, send, hedges } = await world(undefined, {
    hedging: HEDGING,
    maxPendingCommands: 20,
  });
  east.freeze();
  for (let n = 0; n < 5; n += 1) {
    for (let each = 0; each < 15; each += 1) send(['GET', 'k']);
    await clock.advance(100);
  }
  expect(client.stats().databases[0]!.inFlight).toBeLessThanOrEqual(40);
  expect(hedges('west').won).toBeGreaterThan(0);
});
