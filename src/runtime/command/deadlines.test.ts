import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClientContext, type NotedConnection } from '../../testing/fake-client-context.js';
import type { DataConnection } from './data-connection.js';
import type { DataConnections } from './data-connections.js';
import { Deadlines } from './deadlines.js';
import type { InFlightConnection } from './sent-attempt.js';

let client: FakeClientContext;
let channel: DataConnection;
let connection: NotedConnection;
let draining: Set<InFlightConnection>;
let deadlines: Deadlines;

beforeEach(() => {
  client = new FakeClientContext();
  channel = client.connect(client.east);
  connection = channel.connection as NotedConnection;
  draining = new Set();
  const connections = {
    channels: new Map([[channel.link, channel]]),
    draining,
    finishDraining: () => {},
    endDraining: (each: InFlightConnection) => draining.delete(each),
    replaceSilent: () => {},
  };
  deadlines = new Deadlines(client, connections as unknown as DataConnections);
  deadlines.watch();
});

it('what could not be handed to its connection is neither silent nor late', async () => {
  const attempt = client.sent(['GET', 'k'], channel);
  client.sent(['BLPOP', 'k', '20'], channel);
  // As when the stack of the caller was full.
  attempt.state = 'taken-back';
  attempt.command.state = 'settled';
  await client.clock.advance(4000);
  expect(client.suspected).toEqual([]);
  expect(channel.size).toBe(1);
});

it('watches although it could not at first', async () => {
  let isFull = true;
  const { loop } = client;
  const watch = loop.watch.bind(loop);
  loop.watch = (watcher) => {
    if (isFull) throw new RangeError('the stack is full');
    watch(watcher);
  };
  const other = new Deadlines(client, {
    channels: new Map([[channel.link, channel]]),
    draining,
  } as never);
  deadlines.end();
  expect(() => other.watch()).toThrow('the stack is full');
  isFull = false;
  other.watch();
  client.sent(['GET', 'k'], channel);
  await client.clock.advance(1100);
  expect(client.suspected).toHaveLength(1);
});

describe('silence', () => {
  it('is suspect after suspectAfterMs, and again after as long', async () => {
    client.sent(['GET', 'k'], channel);
    await client.clock.advance(950);
    expect(client.suspected).toEqual([]);
    await client.clock.advance(100);
    expect(client.suspected.map(([id]) => id)).toEqual(['east']);
    await client.clock.advance(1000);
    expect(client.suspected).toHaveLength(2);
  });

  it('is none while bytes arrive, or with nothing under way', async () => {
    await client.clock.advance(3000);
    client.sent(['GET', 'k'], channel);
    for (let at = 0; at < 3000; at += 100) {
      connection.bytesReceived += 1;
      await client.clock.advance(100);
    }
    expect(client.suspected).toEqual([]);
  });

  it('is none while the process was stalled and the reply lay in the socket', async () => {
    client.sent(['GET', 'k'], channel);
    client.clock.deliver(10, () => {
      connection.bytesReceived += 1;
    });
    await client.clock.stall(4000);
    await client.clock.advance(20);
    expect(client.suspected).toEqual([]);
  });

  it('is none behind a command that blocks', async () => {
    client.sent(['BLPOP', 'k', '3'], channel);
    await client.clock.advance(3900);
    expect(client.suspected).toEqual([]);
  });
});

describe('an attempt that is late', () => {
  it('ends, and leaves open whether it was executed; its reply is orphaned', async () => {
    const { command } = client.sent(['INCR', 'k'], channel);
    connection.bytesReceived += 1;
    await client.clock.advance(5100);
    const [settled] = client.settled;
    expect(settled?.command).toBe(command);
    expect(settled?.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
    expect([channel.size, channel.orphaned]).toEqual([0, 1]);
  });

  it('takes back what was not written, and has it sent again', async () => {
    const attempt = client.sent(['INCR', 'k'], channel, { written: false });
    await client.clock.advance(5100);
    expect([attempt.state, attempt.command.attempts]).toEqual(['taken-back', 0]);
    expect(client.resent).toEqual([attempt.command]);
    expect(client.settled).toEqual([]);
  });

  it('drops a connection that has delivered nothing', async () => {
    client.sent(['GET', 'k'], channel);
    await client.clock.advance(5100);
    expect(connection.destroyed?.message).toMatch(/east did not answer/);
  });

  it('spares a connection that delivers when one call alone had a short timeout', async () => {
    client.sent(['GET', 'k'], channel, { options: { timeout: 50 } });
    for (let at = 0; at < 400; at += 20) {
      connection.bytesReceived += 1;
      await client.clock.advance(20);
    }
    expect(connection.destroyed).toBeUndefined();
  });
});

it('rejects what waits past its deadline', async () => {
  const command = client.command(['GET', 'k']);
  client.waiting.addToBacklog(command);
  await client.clock.advance(9950);
  expect(client.settled).toEqual([]);
  await client.clock.advance(100);
  expect(client.settled[0]?.error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
});

it('leaves no timer behind', async () => {
  client.sent(['GET', 'k'], channel);
  await client.clock.advance(100);
  deadlines.end();
  await client.clock.advance(100);
  expect(client.clock.pendingTimers).toBe(0);
});
