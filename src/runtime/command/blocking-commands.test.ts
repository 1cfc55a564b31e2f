import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClientContext } from '../../testing/fake-client-context.js';
import { BlockingCommands } from './blocking-commands.js';
import type { DataConnection } from './data-connection.js';
import type { AttemptQueue } from './sent-attempt.js';

let client: FakeClientContext;
let channel: DataConnection;
let left: AttemptQueue[];
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

/** The server answers by an error reply. */
function refuse(): void {
  answer = () => Promise.reject(new Error('NOPERM'));
  Object.assign(client.east.driver, { classify: () => 'reply' });
}

/** So many bytes have arrived. */
function received(bytes: number): void {
  Object.assign(channel.path, { bytesReceived: channel.path.bytesReceived + bytes });
}

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
    refuse();
    blocking.unblock(channel);
    await client.clock.advance(20);
    expect(attempt.state).toBe('abandoned');
    expect(client.resent).toEqual([attempt.command]);
    expect(left).toEqual([channel]);
  });

  it('delivers what lies in the socket while it refuses to unblock', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    refuse();
    blocking.unblock(channel);
    client.clock.afterTurn(() => {
      received(1);
      client.clock.afterTurn(() => attempt.end());
    });
    await client.clock.advance(100);
    expect([attempt.state, left, client.resent]).toEqual(['ended', [], []]);
  });

  it('is asked again when nobody answered, and left after the time limit', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    answer = () => Promise.reject(new Error('ECONNRESET'));
    client.loop.watch(() => {});
    blocking.unblock(channel);
    await client.clock.advance(900);
    expect(asked.length).toBeGreaterThan(2);
    expect([attempt.state, left]).toEqual(['under-way', []]);
    await client.clock.advance(2000);
    expect([attempt.state, left]).toEqual(['abandoned', [channel]]);
  });

  it('is left when it says that it has unblocked and nothing arrives', async () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    client.loop.watch(() => {});
    blocking.unblock(channel);
    await client.clock.advance(800);
    received(1);
    await client.clock.advance(800);
    expect([attempt.state, left]).toEqual(['under-way', []]);
    await client.clock.advance(2000);
    expect([attempt.state, left]).toEqual(['abandoned', [channel]]);
  });

  it('may unblock a later command: its nil sends that on', async () => {
    const first = client.sent(['BLPOP', 'k', '0'], channel);
    let settle: (reply: unknown) => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        settle = resolve;
      });
    blocking.unblock(channel);
    await client.clock.advance(5);
    first.end();
    const later = client.sent(['BLPOP', 'k', '0'], channel);
    blocking.prepare(later.command, channel);
    expect(blocking.goesOn(later, null)).toBe(true);
    settle(1);
    await client.clock.advance(5);
    expect(left).toEqual([]);
  });
});

describe('a connection that was superseded', () => {
  /** What the health checks' connection has been sent. */
  let sent: string[];

  beforeEach(() => {
    sent = [];
    Object.assign(channel.path, { askAnew: undefined });
    channel.superseded = true;
  });

  /** The connection of the health checks leads to the server `runId`. */
  function probesLeadTo(runId: string): void {
    const send = async (args: readonly string[]) => {
      sent.push(args.join(' '));
      return args[0] === 'INFO' ? `run_id:${runId}` : 1;
    };
    const use = (_: unknown, action: (connection: object) => Promise<unknown>) => action({ send });
    const monitors = client.coordinator.health.monitors as Map<unknown, unknown>;
    monitors.set(client.east, { lines: { commands: { former: undefined, use } } });
  }

  it('is asked over a connection to the same server', async () => {
    client.sent(['BLPOP', 'k', '0'], channel);
    channel.server.runId = 'a1';
    probesLeadTo('a1');
    blocking.unblock(channel);
    await client.clock.advance(5);
    expect(sent).toEqual(['INFO server', 'CLIENT UNBLOCK 7']);
    expect(left).toEqual([]);
  });

  it.each(['b2', undefined])('is not asked over one to another server', async (runId) => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    channel.server.runId = runId;
    probesLeadTo('a1');
    client.loop.watch(() => {});
    blocking.unblock(channel);
    await client.clock.advance(3000);
    expect(sent).not.toContain('CLIENT UNBLOCK 7');
    expect([attempt.state, left]).toEqual(['abandoned', [channel]]);
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
