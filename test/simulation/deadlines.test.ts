/** When commands end by themselves, to the millisecond. */
import { expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../src/testing/index.js';

async function connected(options = {}) {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const client = new SimulatedClient({
    clock,
    databases: [{ database: east }],
    options: { suspectAfterMs: 60_000, unhealthyAfterMs: 600_000, ...options },
  });
  const connecting = client.connect();
  await clock.advance(100);
  await connecting;
  return { clock, east, client };
}

/** Virtual time until `sent` settled, and how. */
async function ended(clock: VirtualClock, sent: Promise<unknown>) {
  const [result] = await allEnded(clock, [sent]);
  return result as Ended;
}

interface Ended {
  readonly ms: number;
  readonly error: { readonly code?: string; readonly message: string } | undefined;
}

async function allEnded(clock: VirtualClock, sent: readonly Promise<unknown>[]): Promise<Ended[]> {
  const startedAt = clock.now();
  const results: Ended[] = [];
  for (const [index, each] of sent.entries()) {
    const note = (error?: Ended['error']) => {
      results[index] = { ms: clock.now() - startedAt, error };
    };
    each.then(() => note(), note);
  }
  const count = () => results.filter((each) => each !== undefined).length;
  await clock.until(() => count() === sent.length, 60_000);
  return results;
}

it.each([50, 51, 67, 100, 999])(
  'a timeout of %i ms is never early, and less than 20 ms late',
  async (timeout) => {
    const { clock, east, client } = await connected({ commandRetry: { maxAttempts: 1 } });
    east.freeze();
    for (let offset = 0; offset < 40; offset += 3) {
      await clock.advance(offset);
      const { ms, error } = await ended(clock, client.send(['INCR', 'n'], { timeout }));
      expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT' });
      expect(error?.message).toContain(`timeout (${timeout} ms)`);
      expect(ms).toBeGreaterThanOrEqual(timeout);
      expect(ms).toBeLessThan(timeout + 20);
    }
    client.destroy();
  },
);

it('it ends a command that was never sent, and one that waits for a retry', async () => {
  const { clock, east, client } = await connected();
  east.state = 'LOADING';
  const refused = await ended(clock, client.send(['GET', 'k'], { timeout: 300 }));
  expect(refused.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  expect(refused.ms).toBeLessThan(320);

  east.crash();
  await clock.advance(100);
  expect(client.isReady).toBe(false);
  const [own, longer, other] = await allEnded(clock, [
    client.send(['INCR', 'n'], { timeout: 50 }),
    client.send(['INCR', 'n'], { timeout: 20_000 }),
    client.send(['INCR', 'n']),
  ]);
  expect(own?.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  expect(own?.ms).toBeLessThan(70);
  for (const each of [longer, other]) {
    expect(each?.error?.message).toContain('commandDeadlineMs (10000 ms)');
    expect(each?.ms).toBeLessThan(10_020);
  }
  client.destroy();
});

it('it bounds all attempts together', async () => {
  const { clock, east, client } = await connected({ commandRetry: { waitDurationMs: 10 } });
  east.freeze();
  const { ms, error } = await ended(clock, client.send(['GET', 'k'], { timeout: 100 }));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  expect(ms).toBeLessThan(120);
  client.destroy();
});

it('a block time comes on top', async () => {
  const { clock, east, client } = await connected();
  east.freeze();
  const { ms } = await ended(clock, client.send(['BLPOP', 'list', '2'], { timeout: 100 }));
  expect(ms).toBeGreaterThanOrEqual(2100);
  expect(ms).toBeLessThan(2120);
  client.destroy();
});

const odd = Object.create(null);
const BAD: [string, unknown[], object][] = [
  ['a timeout that is text', ['GET', 'k'], { timeout: '500' }],
  ['a negative timeout', ['GET', 'k'], { timeout: -1 }],
  ['an endless timeout', ['GET', 'k'], { timeout: Number.POSITIVE_INFINITY }],
  ['a timeout that is no number', ['GET', 'k'], { timeout: Number.NaN }],
  ['a list as timeout', ['GET', 'k'], { timeout: [7] }],
  ['a signal that is none', ['GET', 'k'], { abortSignal: {} }],
  ['a cursor that has no text', ['SCAN', odd], {}],
  ['a key that has no text', ['HSCAN', odd, '5'], {}],
  ['a name that has no text', [odd], {}],
  ['nothing', ['SCAN', null], {}],
];

it.each(BAD)('%s: settles, and leaves nothing pending', async (_, args, options) => {
  for (const isConnected of [true, false]) {
    const { clock, east, client } = await connected({
      maxPendingCommands: 3,
      unhealthyAfterMs: 60_000,
    });
    if (!isConnected) {
      east.crash();
      await clock.advance(100);
    }
    for (let count = 0; count < 5; count += 1) {
      const { ms, error } = await ended(clock, client.send(args as never, options as never));
      expect(ms).toBeLessThan(11_000);
      expect(error?.code).not.toBe('OVERLOADED');
    }
    let isClosed = false;
    client.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1000);
    expect(isClosed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  }
});
