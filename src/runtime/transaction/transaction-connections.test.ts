import { beforeEach, expect, it } from 'vitest';
import type { ConnectionListener } from '../../drivers/driver.js';
import { FakeClientContext, NotedConnection } from '../../testing/fake-client-context.js';
import type { DataConnections } from '../command/data-connections.js';
import type { Lease } from './lease.js';
import { TransactionConnections } from './transaction-connections.js';

const DEADLINE = 60_000;

let client: FakeClientContext;
let opened: { connection: NotedConnection; listener: ConnectionListener }[];
let pool: TransactionConnections;

beforeEach(() => {
  client = new FakeClientContext();
  opened = [];
  const openIsolated = (listener: ConnectionListener) => {
    const connection = new NotedConnection();
    opened.push({ connection, listener });
    return connection;
  };
  for (const { driver } of [client.east, client.west]) Object.assign(driver, { openIsolated });
  const connections = { channels: new Map(), settleLost: () => {} };
  pool = new TransactionConnections(client, connections as unknown as DataConnections);
});

/** A lease whose connection is ready. */
async function held(): Promise<Lease> {
  const before = opened.length;
  const lease = pool.acquire(DEADLINE, []);
  if (opened.length > before) opened.at(-1)?.listener.onReady();
  await lease.ready;
  return lease;
}

const waits = (lease: Lease) => lease.channel === undefined && lease.ended === undefined;

function switchTo(failed = false): void {
  const from = client.route;
  client.route = { ...from, generation: 2, database: client.west };
  pool.onRouteChange({ from, to: client.route, failed });
}

it('hands a connection out again, to who came first', async () => {
  const lease = await held();
  const [first, second] = [pool.acquire(DEADLINE, []), pool.acquire(DEADLINE, [])];
  expect([waits(first), waits(second), opened.length]).toEqual([true, true, 1]);
  lease.give(true);
  expect([waits(first), waits(second), opened.length]).toEqual([false, true, 1]);
});

it('closes a connection that is not clean, and opens another one for who waits', async () => {
  const lease = await held();
  const next = pool.acquire(DEADLINE, []);
  lease.give(false);
  expect(opened).toHaveLength(2);
  expect(opened[0]?.connection.destroyed).toBeDefined();
  opened[1]?.listener.onReady();
  expect(waits(next)).toBe(false);
});

it('closes a connection that rests for ten seconds', async () => {
  (await held()).give(true);
  await client.clock.advance(9000);
  expect(opened[0]?.connection.destroyed).toBeUndefined();
  await client.clock.advance(2000);
  expect(opened[0]?.connection.destroyed).toBeDefined();
});

it('a switch aborts a transaction; one that waits goes to the next database', async () => {
  const lease = await held();
  const waiting = pool.acquire(DEADLINE, []);
  switchTo();
  expect(lease.ended).toMatchObject({ code: 'DATABASE_SWITCHED', maybeExecuted: false });
  expect(opened).toHaveLength(2);
  opened[1]?.listener.onReady();
  expect(waiting.database).toBe(client.west);
});

it('a lost connection aborts its transaction and is a reason to probe', async () => {
  const lease = await held();
  opened[0]?.listener.onLost(new Error('read ECONNRESET'));
  expect(lease.ended).toMatchObject({ code: 'CONNECTION_LOST', databaseId: 'east' });
  expect(client.suspected).toEqual([['east', {}]]);
});

it('refuses when every database is down, and when the client has ended', () => {
  client.route = { ...client.route, database: undefined, state: 'down' };
  expect(pool.acquire(DEADLINE, []).ended).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  client.isAlive = false;
  expect(pool.acquire(DEADLINE, []).ended).toMatchObject({ code: 'CLIENT_CLOSED' });
});

it('leaves nothing open at the end', async () => {
  const lease = await held();
  const waiting = pool.acquire(DEADLINE, []);
  pool.end();
  for (const { ended } of [lease, waiting]) expect(ended).toMatchObject({ code: 'CLIENT_CLOSED' });
  expect(opened[0]?.connection.destroyed).toBeDefined();
  await client.clock.advance(100);
  expect(client.clock.pendingTimers).toBe(0);
});
