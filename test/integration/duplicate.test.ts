/** Duplicates: connections of their own, one group. */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  expectNoLeaks,
  RawConnection,
  type RedisServer,
  startProxy,
  turns,
  waitFor,
} from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  connections,
  databases,
  errorOf,
  healthy,
  own,
  QUICK,
  recordEvents,
  servers,
  switchTo,
} from './support.js';

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
});

/** A switch by hand lasts. */
const BY_HAND = { failbackSupported: false };
const duplicateOf = (client: MultiDbClient) => own(client.duplicate());
const opened = async (client: MultiDbClient) => duplicateOf(client).connect();
/** Commands of one name that a server has run since it was started. */
async function calls(server: RedisServer, name: string): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe('connections', () => {
  it('one per client and database for data, one per group and database for probes', async () => {
    const client = await connected([east, west]);
    const counts = async () => [await connections(east), await connections(west)];
    await waitFor(async () => String(await counts()) === '2,2', { what: 'the first two' });
    const first = await opened(client);
    await opened(first);
    await waitFor(async () => String(await counts()) === '4,4', { what: 'two more of each' });
    await first.close();
    await waitFor(async () => String(await counts()) === '3,3', { what: 'one less' });
    expect(await client.ping()).toBe('PONG');
    client.destroy();
    await waitFor(async () => String(await counts()) === '2,2', { what: 'the last client' });
  });

  it('of lazy standbys: to the active one only', async () => {
    const client = await connected([east, west], { standbyConnections: 'lazy', ...BY_HAND });
    await opened(client);
    const counts = async () => [await connections(east), await connections(west)];
    await waitFor(async () => String(await counts()) === '3,1', { what: 'lazy connections' });
    await client.setActiveDatabase('west');
    await waitFor(async () => String(await counts()) === '1,3', { what: 'the move' });
  });

  it('not one probe more', async () => {
    const healthCheck = { intervalMs: 100, timeoutMs: 90, delayInBetweenProbesMs: 10 };
    const client = await connected([east, west], { healthCheck });
    for (let count = 0; count < 5; count += 1) await opened(client);
    // Nobody but the health checks sends PING. One group of them runs, whatever the clients.
    const began = performance.now();
    const from = await calls(east, 'ping');
    await waitFor(async () => (await calls(east, 'ping')) > from + 25, { what: 'several rounds' });
    const probes = (await calls(east, 'ping')) - from;
    const rounds = (performance.now() - began) / healthCheck.intervalMs;
    expect(probes).toBeLessThanOrEqual((rounds + 2) * 3);
  });

  it('are all gone with the last client', async () => {
    await expectNoLeaks(async () => {
      const client = await connected([east, west]);
      const duplicate = await client.duplicate().connect();
      await client.close();
      expect(await duplicate.set('key', 'value')).toBe('OK');
      await duplicate.close();
    });
  });
});

describe('one group', () => {
  it('is switched in the same instant', async () => {
    const client = await connected([east, west], BY_HAND);
    const duplicate = await opened(client);
    let others: unknown[] = [];
    client.on('switch', () => {
      others = [client.activeDatabase, duplicate.activeDatabase, duplicate.isReady];
    });
    await duplicate.setActiveDatabase('west');
    expect(others).toEqual(['west', 'west', true]);
    await Promise.all([client.set('a', '1'), duplicate.set('b', '2')]);
    expect(await west.command('MGET', 'a', 'b')).toEqual(['1', '2']);
  });

  it('fails over together, and back', async () => {
    const client = await connected([east, west]);
    const duplicate = await opened(client);
    const switches = [recordEvents(client), recordEvents(duplicate)];
    await east.kill();
    await Promise.all([client.get('a'), duplicate.get('b')]);
    await east.restart();
    await active(client, 'east');
    for (const { switches: seen } of switches) {
      expect(seen).toEqual(['east>west health-check', 'west>east failback']);
    }
    await Promise.all([client.set('a', '1'), duplicate.set('b', '2')]);
    expect(await east.command('MGET', 'a', 'b')).toEqual(['1', '2']);
  });

  it('is managed through any of its open clients', async () => {
    const client = await connected([east]);
    const duplicate = await opened(client);
    await duplicate.addDatabase(databases([east, west])[1] as never);
    await healthy(client);
    expect(client.setWeight('west', 5)).toBe(true);
    expect(duplicate.activeDatabase).toBe('west');
    await client.removeDatabase('east');
    expect(duplicate.databases.map(({ id }) => id)).toEqual(['west']);
    await waitFor(async () => (await connections(east)) === 0, { what: 'east to be left' });
    await duplicate.close();
    await expect(duplicate.setActiveDatabase('west')).rejects.toMatchObject({
      code: 'CLIENT_CLOSED',
    });
  });

  it('lives while any client of it is open, and starts anew afterwards', async () => {
    const client = await connected([east, west], BY_HAND);
    const duplicate = await opened(client);
    await client.setActiveDatabase('west');
    client.setWeight('west', 2);
    await client.close();
    expect(await duplicate.set('key', 'value')).toBe('OK');
    expect([client.isOpen, duplicate.isOpen]).toEqual([false, true]);
    await expect(client.get('key')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });

    // Of a client that is closed, into the group that runs.
    const late = await opened(client);
    expect(late.activeDatabase).toBe('west');
    late.destroy();
    duplicate.destroy();
    await waitFor(async () => (await connections(west)) === 0, { what: 'the end' });

    // Nobody is open: a new group, with the weights of then.
    const anew = await opened(client);
    await client.connect();
    await healthy(client);
    expect([anew.activeDatabase, client.getWeight('west')]).toEqual(['west', 2]);
    await waitFor(async () => (await connections(east)) === 3, { what: 'one group again' });
  });
});

describe('connect()', () => {
  it('of several at the same time starts one group', async () => {
    const client = clientOf([east, west]);
    const all = [client, ...Array.from({ length: 5 }, () => duplicateOf(client))];
    const events = all.map(recordEvents);
    await Promise.all(all.map((each) => each.connect()));
    for (const { all: seen } of events) {
      expect(seen.map(({ name }) => name).filter((name) => name !== 'database-healthy')).toEqual([
        'connect',
        'switch',
        'ready',
      ]);
    }
    expect(await Promise.all(all.map((each) => each.ping()))).toEqual(all.map(() => 'PONG'));
    await healthy(client);
    await waitFor(async () => (await connections(east)) === 7, { what: 'six clients, one probe' });
  });

  it('takes commands meanwhile', async () => {
    const client = await connected([east, west]);
    const duplicate = duplicateOf(client);
    const connecting = duplicate.connect();
    const reply = duplicate.set('key', 'value');
    expect([duplicate.isOpen, duplicate.isReady]).toEqual([true, false]);
    expect(await reply).toBe('OK');
    expect(await connecting).toBe(duplicate);
    expect(duplicate.isReady).toBe(true);
  });

  it('goes on when the first client is destroyed while it connects', async () => {
    const client = clientOf([east, west]);
    const duplicates = [duplicateOf(client), duplicateOf(client)];
    const first = errorOf(client.connect());
    const others = duplicates.map((each) => each.connect());
    client.destroy();
    expect(await first).toMatchObject({ code: 'CLIENT_CLOSED' });
    await Promise.all(others);
    await healthy(duplicates[0] as MultiDbClient);
    expect(await duplicates[1]?.ping()).toBe('PONG');
    expect(client.isOpen).toBe(false);
  });

  it('of a duplicate that is destroyed or closed meanwhile disturbs nobody', async () => {
    const client = await connected([east, west]);
    const events = recordEvents(client);
    for (const end of ['destroy', 'close'] as const) {
      const duplicate = duplicateOf(client);
      const failed = errorOf(duplicate.connect());
      const pending = errorOf(duplicate.get('key'));
      await duplicate[end]();
      expect(await failed).toMatchObject({ code: 'CLIENT_CLOSED' });
      expect(await pending).toMatchObject({ code: 'CLIENT_CLOSED', maybeExecuted: false });
    }
    expect(await client.ping()).toBe('PONG');
    expect(events.all).toEqual([]);
    await waitFor(async () => (await connections(east)) === 2, { what: 'nothing to be left' });
  });

  it('rejects with what keeps all from starting, and leaves nothing open', async () => {
    const dead = [{ url: 'redis://127.0.0.1:1' }];
    const client = clientOf(dead);
    const all = [client, duplicateOf(client), duplicateOf(client)];
    const errors = await Promise.all(all.map((each) => errorOf(each.connect())));
    for (const error of errors) expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
    expect(all.map(({ isOpen }) => isOpen)).toEqual([false, false, false]);
  });

  it('of a duplicate while every database is down rejects; later it joins', async () => {
    const client = await connected([east], { keepConnectingMs: 0 });
    await east.kill();
    await active(client, undefined);
    await errorOf(client.get('key'));
    await waitFor(() => client.explain().state === 'down', { what: 'the verdict' });
    const duplicate = duplicateOf(client);
    const error = await errorOf(duplicate.connect());
    expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
    expect(error.failures).toMatchObject([{ databaseId: 'east' }]);
    expect(duplicate.isOpen).toBe(false);
    await east.restart();
    await active(client, 'east');
    await duplicate.connect();
    expect(await duplicate.ping()).toBe('PONG');
  });

  it('follows a switch', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], BY_HAND);
    // New connections to the active one are accepted and hear nothing.
    proxy.silence('to-client', { scope: 'new' });
    const duplicate = duplicateOf(client);
    const connecting = duplicate.connect();
    const reply = duplicate.set('key', 'value');
    await turns(20);
    expect(duplicate.isReady).toBe(false);
    await client.forceActiveDatabase('west');
    await connecting;
    expect(await reply).toBe('OK');
    expect(await west.command('GET', 'key')).toBe('value');
  });
});

/** The server takes no connection more than it has. */
async function fill(server: RedisServer): Promise<void> {
  const control = await RawConnection.open(server);
  const now = await waitFor(() => server.info('connected_clients').then(Number), {
    what: 'its connections',
  });
  await control.request('CONFIG', 'SET', 'maxclients', String(now - 1));
}

describe('a duplicate that can not connect', () => {
  it('makes no database fail, and is told', async () => {
    const client = await connected([east, west], {
      keepConnectingMs: 0,
      client: { socket: { connectTimeout: 600 } } as never,
    });
    const events = recordEvents(client);
    await fill(east);
    const duplicate = duplicateOf(client);
    const error = await errorOf(duplicate.connect());
    expect(error).toMatchObject({ code: 'INITIALIZATION_FAILED' });
    expect(events.all).toEqual([]);
    expect([client.activeDatabase, client.isHealthy('east')]).toEqual(['east', true]);
    expect(await client.ping()).toBe('PONG');
  });

  it('to a standby counts from when that is active', async () => {
    const proxy = await startProxy(west);
    const client = await connected([east, proxy], BY_HAND);
    // The next connection, the duplicate's, is accepted and hears nothing.
    const next = proxy.acceptedConnections + 1;
    proxy.delay({ toClientMs: 100, scope: 'new' });
    const duplicate = await opened(client);
    await waitFor(() => proxy.acceptedConnections >= next, { what: 'its connection' });
    proxy.silence('to-client', { scope: ({ id }) => id === next });
    expect(client.isHealthy('west')).toBe(true);

    // The group moves; the duplicate's commands wait for its own connection there.
    await client.setActiveDatabase('west');
    const waiting = duplicate.set('key', 'value');
    const back = switchTo(client, 'east');
    expect(await client.ping()).toBe('PONG');
    // It can't be had within a probe's timeout: west can't serve every client of the group.
    expect((await back).cause).toContain('no data connection');
    expect(await waiting).toBe('OK');
    expect(await east.command('GET', 'key')).toBe('value');
    expect(client.isHealthy('west')).toBe(false);
    duplicate.destroy();
    await healthy(client);
  });
});

describe('events', () => {
  it('reach each client while it is open', async () => {
    const client = await connected([east, west], BY_HAND);
    const duplicate = duplicateOf(client);
    const events = recordEvents(duplicate);
    await client.setActiveDatabase('west');
    expect(events.all).toEqual([]);
    await duplicate.connect();
    await client.setActiveDatabase('east');
    await duplicate.close();
    await client.setActiveDatabase('west');
    expect(events.all.map(({ name }) => name)).toEqual(['connect', 'ready', 'switch', 'end']);
  });

  it('come in one order for all, whatever listeners do', async () => {
    const client = await connected([east, west], BY_HAND);
    const duplicate = await opened(client);
    client.once('switch', () => {
      client.setWeight('east', 3);
      throw new Error('of the application');
    });
    client.once('switch', () => duplicate.setWeight('west', 4));
    const seen = [recordEvents(client), recordEvents(duplicate)];
    await client.setActiveDatabase('west');
    const expected = ['east>west manual', 'west>east weight', 'east>west weight'];
    for (const { switches } of seen) expect(switches).toEqual(expected);
    expect(seen[0]?.of('error').map(({ message }) => message)).toEqual(['of the application']);
    expect(seen[1]?.of('error')).toEqual([]);
  });

  it('may end any client of the group', async () => {
    const client = await connected([east, west], BY_HAND);
    const duplicate = await opened(client);
    const events = recordEvents(duplicate);
    client.once('switch', () => client.destroy());
    await errorOf(client.setActiveDatabase('west')).catch(() => {});
    await waitFor(() => !client.isOpen, { what: 'the end' });
    expect(events.switches).toEqual(['east>west manual']);
    expect(await duplicate.ping()).toBe('PONG');
  });
});

describe('overrides', () => {
  it('give it command options, scripts and a view of its own', async () => {
    const client = await connected([east, west]);
    const view = client.withTypeMapping({ 36: Buffer } as never);
    await client.set('key', 'value');
    const duplicate = own(view.duplicate());
    await duplicate.connect();
    expect(await duplicate.get('key')).toEqual(Buffer.from('value'));
    expect(await client.get('key')).toBe('value');
    const plain = own(duplicate.duplicate({ commandOptions: {} }));
    await plain.connect();
    expect(await plain.get('key')).toBe('value');
  });

  it('are refused where they shape a connection', async () => {
    const client = await connected([east, west]);
    expect(() => client.duplicate({ url: west.url })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: 'duplicate.url' }),
    );
    expect(() => client.duplicate({ RESP: 2, database: 3 })).toThrow(/^duplicate\.(RESP|database)/);
  });

  it('keep RESP, scripts and prefix of the original', async () => {
    const client = own(
      createMultiDbClient({
        ...QUICK,
        databases: databases([east, west]),
        client: { RESP: 2, keyPrefix: 'app:' } as never,
      }),
    );
    await client.connect();
    await client.hSet('hash', 'a', '1');
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    expect({ ...(await duplicate.hGetAll('hash')) }).toEqual({ a: '1' });
  });
});

it('one that can not join does not stand for the group when others have', async () => {
  const proxy = await startProxy(east);
  // Longer than a database may be without its connection.
  const first = await connected([proxy, west], {
    keepConnectingMs: 0,
    client: { socket: { connectTimeout: 1000 } },
  });
  proxy.delay({ toClientMs: 60_000, scope: 'new' });
  const late = duplicateOf(first);
  const before = proxy.connections;
  const joining = errorOf(late.connect());
  await waitFor(() => proxy.connections > before, { what: 'its connection' });
  proxy.delay({ toClientMs: 0, scope: 'new' });
  const second = await opened(first);
  const events = recordEvents(second);
  first.destroy();
  expect(await joining).toMatchObject({ code: 'INITIALIZATION_FAILED' });
  expect(events.of('switch')).toEqual([]);
});
