import { describe, expect, it } from 'vitest';
import type { Attempt, Connection } from '../drivers/driver.js';
import { LoopClock } from '../loop-clock.js';
import { FakeDatabase } from './fake-database.js';
import { VirtualClock } from './virtual-clock.js';

interface Sent extends Attempt {
  outcome: unknown;
}

function setup(windowSize?: number) {
  const clock = new VirtualClock();
  const database = new FakeDatabase({ id: 'a', clock, ...(windowSize && { windowSize }) });
  return { clock, database };
}

async function open({ clock, database }: ReturnType<typeof setup>) {
  const told: string[] = [];
  const connection = database.driver.openConnection(
    {
      onReady: () => {
        told.push('ready');
      },
      onLost: (error) => {
        told.push(error.message);
      },
      onLaneLost: () => {},
      onMaintenance: () => {},
    },
    { clock, loop: new LoopClock(clock, 10), random: () => 0 },
  );
  await clock.advance(10);
  return { connection, told };
}

function send(connection: Connection, ...args: string[]): Sent {
  const attempt: Sent = {
    args,
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    outcome: undefined,
    onReply: (reply) => {
      attempt.outcome = reply;
    },
    onError: (error) => {
      attempt.outcome = error;
    },
  };
  connection.send(attempt);
  return attempt;
}

describe('a fake database', () => {
  it('answers commands in order, and remembers what it ran', async () => {
    const world = setup();
    const { connection, told } = await open(world);
    expect(told).toEqual(['ready']);
    const sent = [
      send(connection, 'SET', 'k', '1'),
      send(connection, 'INCR', 'k'),
      send(connection, 'LPUSH', 'k', 'x'),
    ];
    expect(sent.map((attempt) => attempt.written)).toEqual([false, false, false]);
    await world.clock.advance(10);
    expect(sent.map(({ outcome }) => String(outcome))).toEqual([
      'OK',
      '2',
      expect.stringMatching(/WRONGTYPE/),
    ]);
    expect(world.database.executions.map(({ args, failed }) => [args[0], failed])).toEqual([
      ['SET', false],
      ['INCR', false],
      ['LPUSH', true],
    ]);
    expect(connection.bytesReceived).toBe(3);
  });

  it('lets an unwritten command be withdrawn, and no written one', async () => {
    const world = setup();
    const { connection } = await open(world);
    const unwritten = send(connection, 'INCR', 'k');
    expect(connection.withdraw(unwritten)).toBe(true);
    const written = send(connection, 'INCR', 'k');
    await world.clock.advance(0.1);
    expect(written.written).toBe(true);
    expect(connection.withdraw(written)).toBe(false);
    await world.clock.advance(10);
    expect([unwritten.outcome, written.outcome]).toEqual([undefined, 1]);
  });

  it('writes no more than the buffers take while it is frozen, and runs them when it thaws', async () => {
    const world = setup(2);
    const { connection } = await open(world);
    world.database.freeze();
    const sent = [1, 2, 3].map(() => send(connection, 'INCR', 'k'));
    await world.clock.advance(100);
    expect(sent.map((attempt) => attempt.written)).toEqual([true, true, false]);
    connection.destroy(new Error('given up'));
    world.database.thaw();
    await world.clock.advance(100);
    // What it had received is run although nobody waits for it; the rest never arrived.
    expect(world.database.executions).toHaveLength(2);
    expect(sent.map(({ outcome }) => String(outcome))).toEqual(Array(3).fill('Error: given up'));
  });

  it('crashes: connections are reset, new ones refused, until it restarts', async () => {
    const world = setup();
    const { connection, told } = await open(world);
    const attempt = send(connection, 'INCR', 'k');
    await world.clock.advance(0.1);
    world.database.crash();
    await world.clock.advance(10);
    expect(String(attempt.outcome)).toMatch(/ECONNRESET/);
    expect(told).toEqual(['ready', expect.stringMatching(/ECONNRESET/)]);
    expect(world.database.openConnections).toBe(0);
    expect((await open(world)).told).toEqual([expect.stringMatching(/ECONNREFUSED/)]);
    world.database.restart();
    expect((await open(world)).told).toEqual(['ready']);
  });

  it.each(['to-server', 'to-client'] as const)(
    'loses packets %s, and delivers them once it is healed',
    async (direction) => {
      const world = setup();
      const { connection } = await open(world);
      world.database.silence(direction);
      const attempt = send(connection, 'INCR', 'k');
      await world.clock.advance(5000);
      expect(attempt.outcome).toBeUndefined();
      expect(world.database.executions).toHaveLength(direction === 'to-server' ? 0 : 1);
      world.database.unsilence();
      await world.clock.advance(10);
      expect(attempt.outcome).toBe(1);
    },
  );

  it('never gets what was lost on a connection that was closed before it healed', async () => {
    const world = setup();
    const { connection } = await open(world);
    world.database.silence('to-server');
    send(connection, 'INCR', 'k');
    await world.clock.advance(100);
    connection.destroy(new Error('given up'));
    world.database.unsilence();
    await world.clock.advance(100);
    expect(world.database.executions).toHaveLength(0);
  });

  it('has connections that go silent for ever, while new ones work', async () => {
    const world = setup();
    const { connection, told } = await open(world);
    world.database.loseConnections();
    const attempt = send(connection, 'INCR', 'k');
    await world.clock.advance(60_000);
    expect(attempt.outcome).toBeUndefined();
    expect(told).toEqual(['ready']);
    expect(world.database.lostConnections).toBe(1);
    expect((await open(world)).told).toEqual(['ready']);
  });

  it.each(['to-server', 'to-client'] as const)('forgets flows %s only', async (direction) => {
    const world = setup();
    const { connection, told } = await open(world);
    world.database.loseConnections('probe', direction);
    expect(world.database.lostConnections).toBe(0);
    world.database.loseConnections('data', direction);
    const attempt = send(connection, 'INCR', 'k');
    await world.clock.advance(1000);
    world.database.heal();
    await world.clock.advance(1000);
    expect(attempt.outcome).toBeUndefined();
    expect(world.database.executions).toHaveLength(direction === 'to-server' ? 0 : 1);
    world.database.killConnections();
    await world.clock.advance(10);
    // The end is lost on the way to the client, or told.
    expect(told).toHaveLength(direction === 'to-server' ? 2 : 1);
  });

  it('moves to another server, and leaves old connections with a replica', async () => {
    const world = setup();
    const { connection: old } = await open(world);
    world.database.move();
    const { connection: young } = await open(world);
    const sent = [
      send(young, 'SET', 'k', '1'),
      send(old, 'GET', 'k'),
      send(old, 'SET', 'k', '2'),
      send(young, 'GET', 'k'),
    ];
    await world.clock.advance(10);
    expect(sent.map(({ outcome }) => String(outcome))).toEqual([
      'OK',
      '1',
      expect.stringMatching(/READONLY/),
      '1',
    ]);
    expect(world.database.staleConnections).toBe(1);
    world.database.heal();
    expect(world.database.staleConnections).toBe(1);
    old.destroy(new Error('replaced'));
    expect(world.database.staleConnections).toBe(0);
  });

  it('has a name that leads to a replica as well', async () => {
    const world = setup();
    world.database.alternate();
    const opened = [await open(world), await open(world), await open(world)];
    const sent = opened.map(({ connection }) => send(connection, 'SET', 'k', 'v'));
    await world.clock.advance(10);
    const refused = sent.filter(({ outcome }) => String(outcome).includes('READONLY'));
    expect([1, 2]).toContain(refused.length);
    expect(world.database.staleConnections).toBe(refused.length);
    world.database.heal();
    const after = [await open(world), await open(world)];
    const again = after.map(({ connection }) => send(connection, 'SET', 'k', 'v'));
    await world.clock.advance(10);
    expect(again.map(({ outcome }) => outcome)).toEqual(['OK', 'OK']);
  });

  it('answers no new connection behind a firewall, and open ones go on', async () => {
    const world = setup();
    const { connection } = await open(world);
    world.database.blackhole();
    expect((await open(world)).told).toEqual([]);
    const attempt = send(connection, 'INCR', 'k');
    await world.clock.advance(10);
    expect(attempt.outcome).toBe(1);
    world.database.heal();
    expect((await open(world)).told).toEqual(['ready']);
  });

  it('refuses commands by its state', async () => {
    const world = setup();
    const { connection } = await open(world);
    world.database.state = 'READONLY';
    const sent = [send(connection, 'SET', 'k', 'v'), send(connection, 'GET', 'k')];
    await world.clock.advance(10);
    expect(sent.map(({ outcome }) => String(outcome))).toEqual([
      expect.stringMatching(/READONLY/),
      'null',
    ]);
    expect(world.database.driver.classify(sent[0]?.outcome)).toBe('reply');
  });

  it('answers probes over connections of their own, or loses them', async () => {
    const world = setup();
    const { clock, database } = world;
    const opening = database.driver.openProbe(new AbortController().signal);
    await clock.advance(10);
    const probe = await opening;
    const replies: unknown[] = [];
    const ask = () =>
      probe.send(['PING']).then(
        (reply) => replies.push(reply),
        (error) => replies.push(error.message),
      );
    ask();
    await clock.advance(10);
    database.loseProbes(1);
    ask();
    await clock.advance(10);
    ask();
    await clock.advance(10);
    expect(replies).toEqual(['PONG', 'PONG']);
    database.killConnections();
    await clock.advance(10);
    expect(probe.alive).toBe(false);
    expect(replies[2]).toMatch(/ECONNRESET/);
    expect(database.executions).toHaveLength(0);
  });

  it('opens no probe connection when it is aborted', async () => {
    const { clock, database } = setup();
    const abort = new AbortController();
    database.silence();
    const opening = database.driver.openProbe(abort.signal);
    await clock.advance(10);
    abort.abort(new Error('too late'));
    await expect(opening).rejects.toThrow('too late');
    expect(database.openConnections).toBe(0);
  });
});
