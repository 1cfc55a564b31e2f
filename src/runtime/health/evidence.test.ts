import { beforeEach, describe, expect, it } from 'vitest';
import { PingStrategy } from '../../health-strategies/ping.js';
import type { HealthCheckStrategy } from '../../health-strategies/strategy.js';
import {
  FakeDatabase,
  SimulatedClient,
  type SimulatedClientOptions,
  VirtualClock,
} from '../../testing/index.js';

let clock: VirtualClock;
let east: FakeDatabase;
let west: FakeDatabase;
let client: SimulatedClient;

async function connected(options: SimulatedClientOptions['options'] = {}): Promise<void> {
  clock = new VirtualClock();
  east = new FakeDatabase({ id: 'east', clock });
  west = new FakeDatabase({ id: 'west', clock });
  client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options,
  });
  const done = client.connect();
  await clock.advance(10);
  await done;
}

beforeEach(() => connected());

interface Outcome {
  reply?: unknown;
  error?: { readonly maybeExecuted?: boolean };
  atMs?: number;
}

function send(...args: string[]): Outcome {
  const outcome: Outcome = {};
  const startedAt = clock.now();
  client.send(args).then(
    (reply) => Object.assign(outcome, { reply, atMs: clock.now() - startedAt }),
    (error) => Object.assign(outcome, { error, atMs: clock.now() - startedAt }),
  );
  return outcome;
}

const names = () => client.events.map(({ name }) => name);
const failovers = () => names().filter((name) => name === 'failover');
/** Connections that were opened so far. */
const opened = (database: FakeDatabase) => Number(database.nextWireId()) - 1;

describe('an endpoint that moves', () => {
  it('is followed: writes go to the new server at once, and the database is not left', async () => {
    east.move();
    const write = send('SET', 'k', 'v');
    await clock.advance(50);
    expect(write).toMatchObject({ reply: 'OK' });
    expect(east.staleConnections).toBeLessThanOrEqual(1);
    await clock.advance(20_000);
    expect(east.staleConnections).toBe(0);
    expect([failovers(), client.activeDatabase]).toEqual([[], 'east']);
    expect(names()).not.toContain('database-unhealthy');
  });

  it('is followed by the connection of its gates as well', async () => {
    const check: HealthCheckStrategy['check'] = async (probe) =>
      (await probe.sendCommand(['PING'])) === 'PONG';
    const gate: HealthCheckStrategy = { name: 'gate', role: 'gate', check };
    await connected({ healthCheck: [{ strategy: new PingStrategy() }, { strategy: gate }] });
    await clock.advance(10_000);
    east.move();
    const write = send('SET', 'k', 'v');
    await clock.advance(20_000);
    expect([write.reply, east.staleConnections, failovers()]).toEqual(['OK', 0, []]);
  });

  it('loses and repeats nothing under load', async () => {
    const replies: Outcome[] = [];
    for (let count = 0; count < 300; count += 1) {
      if (count === 100) east.move();
      replies.push(send('LPUSH', 'list', String(count)));
      await clock.advance(1);
    }
    await clock.advance(1000);
    expect(replies.filter(({ reply }) => typeof reply !== 'number')).toEqual([]);
    expect(new Set(replies.map(({ reply }) => reply)).size).toBe(replies.length);
    expect(failovers()).toEqual([]);
  });

  it('moves the subscriptions as well, which miss nothing', async () => {
    const heard: string[] = [];
    const subscribed = client.subscribe('news', (message) => heard.push(message));
    await clock.advance(10);
    await subscribed;
    east.move();
    send('SET', 'k', 'v');
    for (let count = 0; count < 100; count += 1) {
      east.publish('news', String(count));
      await clock.advance(1);
    }
    expect(heard).toEqual(Array.from({ length: 100 }, (_, count) => String(count)));
    await clock.advance(20_000);
    expect(east.staleConnections).toBe(0);
  });

  it('of a standby is followed when it becomes active', async () => {
    west.move();
    await clock.advance(20_000);
    east.crash();
    await clock.advance(20);
    expect(client.activeDatabase).toBe('west');
    const write = send('SET', 'k', 'v');
    await clock.advance(50);
    expect(write).toMatchObject({ reply: 'OK' });
    expect([failovers().length, client.activeDatabase]).toEqual([1, 'west']);
  });

  it('of a standby is found by checks that write', async () => {
    await connected({
      healthCheck: async ({ sendCommand }) => (await sendCommand(['SET', 'check', 'v'])) === 'OK',
    });
    west.move();
    await clock.advance(30_000);
    expect(west.staleConnections).toBe(0);
    expect(names()).not.toContain('database-unhealthy');
  });

  it('that leads to another replica is left as fast as one that did not move', async () => {
    const leftAfterMs = async (move: boolean) => {
      await connected();
      if (move) east.move();
      east.state = 'READONLY';
      const startedAt = clock.now();
      const write = send('SET', 'k', 'v');
      await clock.until(() => client.activeDatabase === 'west', 100, 'the failover');
      await clock.advance(20);
      expect(write.reply).toBe('OK');
      return clock.now() - startedAt;
    };
    expect(await leftAfterMs(true)).toBeCloseTo(await leftAfterMs(false), 0);
  });

  it('is not reconnected to in a storm while every server refuses', async () => {
    await connected({ unhealthyAfterMs: 60_000, commandRetry: { maxAttempts: 1 } });
    east.state = 'READONLY';
    const before = opened(east);
    for (let count = 0; count < 1000; count += 1) {
      send('SET', 'k', 'v');
      await clock.advance(5);
    }
    // One a second, beside the first.
    expect(opened(east) - before).toBeLessThan(9);
  });

  it('does not renew over and over what is refused on new connections as well', async () => {
    await connected({ commandRetry: { maxAttempts: 1 } });
    // Half of the new connections lead to a replica, so that checks pass now and then.
    east.alternate();
    const before = opened(east);
    for (let count = 0; count < 60_000; count += 10) {
      send('SET', 'k', 'v');
      await clock.advance(10);
      if (client.activeDatabase === 'west') break;
    }
    expect(opened(east) - before).toBeLessThan(60);
  });
});

describe('flows that a firewall has forgotten', () => {
  it.each([
    ['all', undefined, 'both'],
    ['data', 'data', 'both'],
    ['data to the server', 'data', 'to-server'],
    ['data to the client', 'data', 'to-client'],
  ] as const)('%s: replaced without a failover', async (_, kind, direction) => {
    await clock.advance(2000);
    east.loseConnections(kind, direction);
    const read = send('GET', 'k');
    const write = send('INCR', 'n');
    await clock.advance(1500);
    expect(read).toMatchObject({ reply: null });
    expect(write.error).toMatchObject({ maybeExecuted: true });
    const later = send('INCR', 'n');
    await clock.advance(10);
    expect(later.reply).toBe(direction === 'to-client' ? 2 : 1);
    await clock.advance(15_000);
    expect([failovers(), client.activeDatabase, east.lostConnections]).toEqual([[], 'east', 0]);
    expect(names()).not.toContain('database-unhealthy');
  });

  it('the probes alone: nobody notices', async () => {
    await clock.advance(2000);
    east.loseConnections('probe');
    await clock.advance(20_000);
    expect(names()).not.toContain('database-unhealthy');
    expect(east.lostConnections).toBe(0);
  });

  it('all, without any traffic: nobody notices, and nothing is left of them', async () => {
    await clock.advance(2000);
    east.loseConnections();
    west.loseConnections();
    await clock.advance(20_000);
    expect(names()).not.toContain('database-unhealthy');
    expect(east.lostConnections + west.lostConnections).toBe(0);
    const write = send('SET', 'k', 'v');
    await clock.advance(10);
    expect(write.reply).toBe('OK');
  });

  it('of both databases lead to no failover', async () => {
    await clock.advance(2000);
    east.loseConnections();
    west.loseConnections();
    const outcomes: Outcome[] = [];
    for (let count = 0; count < 400; count += 1) {
      outcomes.push(send('GET', 'k'));
      await clock.advance(10);
    }
    expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    expect([failovers(), client.activeDatabase]).toEqual([[], 'east']);
  });

  it('what was not written goes over the new connection, in order', async () => {
    await connected();
    const small = new FakeDatabase({ id: 'east', clock, windowSize: 2 });
    client = new SimulatedClient({ clock, databases: [{ database: small }] });
    const done = client.connect();
    await clock.advance(10);
    await done;
    small.loseConnections('data');
    const outcomes = Array.from({ length: 6 }, (_, count) => send('LPUSH', 'list', String(count)));
    await clock.advance(1500);
    expect(outcomes.map(({ reply, error }) => reply ?? error?.maybeExecuted)).toEqual([
      true,
      true,
      1,
      2,
      3,
      4,
    ]);
  });

  it('a frozen server is left as fast as ever', async () => {
    east.freeze();
    const read = send('GET', 'k');
    const startedAt = clock.now();
    await clock.until(() => client.activeDatabase === 'west', 2100, 'the failover');
    expect(clock.now() - startedAt).toBeGreaterThan(1900);
    await clock.advance(20);
    expect(read.reply).toBe(null);
  });

  it('a stalled process replaces nothing', async () => {
    await clock.advance(2000);
    const before = opened(east);
    const write = send('SET', 'k', 'v');
    await clock.stall(5000);
    await clock.advance(100);
    expect(write.reply).toBe('OK');
    expect(opened(east)).toBe(before + 1);
  });
});

describe('without health checks', () => {
  beforeEach(() => connected({ healthCheck: false }));

  it('a refused connection is proof at once', async () => {
    const read = send('GET', 'k');
    east.crash();
    await clock.advance(10);
    expect(client.activeDatabase).toBe('west');
    expect(read.reply).toBe(null);
  });

  it('one that is cut and accepted again is not left', async () => {
    east.killConnections();
    await clock.advance(2000);
    expect(failovers()).toEqual([]);
  });

  it('forgotten flows are replaced', async () => {
    await clock.advance(2000);
    east.loseConnections();
    const read = send('GET', 'k');
    await clock.advance(1500);
    expect([read.reply, failovers()]).toEqual([null, []]);
  });
});
