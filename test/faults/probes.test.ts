/** What probes find out that PING over an old connection would not tell. */
import { describe, expect, it } from 'vitest';
import {
  active,
  connected,
  healthy,
  recordEvents,
  servers,
  switchTo,
  Traffic,
} from '../integration/support.js';
import { RawConnection, startRedis, waitFor } from '../kit/index.js';
import { isData, isProbe, outcome, proxied, tally } from './support.js';

/** No health check but those that something starts, so that it is the sign that counts. */
const ON_SUSPICION = {
  healthCheck: { intervalMs: 600_000, timeoutMs: 500, delayInBetweenProbesMs: 0 },
} as const;

describe('a changed password', () => {
  it('spares who is connected', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy]);
    const events = recordEvents(client);
    const traffic = new Traffic(() => client.incr('counter'), { callers: 10 });
    const admin = await changePassword(east.server);
    await traffic.flows();
    const seen = () => client.databases[0]?.lastProbe?.at.getTime() ?? 0;
    const before = seen();
    await waitFor(() => seen() > before + 300, { what: 'health checks to go on' });
    await traffic.stop();
    admin.close();
    expect(traffic.errors).toEqual([]);
    expect(events.all).toEqual([]);
  });

  it('is noticed by a probe on a new connection when the data connection is lost', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], ON_SUSPICION);
    const events = recordEvents(client);
    const traffic = new Traffic(() => client.get('key'), { callers: 10 });
    await traffic.flows();
    const admin = await changePassword(east.server);
    const switched = switchTo(client);
    // The old probe connection lives, and would still be answered.
    expect(east.proxy.reset(isData)).toBe(1);
    expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
    await traffic.flows();
    await traffic.stop();
    admin.close();
    expect(traffic.errors).toEqual([]);
    expect(events.of('database-unhealthy')[0]?.cause).toMatch(/NOAUTH|WRONGPASS/);
    expect(client.explain().others[0]?.details.join()).toMatch(/NOAUTH|WRONGPASS/);
  });

  it('is told as the reason when only the probe connection is lost', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy]);
    const admin = await changePassword(east.server);
    const switched = switchTo(client);
    expect(east.proxy.reset(isProbe)).toBe(1);
    expect((await switched).cause).toMatch(/NOAUTH|WRONGPASS/);
    await admin.request('CONFIG', 'SET', 'requirepass', '');
    admin.close();
    await active(client, 'east');
  });
});

async function changePassword(server: { port: number }): Promise<RawConnection> {
  const admin = await RawConnection.open({ port: server.port });
  await admin.request('CONFIG', 'SET', 'requirepass', 'secret');
  await admin.request('AUTH', 'secret');
  return admin;
}

it('leaves a server that takes no more connections once it needs one', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], ON_SUSPICION);
  const events = recordEvents(client);
  const admin = await RawConnection.open({ port: east.server.port });
  await admin.request('CONFIG', 'SET', 'maxclients', '1');
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  expect(events.all).toEqual([]);
  const switched = switchTo(client);
  expect(east.proxy.reset(isData)).toBe(1);
  expect(await switched).toMatchObject({ from: 'east', to: 'west' });
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.of('database-unhealthy')[0]?.cause).toMatch(/max number of clients/);
  await admin.request('CONFIG', 'SET', 'maxclients', '1000');
  admin.close();
});

describe('all connections cut at once, the database well', () => {
  it.each([
    ['reset', 100],
    ['reset', 10_000],
    ['end', 100],
    ['end', 10_000],
  ] as const)('%s, with %i commands in flight', async (how, count) => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy]);
    const events = recordEvents(client);
    const commands = Array.from({ length: count }, (_, i) =>
      outcome(i % 2 === 0 ? client.get('key') : client.incr('counter')),
    );
    await waitFor(() => east.proxy.commands.length > 20, {
      what: 'commands to be sent',
      intervalMs: 1,
    });
    const accepted = east.proxy.acceptedConnections;
    east.proxy[how]();
    const counts = tally(await Promise.all(commands));
    expect(counts.replied).toBeGreaterThanOrEqual(count / 2);
    const kinds = ['replied', 'CONNECTION_LOST true'];
    expect(Object.keys(counts).filter((kind) => !kinds.includes(kind))).toEqual([]);
    // Its end may reach the client after the replies.
    await waitFor(() => east.proxy.acceptedConnections >= accepted + 2, {
      what: 'new connections for data and probes',
    });
    await healthy(client, 'east');
    expect(await client.set('key', 'value')).toBe('OK');
    expect(events.of('switch')).toEqual([]);
    expect(events.of('database-unhealthy')).toEqual([]);
  });

  it('by the server, in the middle of a flood', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    const admin = await RawConnection.open({ port: east.port });
    const commands = Array.from({ length: 10_000 }, (_, i) =>
      outcome(i % 2 === 0 ? client.get('key') : client.incr('counter')),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await admin.request('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const counts = tally(await Promise.all(commands));
    admin.close();
    const kinds = ['replied', 'CONNECTION_LOST true'];
    expect(Object.keys(counts).filter((kind) => !kinds.includes(kind))).toEqual([]);
    await healthy(client, 'east');
    expect(events.of('switch')).toEqual([]);
  });
});

describe('a state that PING does not tell', () => {
  it('a cluster without its slots, until it has them', async () => {
    const [east, west] = await Promise.all([
      startRedis({ config: { 'cluster-enabled': true } }),
      startRedis(),
    ]);
    const client = await connected([east, west]);
    expect(client.activeDatabase).toBe('east');
    const traffic = new Traffic(() => client.incr('counter'), { callers: 10 });
    await active(client, 'west');
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    expect(client.explain().others[0]?.details.join()).toMatch(/cluster_state:fail/);

    const slots = Array.from({ length: 16_384 }, (_, slot) => slot);
    await east.command('CLUSTER', 'ADDSLOTS', ...slots);
    await active(client, 'east');
    expect(await client.set('key', 'value')).toBe('OK');
  });

  it('a master without the replicas that it needs to write', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const traffic = new Traffic(() => client.incr('counter'), { callers: 10 });
    await traffic.flows();
    await east.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await active(client, 'west');
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    expect(client.explain().others[0]?.details.join()).toMatch(/NOREPLICAS/);
  });

  it('a replica that lost its master and serves no stale data', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const traffic = new Traffic(() => client.get('key'), { callers: 10 });
    await traffic.flows();
    await east.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    await east.command('REPLICAOF', '127.0.0.1', '1');
    await active(client, 'west');
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    expect(client.explain().others[0]?.details.join()).toMatch(/MASTERDOWN/);
  });

  it('a full server: reads stay until somebody writes', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    await east.command('CONFIG', 'SET', 'maxmemory', '1');
    const traffic = new Traffic(() => client.get('key'), { callers: 10 });
    await traffic.flows(2000);
    expect(events.all).toEqual([]);
    expect(await client.set('key', 'value')).toBe('OK');
    expect(client.activeDatabase).toBe('west');
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
  });

  it('what one user may not do is no state', async () => {
    const [east, west] = await servers();
    for (const server of [east, west]) {
      await server.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~app:*', '+@all', '-incr');
    }
    const urls = [east, west].map(({ port }) => ({ url: `redis://app:secret@127.0.0.1:${port}` }));
    const client = await connected(urls);
    const events = recordEvents(client);
    const refused = await Promise.all(
      Array.from({ length: 2000 }, (_, i) =>
        outcome(i % 2 === 0 ? client.incr('app:counter') : client.get('foreign')),
      ),
    );
    expect(refused.every(({ reply }) => reply === undefined)).toBe(true);
    expect(await client.set('app:key', 'value')).toBe('OK');
    expect(events.all).toEqual([]);
  });
});
