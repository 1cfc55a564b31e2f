import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection, ConnectionListener, Driver } from '../../drivers/driver.js';
import { LoopClock } from '../../loop-clock.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { ReconnectingConnection } from './reconnecting-connection.js';

class Opened {
  readonly bytesReceived = 0;
  destroyedWith: Error | undefined;
  referenced = true;

  constructor(
    readonly at: number,
    readonly listener: ConnectionListener,
  ) {}

  destroy(error: Error): void {
    this.destroyedWith = error;
  }
  ref(): void {
    this.referenced = true;
  }
  unref(): void {
    this.referenced = false;
  }
}

const LOST = new Error('lost');

let clock: VirtualClock;
let opened: Opened[];
let story: string[];
let link: ReconnectingConnection;
let ownDelay: number | undefined;
let onAsked: () => void;
let longestDelayMs: number;
let isCalled: boolean;
let loading: Promise<void> | undefined;

beforeEach(() => {
  clock = new VirtualClock();
  opened = [];
  story = [];
  ownDelay = undefined;
  onAsked = () => {};
  longestDelayMs = 2000;
  isCalled = false;
  loading = undefined;
  const driver: Partial<Driver> = {
    address: 'east:1',
    connectTimeoutMs: 500,
    load: () => loading,
    reconnectDelay: () => {
      onAsked();
      return ownDelay;
    },
    openConnection: (listener) => {
      opened.push(new Opened(clock.now(), listener));
      return opened.at(-1) as unknown as Connection;
    },
  };
  link = new ReconnectingConnection(
    driver as Driver,
    {
      onLinkUp: () => story.push('up'),
      onLinkDown: (_link, error, wasReady) => story.push(`down (${error.message}, ${wasReady})`),
      onLinkLaneLost: (_link, lane, error) =>
        story.push(`${lane ? 'lane' : 'none'}: ${error.message}`),
      longestReconnectDelayMs: () => longestDelayMs,
      isCalled: () => isCalled,
      onLinkMaintenance: (_link, forMs) => story.push(`maintenance for ${forMs} ms`),
    },
    { clock, loop: new LoopClock(clock, 10), random: () => 0 },
  );
});

const last = () => opened.at(-1) as Opened;
/** Opens, and lives long enough to be trusted. */
async function ready(): Promise<void> {
  link.open();
  last().listener.onReady();
  await clock.advance(2000);
}

it('tells of a lost lane, and lives on', async () => {
  await ready();
  last().listener.onLaneLost(undefined, LOST);
  expect(story).toEqual(['up', 'none: lost']);
  expect(link.connection).toBe(last());
  const former = last();
  link.close(LOST);
  former.listener.onLaneLost(undefined, LOST);
  expect(story).toHaveLength(2);
});

it('opens when asked, once', () => {
  expect(link.idle).toBe(true);
  link.open();
  link.open();
  expect(opened).toHaveLength(1);
  expect([link.idle, link.connection]).toEqual([false, undefined]);
  last().listener.onReady();
  expect(link.connection).toBe(last());
  link.open();
  expect(opened).toHaveLength(1);
  expect(story).toEqual(['up']);
});

describe('the code of the driver', () => {
  it('is loaded first, without a time limit', async () => {
    let finish = () => {};
    loading = new Promise((resolve) => {
      finish = resolve;
    });
    link.open();
    await clock.advance(60_000);
    link.open();
    expect([opened, story, link.idle]).toEqual([[], [], false]);
    loading = undefined;
    finish();
    await clock.advance(0);
    expect(opened).toHaveLength(1);
    last().listener.onReady();
    expect(story).toEqual(['up']);
  });

  it('that can not be loaded is a lost connection, and is loaded again', async () => {
    loading = Promise.reject(LOST);
    link.open();
    await clock.advance(40);
    expect([opened, story[0]]).toEqual([[], 'down (lost, false)']);
    loading = undefined;
    await clock.advance(100);
    expect(opened).toHaveLength(1);
  });

  it('opens nothing when the link is closed meanwhile', async () => {
    const late = Promise.resolve();
    loading = late;
    link.open();
    link.close(LOST);
    loading = undefined;
    await late;
    await clock.advance(2000);
    expect([opened, story]).toEqual([[], []]);
  });
});

describe('hurry', () => {
  it('ends a wait, and nothing else that is healthy', async () => {
    link.hurry(clock.now());
    expect(link.idle).toBe(true);
    isCalled = true;
    link.open();
    last().listener.onLost(LOST);
    await clock.advance(10);
    // The first reconnect is at once; from then on the link waits to be called.
    last().listener.onLost(LOST);
    await clock.advance(1900);
    expect(opened).toHaveLength(2);
    link.hurry(clock.now());
    expect(opened).toHaveLength(3);
    last().listener.onReady();
    link.hurry(clock.now() + 1);
    expect(opened).toHaveLength(3);
    expect(link.connection).toBe(last());
    link.close(LOST);
    link.hurry(clock.now());
    expect(opened).toHaveLength(3);
  });

  it('replaces an attempt that began before, and no later one', async () => {
    link.open();
    const first = last();
    await clock.advance(100);
    link.hurry(clock.now());
    expect(opened).toHaveLength(2);
    expect(first.destroyedWith).toBeDefined();
    first.listener.onReady();
    expect(link.connection).toBeUndefined();
    link.hurry(clock.now());
    expect(opened).toHaveLength(2);
    last().listener.onReady();
    expect(link.connection).toBe(last());
    await clock.advance(1000);
    expect(story).toEqual(['up']);
  });
});

describe('a lost connection', () => {
  it('is replaced at once, then with growing delays up to two seconds', async () => {
    await ready();
    const delays: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const { length } = opened;
      const lostAt = clock.now();
      last().listener.onLost(LOST);
      expect(link.connection).toBeUndefined();
      await clock.until(() => opened.length > length, 60_000);
      delays.push(Math.round(clock.now() - lostAt));
    }
    expect(delays).toEqual([1, 50, 100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  it('starts with no delay again only after one that proved itself', async () => {
    await ready();
    last().listener.onLost(LOST);
    await clock.advance(1);
    // Ready, and lost at once, as by a server that accepts and closes.
    last().listener.onReady();
    const { length } = opened;
    last().listener.onLost(LOST);
    await clock.advance(40);
    expect(opened).toHaveLength(length);
    await clock.advance(60);
    expect(opened).toHaveLength(length + 1);
    last().listener.onReady();
    await clock.advance(1000);
    last().listener.onLost(LOST);
    await clock.advance(1);
    expect(opened).toHaveLength(length + 2);
  });

  it('waits as long as the user says', async () => {
    await ready();
    ownDelay = 7777;
    last().listener.onLost(LOST);
    await clock.advance(1);
    last().listener.onLost(LOST);
    const { length } = opened;
    await clock.advance(7776);
    expect(opened).toHaveLength(length);
    await clock.advance(1);
    expect(opened).toHaveLength(length + 1);
  });

  it('is told with what happened, and whether it was ready', async () => {
    link.open();
    last().listener.onLost(LOST);
    await clock.advance(1);
    last().listener.onReady();
    last().listener.onLost(LOST);
    expect(story).toEqual(['down (lost, false)', 'up', 'down (lost, true)']);
  });

  it('is opened at once when somebody asks', async () => {
    await ready();
    last().listener.onLost(LOST);
    await clock.advance(1);
    last().listener.onLost(LOST);
    const { length } = opened;
    link.open();
    expect(opened).toHaveLength(length + 1);
    await clock.advance(300);
    expect(opened).toHaveLength(length + 1);
  });

  it('changes nothing when it is told late', async () => {
    await ready();
    const [old] = opened as [Opened];
    old.listener.onLost(LOST);
    await clock.advance(1);
    last().listener.onReady();
    old.listener.onLost(LOST);
    old.listener.onReady();
    expect(link.connection).toBe(last());
    expect(story).toEqual(['up', 'down (lost, true)', 'up']);
  });
});

it('gives an opening up that takes longer than the connect timeout', async () => {
  link.open();
  await clock.advance(499);
  expect(story).toEqual([]);
  await clock.advance(50);
  expect(story).toEqual(['down (no connection to east:1 in time, false)']);
  expect(opened[0]?.destroyedWith?.message).toContain('in time');
  expect(opened.length).toBeGreaterThan(1);
});

it('drops a connection as if it had been lost', async () => {
  await ready();
  link.drop(LOST);
  expect(opened[0]?.destroyedWith).toBe(LOST);
  expect(story).toEqual(['up', 'down (lost, true)']);
  await clock.advance(1);
  expect(opened).toHaveLength(2);
});

it('gives its connection away, unharmed', async () => {
  await ready();
  const [given] = opened;
  expect(link.detach(true)).toBe(given);
  expect(link.detach(true)).toBeUndefined();
  await clock.advance(100);
  expect(opened).toHaveLength(2);
  last().listener.onReady();
  expect(link.detach(false)).toBe(opened[1]);
  expect(link.idle).toBe(true);
  await clock.advance(60_000);
  expect(opened).toHaveLength(2);
  expect(opened.map(({ destroyedWith }) => destroyedWith)).toEqual([undefined, undefined]);
  expect(story).toEqual(['up', 'up']);
});

it.each([
  ['while it opens', () => {}],
  ['while it is ready', () => last().listener.onReady()],
  ['while it waits', () => last().listener.onLost(LOST)],
])('rests and closes %s, and leaves no timer', async (_when, prepare) => {
  const closing = new Error('closing');
  link.open();
  prepare();
  link.rest(closing);
  expect(link.idle).toBe(true);
  await clock.advance(10_000);
  expect(opened).toHaveLength(1);

  link.open();
  expect(opened).toHaveLength(2);
  prepare();
  link.close(closing);
  link.open();
  link.rest(closing);
  expect(link.idle).toBe(false);
  await clock.advance(10_000);
  expect(opened).toHaveLength(2);
  expect(clock.pendingTimers).toBe(0);
});

it('hands ref and unref on, also to connections to come', async () => {
  link.unref();
  link.open();
  expect(last().referenced).toBe(false);
  last().listener.onReady();
  link.ref();
  expect(last().referenced).toBe(true);
  link.unref();
  expect(last().referenced).toBe(false);
  last().listener.onLost(LOST);
  await clock.advance(100);
  expect(opened).toHaveLength(2);
  expect(last().referenced).toBe(false);
});

it.each([
  ['close', () => link.close(LOST)],
  ['rest', () => link.rest(LOST)],
])('is not revived by a reconnect strategy that leads to its %s', async (_what, end) => {
  await ready();
  onAsked = end;
  last().listener.onLost(LOST);
  await clock.advance(1);
  last().listener.onLost(LOST);
  await clock.advance(60_000);
  expect([opened.length, clock.pendingTimers]).toEqual([2, 0]);
});
