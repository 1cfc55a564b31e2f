import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClientContext } from '../../testing/fake-client-context.js';
import { BlockingCommands } from './blocking-commands.js';
import type { DataConnection } from './data-connection.js';
import type { InFlightConnection } from './sent-attempt.js';

let client: FakeClientContext;
let channel: DataConnection;
let left: InFlightConnection[];
let blocking: BlockingCommands;
let asked: (readonly string[])[];
let answer: () => Promise<unknown>;

beforeEach(() => {
  client = new FakeClientContext();
  channel = client.connect(client.east);
  left = [];
  asked = [];
  answer = () => Promise.resolve(1);
  // A path that asks its own server over a connection made for it.
  Object.assign(channel.path, {
    askAnew: (args: readonly string[]) => {
      asked.push(args);
      return answer();
    },
  });
  blocking = new BlockingCommands(client, (each) => left.push(each));
});

describe('the block time of an attempt', () => {
  it('begins with the first attempt, and is what is left of it for the next', async () => {
    client.loop.watch(() => {});
    const command = client.command(['BLPOP', 'k', '3']);
    expect(blocking.prepare(command, channel)).toBe(3000);
    await client.clock.advance(1000);
    expect(blocking.prepare(command, channel)).toBeGreaterThanOrEqual(2000);
    expect(blocking.prepare(command, channel)).toBeLessThan(2020);
    expect(Number(command.args[2])).toBeCloseTo(2, 1);
    expect(blocking.prepare(client.command(['GET', 'k']), channel)).toBe(0);
  });
});

describe('a database that was left as failed', () => {
  it('gives its blocking commands up, and no other', () => {
    const blocked = client.sent(['BLPOP', 'k', '0'], channel);
    const read = client.sent(['GET', 'k'], channel);
    expect(blocking.takeFrom(channel)).toEqual([blocked.command]);
    expect([blocked.state, read.state]).toEqual(['abandoned', 'under-way']);
    expect(blocked.command).toMatchObject({ maybeExecuted: true, attempts: 0, outstanding: 0 });
  });
});

describe('a database that was left while healthy', () => {
  it('is asked to unblock; the nil sends the command on', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    blocking.prepare(attempt.command, channel);
    blocking.unblock(channel);
    await client.clock.advance(1);
    expect(asked).toEqual([['CLIENT', 'UNBLOCK', '7']]);
    expect(blocking.goesOn(attempt, null)).toBe(true);
    expect(client.resent).toEqual([attempt.command]);
  });

  it('may have delivered an element first, which is the reply', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    blocking.unblock(channel);
    await client.clock.advance(1);
    expect(blocking.goesOn(attempt, ['k', 'v'])).toBe(false);
    expect(client.resent).toEqual([]);
  });

  it('is left like one that failed when it refuses to unblock', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    answer = () => Promise.reject(new Error('NOPERM'));
    blocking.unblock(channel);
    await client.clock.advance(1);
    expect(attempt.state).toBe('abandoned');
    expect(client.resent).toEqual([attempt.command]);
    expect(left).toEqual([channel]);
  });
});

it('a nil that nobody asked for is the reply', () => {
  const attempt = client.sent(['BLPOP', 'k', '1'], channel);
  expect(blocking.goesOn(attempt, null)).toBe(false);
});

it('tells the callers of commands that were cut off when their database is healthy', () => {
  const attempt = client.sent(['BLPOP', 'k', '0'], channel);
  blocking.hold(attempt);
  expect(attempt.command.state).toBe('waiting');
  blocking.rejectHeld();
  expect(client.settled[0]?.error).toMatchObject({ code: 'CONNECTION_LOST', databaseId: 'east' });
  blocking.rejectHeld();
  expect(client.settled).toHaveLength(1);
});
