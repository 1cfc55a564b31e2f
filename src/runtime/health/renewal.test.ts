import { beforeEach, describe, expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';
import type { Database } from '../database.js';

const WHY = new Error('its name leads elsewhere');

let clock: VirtualClock;
let east: FakeDatabase;
let west: FakeDatabase;
let client: SimulatedClient;

beforeEach(async () => {
  clock = new VirtualClock();
  east = new FakeDatabase({ id: 'east', clock });
  west = new FakeDatabase({ id: 'west', clock });
  client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
  });
  await settled(client.connect());
});

async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await clock.advance(100);
  return promise;
}

function renew(id: string): void {
  const { coordinator } = client.session.group;
  coordinator.health.renewal.renewAll(coordinator.databases.get(id) as Database, WHY);
}

const idsOf = ({ clients }: FakeDatabase) => new Set([...clients].map(({ id }) => id));

describe('renewal of the connections of the active database', () => {
  it('loses, repeats and reorders nothing, and is no failover', async () => {
    const replies: Promise<unknown>[] = [];
    for (let count = 0; count < 200; count += 1) {
      replies.push(client.send(['LPUSH', 'list', String(count)]));
      if (count === 100) renew('east');
      await clock.advance(0.1);
    }
    const expected = replies.map((_, index) => index + 1);
    await expect(settled(Promise.all(replies))).resolves.toEqual(expected);
    expect(east.executions.map(({ args }) => args[2])).toEqual(
      replies.map((_, index) => String(index)),
    );
    expect(client.events.filter(({ name }) => name === 'failover')).toEqual([]);
  });

  it('replaces each connection, and closes the previous ones', async () => {
    await settled(client.subscribe('news', () => {}));
    const before = idsOf(east);
    expect(before.size).toBe(3);
    renew('east');
    await clock.advance(20_000);
    const after = idsOf(east);
    expect(after.size).toBe(3);
    for (const id of after) expect(before).not.toContain(id);
  });

  it('delivers each message of its subscriptions once', async () => {
    const heard: string[] = [];
    await settled(client.subscribe('news', (message) => heard.push(message)));
    const sent: string[] = [];
    for (let count = 0; count < 50; count += 1) {
      if (count === 10) renew('east');
      sent.push(String(count));
      east.publish('news', String(count));
      await clock.advance(0.3);
    }
    await clock.advance(100);
    expect(heard).toEqual(sent);
    expect(east.subscriptions('news')).toBe(1);
  });

  it('keeps the present ones as long as no new one can be opened', async () => {
    const before = idsOf(east);
    east.refuse();
    renew('east');
    await expect(settled(client.send(['INCR', 'k']))).resolves.toBe(1);
    expect(idsOf(east)).toContain(Math.min(...before));
    expect(client.activeDatabase).toBe('east');
  });

  it('does not wait for a write that the previous connection never answers', async () => {
    const silent = client.send(['INCR', 'a']);
    silent.catch(() => {});
    east.loseConnections('data');
    renew('east');
    await clock.advance(10);
    const next = client.send(['INCR', 'b']);
    await clock.advance(1100);
    await expect(next).resolves.toBe(1);
    await clock.advance(10_000);
    await expect(silent).rejects.toMatchObject({ maybeExecuted: true });
  });

  it('takes part in a failover that happens meanwhile', async () => {
    const read = client.send(['GET', 'k']);
    const write = client.send(['SET', 'k', 'v']);
    write.catch(() => {});
    east.loseConnections('data');
    renew('east');
    await clock.advance(3);
    east.crash();
    await expect(settled(read)).resolves.toBe(null);
    expect(client.activeDatabase).toBe('west');
    await clock.advance(10_000);
    await expect(write).rejects.toMatchObject({ maybeExecuted: true });
  });
});

it('renews the connections of a standby', async () => {
  const before = idsOf(west);
  renew('west');
  await clock.advance(20_000);
  const after = idsOf(west);
  expect(after.size).toBe(before.size);
  for (const id of after) expect(before).not.toContain(id);
  expect(client.databases.find(({ id }) => id === 'west')).toMatchObject({ health: 'healthy' });
});

it('renews the connection of the full checks when a check of writes finds another server', async () => {
  const database = new FakeDatabase({ id: 'north', clock });
  client = new SimulatedClient({
    clock,
    databases: [{ database, writable: 'auto' }],
    options: { healthCheck: { intervalMs: 1000 } },
  });
  await settled(client.connect());
  // PING is well on the server before as well, and no command complains.
  database.move();
  await clock.advance(8000);
  expect(database.staleConnections).toBe(0);
  expect(database.openConnections).toBe(3);
  client.destroy();
});
