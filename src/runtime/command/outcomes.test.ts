import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClientContext } from '../../testing/fake-client-context.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { DataConnection } from './data-connection.js';
import type { DataConnections } from './data-connections.js';
import { Outcomes } from './outcomes.js';
import type { InFlightConnection } from './sent-attempt.js';

let client: FakeClientContext;
let channel: DataConnection;
let channels: Map<unknown, DataConnection>;
let held: unknown[];
let counts: { successes: number; failures: number };

const LOST = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

beforeEach(() => {
  client = new FakeClientContext();
  channels = new Map();
  held = [];
  const connections = { channels, finishDraining: (_: InFlightConnection) => {} };
  const blocking = { goesOn: () => false, hold: (attempt: unknown) => held.push(attempt) };
  const outcomes = new Outcomes(
    client,
    connections as unknown as DataConnections,
    blocking as unknown as BlockingCommands,
  );
  channel = client.connect(client.east, outcomes);
  channels.set(channel.link, channel);
  counts = client.east.circuit as unknown as typeof counts;
});

describe('a reply', () => {
  it('settles its command and is a success of the database', () => {
    const attempt = client.sent(['GET', 'k'], channel);
    attempt.onReply('value');
    expect(client.settled).toEqual([{ command: attempt.command, reply: 'value' }]);
    expect([counts.successes, channel.size, attempt.state]).toEqual([1, 0, 'ended']);
  });

  it('from before a switch settles its command, and says nothing of the database', () => {
    const attempt = client.sent(['GET', 'k'], channel);
    client.route = { ...client.route, generation: 2 };
    attempt.onReply('value');
    expect([client.settled.length, counts.successes]).toEqual([1, 0]);
  });

  it('that cannot be processed rejects its command', () => {
    const attempt = client.sent(['GET', 'k'], channel);
    const fault = new TypeError('a fault of the engine');
    client.cursors.note = () => {
      throw fault;
    };
    attempt.onReply(['1', '2']);
    expect(client.settled[0]?.error).toBe(fault);
    expect([channel.size, attempt.state]).toEqual([0, 'ended']);
  });

  it('that nobody waits for changes nothing', () => {
    const attempt = client.sent(['GET', 'k'], channel);
    attempt.abandon();
    attempt.onReply('value');
    expect([client.settled, counts.successes]).toEqual([[], 0]);
  });

  it('notes over which connection the latest write went', () => {
    client.sent(['GET', 'k'], channel).onReply('value');
    expect(client.lastWrite).toBeUndefined();
    client.sent(['SET', 'k', 'v'], channel).onReply('OK');
    expect(client.lastWrite).toBe(channel);
  });
});

describe('an error', () => {
  it('that the server answers to a wrong command goes to the caller, and is a success', () => {
    const error = new Error('WRONGTYPE Operation against a key');
    client.sent(['GET', 'k'], channel).onError(error);
    expect(client.settled[0]).toMatchObject({ error, kind: 'application-reply' });
    expect([counts.successes, counts.failures, client.suspected]).toEqual([1, 0, []]);
  });

  it('that names a state starts a round, and the command waits for its next attempt', () => {
    const { command } = client.sent(['SET', 'k', 'v'], channel);
    command.latest && channel.attempts()[0]?.onError(new Error('READONLY You cannot write'));
    expect(client.suspected).toEqual([['east', { stateWord: 'READONLY' }]]);
    expect([command.state, command.maybeExecuted, counts.failures]).toEqual(['waiting', false, 1]);
  });

  it('leaves a write open whose connection was lost; a read is repeated', () => {
    const write = client.sent(['INCR', 'k'], channel);
    const read = client.sent(['GET', 'k'], channel);
    channels.clear();
    for (const attempt of [write, read]) attempt.onError(LOST);
    expect(client.settled).toHaveLength(1);
    expect(client.settled[0]?.command).toBe(write.command);
    expect(client.settled[0]?.error).toMatchObject({
      code: 'CONNECTION_LOST',
      maybeExecuted: true,
      databaseId: 'east',
    });
    expect(read.command.state).toBe('waiting');
  });

  it('ends a command whose repeat the budget refuses, but not one that was never sent', () => {
    client.repeatsLeft = 1;
    const reads = [1, 2, 3].map(() => client.sent(['GET', 'k'], channel));
    channels.clear();
    for (const read of reads) read.onError(LOST);
    expect(reads.map(({ command }) => command.state)).toEqual(['waiting', 'settled', 'settled']);
    expect(client.settled[0]?.error).toMatchObject({ code: 'CONNECTION_LOST' });
    const unsent = client.sent(['GET', 'k'], channel, { written: false });
    channels.set(channel.link, channel);
    unsent.onError(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    expect(unsent.command.state).not.toBe('settled');
  });

  it('counts a lost connection once, however many commands were under way', () => {
    const attempts = Array.from({ length: 20 }, () => client.sent(['GET', 'k'], channel));
    channels.clear();
    for (const attempt of attempts) attempt.onError(LOST);
    expect(counts.failures).toBe(1);
  });

  it('of a command that was never written sends it again, and is no attempt', () => {
    const attempt = client.sent(['INCR', 'k'], channel, { written: false });
    channels.clear();
    attempt.onError(LOST);
    expect([client.resent, attempt.command.attempts]).toEqual([[attempt.command], 0]);
  });

  it('holds a blocking command that was cut off', () => {
    const attempt = client.sent(['BLPOP', 'k', '0'], channel);
    channels.clear();
    attempt.onError(LOST);
    expect([held, client.settled]).toEqual([[attempt], []]);
  });
});
