import { beforeEach, describe, expect, it } from 'vitest';
import { LoopClock } from '../../loop-clock.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Attempt, Connection, ConnectionListener, Lane } from '../driver.js';
import { PoolConnection, type PoolSetting } from './pool-connection.js';

/** A connection that does what the test says. */
class Opened implements Connection {
  ready = false;
  bytesReceived = 0;
  destroyed = false;
  referenced = true;
  readonly sent: Attempt[] = [];
  constructor(readonly listener: ConnectionListener) {}
  becomeReady(): void {
    this.ready = true;
    this.listener.onReady();
  }
  send(attempt: Attempt): void {
    this.sent.push(attempt);
    attempt.written = true;
  }
  withdraw(attempt: Attempt): boolean {
    return !attempt.written;
  }
  identify(): Promise<string> {
    return Promise.resolve('7');
  }
  destroy(error: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const attempt of this.sent.splice(0)) queueMicrotask(() => attempt.onError(error));
  }
  answer(reply: unknown = 'OK'): void {
    this.bytesReceived += 1;
    this.sent.shift()?.onReply(reply);
  }
  lose(error: Error): void {
    this.listener.onLost(error);
    this.destroy(error);
  }
  ref(): void {
    this.referenced = true;
  }
  unref(): void {
    this.referenced = false;
  }
}

interface Sent extends Attempt {
  outcome: unknown;
  lane: Lane | undefined;
}

const LOST = new Error('lost');
let clock: VirtualClock;
let opened: Opened[];
let story: string[];

beforeEach(() => {
  clock = new VirtualClock();
  opened = [];
  story = [];
});

function pool(options: Partial<PoolSetting['pool']> = {}, delay?: number) {
  const setting: PoolSetting = {
    pool: { minimum: 1, maximum: 3, acquireTimeout: 100, cleanupDelay: 500, ...options },
    databaseId: 'east',
    connectTimeoutMs: 1000,
    open: (listener) => {
      const connection = new Opened(listener);
      opened.push(connection);
      return connection;
    },
    reconnectDelay: () => delay,
  };
  const listener: ConnectionListener = {
    onReady: () => story.push('ready'),
    onLost: (error) => story.push(`lost: ${error.message}`),
    onLaneLost: (lane, error) => story.push(`${lane ? 'lane' : 'opening'}: ${error.message}`),
    onMaintenance: (forMs) => story.push(`maintenance for ${forMs} ms`),
  };
  return new PoolConnection(setting, listener, {
    clock,
    loop: new LoopClock(clock, 10),
    random: () => 0,
  });
}

function send(connection: Connection, name = 'GET'): Sent {
  const attempt: Sent = {
    args: [name],
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    outcome: undefined,
    lane: undefined,
    onReply: (reply) => {
      attempt.outcome = reply;
    },
    onError: (error) => {
      attempt.outcome = error;
    },
    onLane: (lane) => {
      attempt.lane = lane;
    },
  };
  connection.send(attempt);
  return attempt;
}

const at = (index: number) => opened[index] as Opened;

describe('a question', () => {
  it('goes over each idle member, and over none that is in use', () => {
    const connection = pool({ minimum: 3 });
    for (const each of opened) each.becomeReady();
    const inUse = send(connection);
    const replies: unknown[] = [];
    connection.ask(() => ({ ...inUse, written: false, onReply: (reply) => replies.push(reply) }));
    expect(opened.map(({ sent }) => sent.length)).toEqual([1, 1, 1]);
    // What comes meanwhile waits until one of them has answered.
    const next = send(connection);
    expect(next.written).toBe(false);
    at(0).answer('PONG');
    at(0).answer('value');
    expect([replies, next.outcome]).toEqual([['PONG'], 'value']);
  });
});

describe('opening', () => {
  it('opens the minimum, and is ready with the first', () => {
    const connection = pool({ minimum: 2 });
    expect([opened.length, connection.ready]).toEqual([2, false]);
    at(1).becomeReady();
    at(0).becomeReady();
    expect([connection.ready, story]).toEqual([true, ['ready']]);
  });

  it('opens one to find out whether it can, even with a minimum of 0', () => {
    pool({ minimum: 0 });
    expect(opened).toHaveLength(1);
  });

  it('is lost when the last that is opening is refused, not before', () => {
    pool({ minimum: 2 });
    at(0).lose(LOST);
    expect(story).toEqual(['opening: lost']);
    at(1).lose(LOST);
    expect(story).toEqual(['opening: lost', 'lost: lost']);
  });

  it('gives one up that does not get ready in time', async () => {
    const connection = pool({ minimum: 2 });
    at(0).becomeReady();
    await clock.advance(1100);
    expect(at(1).destroyed).toBe(true);
    expect(story).toEqual(['ready', 'opening: no further connection in time']);
    expect(connection.ready).toBe(true);
  });
});

describe('leasing', () => {
  it('one command at a time per member; more members up to the maximum, then they wait', () => {
    const connection = pool();
    at(0).becomeReady();
    const sent = Array.from({ length: 5 }, () => send(connection));
    expect(opened).toHaveLength(3);
    at(1).becomeReady();
    expect(opened.map((each) => each.sent.length)).toEqual([1, 1, 0]);
    expect(sent.map((each) => each.lane !== undefined)).toEqual([true, true, false, false, false]);
    at(0).answer('first');
    expect([sent[0]?.outcome, sent[2]?.written]).toEqual(['first', true]);
    at(2).becomeReady();
    expect(sent.map((each) => each.written)).toEqual([true, true, true, true, false]);
    at(1).answer();
    expect(sent[4]?.written).toBe(true);
  });

  it('uses first what was used last', () => {
    const connection = pool({ minimum: 2 });
    at(0).becomeReady();
    at(1).becomeReady();
    send(connection);
    at(1).answer();
    expect(send(connection).written && at(1).sent.length).toBe(1);
  });

  it('what is withdrawn makes place, waiting or not', () => {
    const connection = pool({ maximum: 1 });
    at(0).becomeReady();
    const [first, second, third] = [send(connection), send(connection), send(connection)];
    expect(connection.withdraw(first)).toBe(false);
    expect(connection.withdraw(second)).toBe(true);
    expect(connection.withdraw(second)).toBe(false);
    at(0).answer();
    expect([second.written, third.written]).toEqual([false, true]);
    // Handed over, and not written: the socket is full.
    third.written = false;
    const fourth = send(connection);
    expect(connection.withdraw(third)).toBe(true);
    expect(fourth.written).toBe(true);
  });

  it('ends a wait after acquireTimeout, each at its time', async () => {
    const connection = pool({ maximum: 1 });
    at(0).becomeReady();
    send(connection);
    const early = send(connection);
    await clock.advance(60);
    const late = send(connection);
    await clock.advance(60);
    expect(early.outcome).toMatchObject({ code: 'ACQUIRE_TIMEOUT', databaseId: 'east' });
    expect(late.outcome).toBeUndefined();
    await clock.advance(60);
    expect(late.outcome).toMatchObject({ code: 'ACQUIRE_TIMEOUT', maybeExecuted: false });
    expect([early.written, late.written]).toEqual([false, false]);
  });

  it('an acquireTimeout of 0 never ends one', async () => {
    const connection = pool({ maximum: 1, acquireTimeout: 0 });
    at(0).becomeReady();
    send(connection);
    const waiting = send(connection);
    await clock.advance(60_000);
    expect(waiting.outcome).toBeUndefined();
  });

  it('10 000 that wait cost constant time each', () => {
    const connection = pool({ maximum: 1 });
    at(0).becomeReady();
    const sent = Array.from({ length: 10_000 }, () => send(connection));
    for (const _ of sent) at(0).answer();
    expect(sent.every((each) => each.outcome === 'OK')).toBe(true);
  });
});

describe('cleaning up', () => {
  it('closes what is idle for cleanupDelay, down to the minimum', async () => {
    const connection = pool();
    at(0).becomeReady();
    for (let count = 0; count < 3; count += 1) send(connection);
    at(1).becomeReady();
    at(2).becomeReady();
    at(0).answer();
    await clock.advance(300);
    at(1).answer();
    await clock.advance(300);
    expect(opened.map((each) => each.destroyed)).toEqual([true, false, false]);
    at(2).answer();
    await clock.advance(600);
    expect(opened.map((each) => each.destroyed)).toEqual([true, true, false]);
    await clock.advance(5000);
    expect(at(2).destroyed).toBe(false);
    expect(story).toEqual(['ready']);
  });

  it('down to none, and another one is opened when it is needed', async () => {
    const connection = pool({ minimum: 0 });
    at(0).becomeReady();
    at(0).bytesReceived = 10;
    await clock.advance(600);
    expect([at(0).destroyed, connection.ready, connection.bytesReceived]).toEqual([true, true, 10]);
    const sent = send(connection);
    at(1).becomeReady();
    expect(sent.written).toBe(true);
  });

  it('is lost when it has none, and the one that it opens is refused', async () => {
    const connection = pool({ minimum: 0 });
    at(0).becomeReady();
    await clock.advance(600);
    const sent = send(connection);
    at(1).lose(LOST);
    await clock.advance(0);
    expect([story.at(-1), sent.outcome, sent.written]).toEqual(['lost: lost', LOST, false]);
  });
});

describe('losing', () => {
  it('one member is replaced at once when it was stable, and is told as a lane', async () => {
    const connection = pool({ minimum: 2 });
    at(0).becomeReady();
    at(1).becomeReady();
    const sent = send(connection);
    await clock.advance(2000);
    at(1).lose(LOST);
    await clock.advance(10);
    expect([story.at(-1), sent.outcome, opened.length]).toEqual(['lane: lost', LOST, 3]);
    expect(connection.ready).toBe(true);
  });

  it('waits longer and longer while members do not live', async () => {
    pool({ minimum: 2 });
    at(0).becomeReady();
    const openedAt: number[] = [];
    for (let index = 1; index < 6; index += 1) {
      openedAt.push(clock.now());
      at(index).lose(LOST);
      const count = opened.length;
      while (opened.length === count) await clock.advance(5);
    }
    const waits = openedAt.slice(1).map((time, index) => time - (openedAt[index] ?? 0));
    expect(waits).toEqual([50, 100, 200, 400]);
  });

  it('takes the delay of the user', async () => {
    pool({ minimum: 2 }, 7);
    at(0).becomeReady();
    at(1).lose(LOST);
    await clock.advance(10);
    expect(opened).toHaveLength(3);
  });

  it('of the last that was ready is the loss of the pool, with all that waits', async () => {
    const connection = pool({ maximum: 2 });
    at(0).becomeReady();
    const [first, second] = [send(connection), send(connection)];
    at(0).lose(LOST);
    expect([story, connection.ready]).toEqual([['ready', 'lost: lost'], false]);
    expect(at(1).destroyed).toBe(true);
    await clock.advance(0);
    expect([first.outcome, second.outcome, second.written]).toEqual([LOST, LOST, false]);
    at(1).becomeReady();
    await clock.advance(5000);
    expect([story.length, opened.length]).toEqual([2, 2]);
  });

  it('a member that the engine drops is told of, before its attempts end', async () => {
    const connection = pool({ minimum: 2 });
    at(0).becomeReady();
    at(1).becomeReady();
    const sent = send(connection);
    const late = new Error('late');
    sent.lane?.drop(late);
    sent.lane?.drop(late);
    expect([story.at(-1), sent.outcome]).toEqual(['lane: late', undefined]);
    await clock.advance(0);
    expect(sent.outcome).toBe(late);
    expect(story).toHaveLength(2);
  });
});

it('destroy ends everything at once and tells nothing', async () => {
  const connection = pool({ maximum: 1 });
  at(0).becomeReady();
  const sent = [send(connection), send(connection)];
  connection.destroy(LOST);
  connection.destroy(LOST);
  await clock.advance(0);
  expect(sent.map((each) => each.outcome)).toEqual([LOST, LOST]);
  expect([story, connection.ready, at(0).destroyed]).toEqual([['ready'], false, true]);
  await clock.advance(10_000);
  expect([opened.length, clock.pendingTimers]).toEqual([1, 0]);
});

it('keeps no process alive after unref, with later members as well', () => {
  const connection = pool();
  connection.unref();
  at(0).becomeReady();
  send(connection);
  send(connection);
  expect(opened.map((each) => each.referenced)).toEqual([false, false]);
  connection.ref();
  expect(opened.map((each) => each.referenced)).toEqual([true, true]);
});

it('hands announced maintenance on, and knows the ids of its members only', async () => {
  const connection = pool();
  at(0).becomeReady();
  at(0).listener.onMaintenance(500);
  expect(story.at(-1)).toBe('maintenance for 500 ms');
  await expect(connection.identify()).rejects.toThrow('several connections');
  expect(await send(connection).lane?.identify()).toBe('7');
});
