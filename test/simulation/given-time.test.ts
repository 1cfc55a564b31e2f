/** Commands while the active database fails and is given time to heal (`unhealthyAfterMs`). */
import { expect, it } from 'vitest';
import { eastAndWest } from '../../src/testing/east-and-west.js';
import type { FakeDatabase, VirtualClock } from '../../src/testing/index.js';

async function group(options: object = {}) {
  const { clock, client, east, west } = await eastAndWest({
    unhealthyAfterMs: 15_000,
    healthCheck: { intervalMs: 5000, timeoutMs: 1000, numProbes: 1 },
    commandRetry: { waitDurationMs: 0 },
    ...options,
  });
  const writes = { sent: 0 };
  east.observer = {
    onWritten: () => {
      writes.sent += 1;
    },
  };
  return { clock, east, west, client, writes };
}

interface Result {
  readonly at: number;
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

function watched(clock: VirtualClock, sent: Promise<unknown>): Partial<Result> {
  const result: { -readonly [Key in keyof Result]?: Result[Key] } = {};
  const settle = (outcome: object) => Object.assign(result, outcome, { at: clock.now() });
  sent.then(
    (value) => settle({ value }),
    (error) => settle({ error }),
  );
  return result;
}

it('what is refused waits until the database is healthy, instead of being sent again and again', async () => {
  const { clock, east, client, writes } = await group();
  east.state = 'READONLY';
  const results = Array.from({ length: 100 }, () => watched(clock, client.send(['INCR', 'n'])));
  await clock.advance(5000);
  expect(results.filter(({ at }) => at !== undefined)).toEqual([]);
  expect(writes.sent).toBeLessThanOrEqual(200);
  const sent = writes.sent;
  await clock.advance(2000);
  expect(writes.sent).toBe(sent);

  east.state = undefined;
  const healedAt = clock.now();
  await clock.advance(1000);
  expect(results.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  for (const { at = Number.POSITIVE_INFINITY } of results) expect(at - healedAt).toBeLessThan(600);
  expect(writes.sent - sent).toBe(100);
  client.destroy();
  await clock.advance(1000);
  expect(clock.pendingTimers).toBe(0);
});

it.each([1, 2, 3])(
  'maxAttempts: %i is a maximum, however long it is given',
  async (maxAttempts) => {
    const { clock, east, client, writes } = await group({
      commandRetry: { waitDurationMs: 0, maxAttempts },
    });
    // Its checks pass from time to time, and it refuses all the same.
    east.state = 'READONLY';
    const flapping = setFlapping(clock, east);
    const result = watched(clock, client.send(['INCR', 'n']));
    await clock.advance(12_000);
    flapping.end();
    expect(writes.sent).toBeLessThanOrEqual(maxAttempts);
    expect(result.error).toBeDefined();
    if (maxAttempts === 1) expect(result.error?.message).toMatch(/^READONLY/);
    client.destroy();
  },
);

/** Well for a millisecond, and read-only for much longer. */
function setFlapping(clock: VirtualClock, database: FakeDatabase) {
  let isOver = false;
  const flap = () => {
    if (isOver) return;
    database.state = database.state === undefined ? 'READONLY' : undefined;
    clock.elsewhere(database.state === undefined ? 1 : 400, flap);
  };
  clock.elsewhere(400, flap);
  return {
    end: () => {
      isOver = true;
    },
  };
}

it('goes to the next database when the time is over, and nothing was executed twice', async () => {
  const { clock, east, west, client } = await group({ unhealthyAfterMs: 3000 });
  east.state = 'READONLY';
  const results = Array.from({ length: 10 }, () => watched(clock, client.send(['INCR', 'n'])));
  await clock.advance(6000);
  expect(client.activeDatabase).toBe('west');
  expect(results.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1));
  expect([east.executions.length, west.executions.length]).toEqual([0, 10]);
  client.destroy();
});

it('ends at its deadline, by its signal and with the client', async () => {
  const { clock, east, client } = await group();
  east.state = 'READONLY';
  const abort = new AbortController();
  const [late, timed, aborted] = [
    watched(clock, client.send(['INCR', 'n'])),
    watched(clock, client.send(['INCR', 'n'], { timeout: 2000 })),
    watched(clock, client.send(['INCR', 'n'], { abortSignal: abort.signal })),
  ];
  await clock.advance(1000);
  abort.abort();
  await clock.advance(10);
  expect(aborted.error).toMatchObject({ name: 'AbortError', maybeExecuted: false });
  await clock.advance(1100);
  expect(timed.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  expect(late.at).toBeUndefined();
  await clock.advance(8000);
  expect(late.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });

  const last = watched(clock, client.send(['INCR', 'n']));
  await clock.advance(1000);
  client.destroy();
  await clock.advance(1000);
  expect(last.error).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
  expect(clock.pendingTimers).toBe(0);
});

it('without a health check nothing says that it has recovered: attempts are all there is', async () => {
  const { clock, east, client, writes } = await group({ healthCheck: false });
  east.state = 'READONLY';
  const result = watched(clock, client.send(['INCR', 'n']));
  await clock.advance(12_000);
  expect(writes.sent).toBe(3);
  expect(result.error?.message).toMatch(/^READONLY/);
  client.destroy();
});
