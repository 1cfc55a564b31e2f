/** WAIT and WAITAOF never confirm a write that they know nothing of. */
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startReplica, waitFor } from '../kit/index.js';
import { connected, databases, errorOf, servers } from './support.js';

const BY_HAND = { failbackSupported: false } as const;

/** Each with a replica; that of east is frozen, so that nothing there can be confirmed. */
async function replicated(options: object = {}) {
  const [east, west] = await servers();
  const [eastern] = await Promise.all([startReplica(east), startReplica(west)]);
  const client = await connected([east, west], { ...BY_HAND, ...options });
  eastern.freeze();
  return { client, east, west, eastern };
}

const KINDS: [string, (client: MultiDbClient) => Promise<unknown>][] = [
  ['WAIT', (client) => client.wait(1, 100)],
  ['WAITAOF', (client) => client.sendCommand(['WAITAOF', '0', '1', '100'])],
];

it('WAIT counts the replicas that have the latest write', async () => {
  const { client, eastern } = await replicated();
  await client.set('key', 'value');
  expect(await client.wait(1, 50)).toBe(0);
  // Sent in the same turn, it goes behind the write.
  const [, behind] = await Promise.all([client.set('key', 'again'), client.wait(1, 50)]);
  expect(behind).toBe(0);
  eastern.thaw();
  expect(await client.wait(1, 5000)).toBe(1);
});

it.each(KINDS)('%s belongs to the database of the latest write', async (name, call) => {
  const { client, east, west } = await replicated();
  const version = String(await east.info('redis_version'));
  if (name === 'WAITAOF' && Number.parseFloat(version) < 7.2) return;
  await client.set('key', 'value');
  await client.setActiveDatabase('west');
  expect(await errorOf(call(client))).toMatchObject({
    code: 'DATABASE_SWITCHED',
    databaseId: 'east',
    maybeExecuted: false,
  });
  // After a write there it is about that one.
  await client.set('key', 'value');
  expect(await client.wait(1, 5000)).toBe(1);
  expect(await west.command('GET', 'key')).toBe('value');
});

it('a write of another client of the group does not count', async () => {
  const { client } = await replicated();
  const other = client.duplicate();
  await other.connect();
  try {
    await client.set('key', 'value');
    await client.setActiveDatabase('west');
    await other.set('key', 'value');
    expect(await errorOf(client.wait(1, 100))).toMatchObject({ code: 'DATABASE_SWITCHED' });
    expect(await other.wait(1, 5000)).toBe(1);
  } finally {
    other.destroy();
  }
});

it('does not outlive its connection, also to the same database', async () => {
  const { client, east, eastern } = await replicated();
  await client.set('key', 'value');
  await east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor(() => client.isReady, { what: 'another connection' });
  await client.get('key');
  expect(await errorOf(client.wait(1, 100))).toMatchObject({
    code: 'CONNECTION_LOST',
    databaseId: 'east',
    maybeExecuted: false,
  });
  await client.set('key', 'value');
  expect(await client.wait(1, 50)).toBe(0);
  eastern.thaw();
  expect(await client.wait(1, 5000)).toBe(1);
});

it('one that waits when its database is left is not sent to the next one', async () => {
  const { client, east } = await replicated();
  await client.set('key', 'value');
  const waiting = client.wait(1, 0).then(
    (count) => count,
    (error: { code: string }) => error.code,
  );
  await waitFor(async () => Number(await east.info('blocked_clients')) > 0, { what: 'WAIT' });
  await client.setActiveDatabase('west');
  // The server says how many have it, or nothing is known.
  expect([0, 'DATABASE_SWITCHED']).toContain(await waiting);
});

it('in a transaction() it is about its own connection', async () => {
  const { client } = await replicated();
  const inside = await client.transaction([], async (tx) => {
    await tx.set('key', 'value');
    return tx.wait(1, 50);
  });
  expect(inside).toBe(0);
  // The latest write went over another connection than what comes now.
  expect(await errorOf(client.wait(1, 50))).toMatchObject({ code: 'CONNECTION_LOST' });
  await client.set('key', 'value');
  expect(await client.wait(1, 50)).toBe(0);
  const elsewhere = client.transaction([], (tx) => tx.wait(1, 50));
  expect(await errorOf(elsewhere)).toMatchObject({ code: 'CONNECTION_LOST' });
  // One that only reads leaves it to its connection.
  await client.transaction('key', (tx) => tx.get('key'));
  expect(await client.wait(1, 50)).toBe(0);
});

it('is refused within MULTI, and in a pipeline without a write before it', async () => {
  const { client, eastern } = await replicated();
  const refused = { code: 'UNSUPPORTED' };
  const multi = () => client.multi().set('key', 'value').wait(1, 0);
  expect(await errorOf(multi().exec())).toMatchObject(refused);
  expect(await errorOf(client.multi().wait(1, 0).execAsPipeline())).toMatchObject(refused);
  expect(
    await errorOf(client.multi().get('key').wait(1, 0).set('key', 'value').execAsPipeline()),
  ).toMatchObject(refused);
  expect(await client.get('key')).toBeNull();
  expect(await client.multi().set('key', 'value').wait(1, 50).execAsPipeline()).toEqual(['OK', 0]);
  eastern.thaw();
});

it('a pool has several connections: refused, but for a pipeline and transaction()', async () => {
  const [east, west] = await servers();
  const [eastern] = await Promise.all([startReplica(east), startReplica(west)]);
  const client = await connected([], {
    ...BY_HAND,
    databases: databases([east, west]).map((each) => ({ ...each, topology: 'pool' as const })),
  });
  eastern.freeze();
  await client.set('key', 'value');
  const error = await errorOf(client.wait(1, 50));
  expect(error).toMatchObject({ code: 'UNSUPPORTED', maybeExecuted: false });
  expect(error.message).toContain('transaction()');
  expect(await client.multi().set('key', 'value').wait(1, 50).execAsPipeline()).toEqual(['OK', 0]);
  const inside = await client.transaction([], async (tx) => {
    await tx.set('key', 'value');
    return tx.wait(1, 50);
  });
  expect(inside).toBe(0);
  eastern.thaw();
});
