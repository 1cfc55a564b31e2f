import { beforeEach, describe, expect, it } from 'vitest';
import { DatabaseSwitchedError } from '../../errors.js';
import { FakeClientContext, type NotedConnection } from '../../testing/fake-client-context.js';
import type { DataConnection } from '../command/data-connection.js';
import type { SentAttempt } from '../command/sent-attempt.js';
import { Lease } from './lease.js';

let client: FakeClientContext;
let channel: DataConnection;
let lease: Lease;
let taken: boolean[];

beforeEach(() => {
  client = new FakeClientContext();
  channel = client.connect(client.east);
  taken = [];
  const owner = { take: (_: Lease, isClean: boolean) => taken.push(isClean) };
  lease = new Lease(client, owner, 60_000, ['k']);
});

const batch = { kind: 'multi', commands: [['SET', 'k', 'v']] } as const;
const sent = () => (channel.connection as NotedConnection).sent as SentAttempt[];

/** The attempt sent last is written, and answered. */
async function answered(reply: unknown): Promise<void> {
  const attempt = sent().at(-1) as SentAttempt;
  attempt.written = true;
  if (attempt.end()) client.resolve(attempt.command, reply);
  await client.clock.advance(1);
}

it('is ready when it has a connection', async () => {
  let isReady = false;
  lease.ready.then(() => {
    isReady = true;
  });
  await client.clock.advance(1);
  expect(isReady).toBe(false);
  lease.start(channel);
  await client.clock.advance(1);
  expect([isReady, lease.database]).toEqual([true, client.east]);
});

it('knows what is watched, and that an EXEC was executed', async () => {
  lease.start(channel);
  const watch = lease.send(['WATCH', 'k']);
  await answered('OK');
  expect(await watch).toBe('OK');
  expect([lease.watching, lease.committed]).toEqual([true, false]);

  const exec = lease.send([], undefined, batch);
  await answered(['OK']);
  expect(await exec).toEqual(['OK']);
  expect([lease.watching, lease.committed]).toEqual([false, true]);
  expect(client.lastWrite).toBe(channel);
});

it('an EXEC that was refused because a key changed has committed nothing', async () => {
  lease.start(channel);
  void lease.send([], undefined, batch);
  await answered(null);
  expect([lease.committed, lease.maybeExecuted]).toEqual([false, false]);
});

describe('when it is aborted', () => {
  const switched = (details: object) => new DatabaseSwitchedError('switched', details);

  it('rejects what is under way, and says whether that may have been executed', async () => {
    lease.start(channel);
    const exec = lease.send([], undefined, batch);
    (sent()[0] as SentAttempt).written = true;
    expect(lease.isCommitting).toBe(true);
    const refused = expect(exec).rejects.toMatchObject({ maybeExecuted: true });
    lease.abort(switched);
    await client.clock.advance(1);
    await refused;
    expect([lease.maybeExecuted, taken, channel.size]).toEqual([true, [false], 0]);
  });

  it('refuses whatever comes later', async () => {
    lease.start(channel);
    lease.abort(switched);
    const late = expect(lease.send(['GET', 'k'])).rejects.toThrow('switched');
    await client.clock.advance(1);
    await late;
    expect(sent()).toEqual([]);
  });

  it('rejects who waits for a connection', async () => {
    const waiting = expect(lease.ready).rejects.toThrow('switched');
    lease.abort(switched);
    await waiting;
  });
});

describe('when it is released', () => {
  it('gives a clean connection back at once', async () => {
    lease.start(channel);
    lease.release();
    await client.clock.advance(1);
    expect([taken, sent()]).toEqual([[true], []]);
  });

  it('ends what is watched first', async () => {
    lease.start(channel);
    void lease.send(['WATCH', 'k']);
    await answered('OK');
    lease.release();
    await client.clock.advance(1);
    expect([sent().at(-1)?.args, taken]).toEqual([['UNWATCH'], []]);
    await answered('OK');
    expect(taken).toEqual([true]);
  });
});
