import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver, ProbeConnection } from '../../drivers/driver.js';
import { LoopClock } from '../../loop-clock.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { SharedProbeConnection } from './shared-probe-connection.js';

class FakeProbe {
  alive = true;
  destroyed = false;
  send = async (args: readonly unknown[]): Promise<unknown> => args[0];

  destroy(): void {
    this.alive = false;
    this.destroyed = true;
  }
  /** As when the socket is reset under a command. */
  breakNext(): void {
    this.send = async () => {
      this.alive = false;
      throw new Error('reset');
    };
  }
}

class Cut extends Error {}

let clock: VirtualClock;
let opened: FakeProbe[];
let attempts: number;
let open: (signal: AbortSignal) => Promise<FakeProbe>;
let driver: Partial<Driver>;
let line: SharedProbeConnection;
const { signal } = new AbortController();

beforeEach(() => {
  clock = new VirtualClock();
  opened = [];
  attempts = 0;
  open = async () => {
    opened.push(new FakeProbe());
    return opened.at(-1) as FakeProbe;
  };
  driver = {
    openSubscriber: () => {
      throw new Error('not used');
    },
    openProbe: (given) => {
      attempts += 1;
      return open(given) as unknown as Promise<ProbeConnection>;
    },
    isCut: (error) => error instanceof Cut,
  };
  line = new SharedProbeConnection(driver as Driver, { clock, loop: new LoopClock(clock, 10) });
});

const ping = (given = signal) => line.use(given, (connection) => connection.send(['PING']));

it('opens when it is needed, once for all that need it, and reuses', async () => {
  expect(attempts).toBe(0);
  expect(await Promise.all([ping(), ping()])).toEqual(['PING', 'PING']);
  expect(await ping()).toBe('PING');
  expect(attempts).toBe(1);
});

it('replaces a connection that broke under a command, within the same use', async () => {
  await ping();
  opened[0]?.breakNext();
  expect(await ping()).toBe('PING');
  expect(attempts).toBe(2);
});

it('pauses when new connections break as well, and ends with its caller’s signal', async () => {
  open = async () => {
    const probe = new FakeProbe();
    probe.breakNext();
    opened.push(probe);
    return probe;
  };
  const abort = new AbortController();
  const result = ping(abort.signal).catch((error: Error) => error.message);
  await clock.advance(1000);
  expect(attempts).toBeGreaterThan(5);
  expect(attempts).toBeLessThan(30);
  abort.abort(new Error('too late'));
  await clock.advance(1000);
  expect(await result).toMatch(/too late|reset/);
});

it.each([
  ['a refusal', new Error('ECONNREFUSED'), 1],
  ['a cut, and then a refusal', new Cut('ECONNRESET'), 2],
])('ends with %s', async (_what, first, expected) => {
  open = async () => {
    throw attempts === 1 ? first : new Error('ECONNREFUSED');
  };
  await expect(ping()).rejects.toThrow('ECONNREFUSED');
  expect(attempts).toBe(expected);
});

it('ends with an error reply, and keeps the connection', async () => {
  const reply = new Error('LOADING');
  await expect(line.use(signal, () => Promise.reject(reply))).rejects.toBe(reply);
  await ping();
  expect(attempts).toBe(1);
});

it('renews: what comes next uses a new connection', async () => {
  await ping();
  line.renew();
  expect(opened[0]?.destroyed).toBe(true);
  await ping();
  expect(attempts).toBe(2);
});

it('renews an opening under way for whoever waits for it', async () => {
  const signals: AbortSignal[] = [];
  const fast = open;
  open = (given) => {
    signals.push(given);
    return new Promise((_resolve, reject) => {
      given.addEventListener('abort', () => reject(given.reason));
    });
  };
  const pinged = ping();
  open = fast;
  line.renew();
  expect(signals[0]?.aborted).toBe(true);
  expect(await pinged).toBe('PING');
  expect(attempts).toBe(2);
});

it('opens nothing for a caller that has given up', async () => {
  await expect(ping(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(attempts).toBe(0);
});

it('closes for good, a connection that comes late as well', async () => {
  const late = new FakeProbe();
  const opening: { resolve?: (probe: FakeProbe) => void } = {};
  open = () =>
    new Promise((resolve) => {
      opening.resolve = resolve;
    });
  const pinged = ping();
  pinged.catch(() => {});
  line.close();
  opening.resolve?.(late);
  await expect(ping()).rejects.toThrow('ended');
  await clock.advance(0);
  expect(late.destroyed).toBe(true);
});

describe('a successor', () => {
  /** The present connection does not answer, and another one is opened beside it. */
  const doubted = async () => {
    await ping();
    const [present] = opened;
    if (present !== undefined) present.send = () => new Promise(() => {});
    const pinged = ping();
    await clock.advance(1);
    line.doubt(clock.now());
    return pinged;
  };

  it('takes the place of a connection that is slow, which is closed with the line', async () => {
    const setting = { silentAfterMs: 1000, onOutdated: () => {} };
    line = new SharedProbeConnection(
      driver as Driver,
      { clock, loop: new LoopClock(clock, 10) },
      setting,
    );
    expect(await doubted()).toBe('PING');
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    line.close();
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    await clock.advance(5000);
    expect(clock.pendingTimers).toBe(0);
  });

  it('makes a refusal that comes after its own answer known', async () => {
    const reasons: string[] = [];
    const onOutdated = (why: Error) => reasons.push(why.message);
    const setting = { silentAfterMs: 1000, onOutdated };
    line = new SharedProbeConnection(
      driver as Driver,
      { clock, loop: new LoopClock(clock, 10) },
      setting,
    );
    await ping();
    const [present] = opened as [FakeProbe];
    let refuse = () => {};
    present.send = () =>
      new Promise((_, reject) => {
        refuse = () => reject(new Error('READONLY'));
      });
    const pinged = ping();
    line.doubt(clock.now() + 1);
    expect(await pinged).toBe('PING');
    refuse();
    await clock.advance(0);
    expect(reasons).toEqual(['READONLY']);
    await clock.advance(5000);
    expect([reasons.length, present.destroyed]).toEqual([1, true]);
    line.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('that breaks is replaced as well', async () => {
    const usual = open;
    open = async (given) => {
      const probe = await usual(given);
      if (attempts === 2) probe.breakNext();
      return probe;
    };
    expect(await doubted()).toBe('PING');
    expect(attempts).toBe(3);
  });
});
