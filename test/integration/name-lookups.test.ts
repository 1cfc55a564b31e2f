/** A name server that is silent, slow or fails takes nothing away from the other databases or the application. */
import { lookup as lookupAsync } from 'node:dns/promises';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMultiDbClient, LagAwareStrategy, type MultiDbClientOptions } from 'redis-multidb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  freePort,
  hasTls,
  NameServer,
  type RedisServer,
  startCluster,
  startProxy,
  startRedis,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import { makeCertificates } from './health-certificates.js';
import { probeOf } from './health-probe.js';
import { startRestServer } from './health-rest-server.js';
import { active, clientOf, healthy, own, QUICK, servers, switchTo } from './support.js';

let names: NameServer;
/** What the process knows of a name outlives the test: each has names of its own. */
let zone = '';
let tests = 0;

beforeEach(() => {
  tests += 1;
  zone = `t${tests}.test`;
  names = new NameServer().install();
});
afterEach(() => names.dispose());

/** Databases by name, `east` and `west` in the zone of the test. */
function named(targets: readonly { readonly port: number }[], socket: object = {}) {
  return {
    databases: targets.map(({ port }, index) => {
      const host = `${['east', 'west'][index]}.${zone}`;
      names.set(host, '127.0.0.1');
      return {
        id: host.split('.')[0] as string,
        weight: 1 / (index + 1),
        client: { socket: { host, port, ...socket } },
      };
    }),
  } as Partial<MultiDbClientOptions>;
}

async function open(targets: readonly RedisServer[], options: Partial<MultiDbClientOptions> = {}) {
  const client = clientOf([], { ...named(targets), ...options });
  await client.connect();
  await healthy(client);
  return client;
}

/** Every connection of clients is cut once. */
const cut = (server: RedisServer) => server.command('CLIENT', 'KILL', 'TYPE', 'normal');

it('the failed region and its name server are silent: the healthy one is reconnected at once', async () => {
  const [east, west] = await servers();
  const client = await open([east, west]);
  const duplicates = [own(client.duplicate()), own(client.duplicate())];
  await Promise.all(duplicates.map((each) => each.connect()));
  names.silence(`east.${zone}`);
  await Promise.all([switchTo(client, 'west'), east.kill()]);
  await waitFor(() => names.pending === 1, { what: 'a lookup of east' });
  names.mostPending = names.pending;
  for (let cuts = 0; cuts < 3; cuts += 1) {
    await cut(west);
    for (const each of [client, ...duplicates]) expect(await each.get('key')).toBeNull();
  }
  expect(await client.set('key', 'value')).toBe('OK');
  await active(client, 'west');
  // Of ours one; the second place stays free for a name that is not known yet.
  expect([...names.asked].filter((name) => name === `east.${zone}`).length).toBeGreaterThan(0);
  expect(names.mostPending).toBe(1);
  names.set(`api.${zone}`, '127.0.0.9');
  expect(await lookupAsync(`api.${zone}`)).toEqual({ address: '127.0.0.9', family: 4 });
});

it('the state says that a lookup is pending, and that the last known address is used', async () => {
  const [east, west] = await servers();
  const client = await open([east, west]);
  names.silence(`east.${zone}`);
  await cut(east);
  // Over the last known address.
  expect(await client.get('key')).toBeNull();
  const pending =
    /name lookup of east\.t\d+\.test has been pending for \d+ s, using the last known address/;
  await waitFor(() => pending.test(String(client.explain())), { what: 'the state says it' });
  expect(client.explain().active?.id).toBe('east');
  names.restore();
  await waitFor(() => !/name lookup/.test(String(client.explain())), { what: 'it is over' });

  names.fail('EAI_AGAIN', `east.${zone}`);
  await cut(east);
  expect(await client.get('key')).toBeNull();
  expect(String(client.explain())).toContain(
    `name lookup of east.${zone} failed (EAI_AGAIN), using the last known address`,
  );
});

it('a name that was never known: the cause says so, and it serves as soon as it is answered', async () => {
  const [east, west] = await servers();
  names.silence(`east.${zone}`);
  const client = clientOf([], named([east, west]));
  await client.connect();
  await active(client, 'west');
  await waitFor(() => /east\.t\d+\.test has been pending/.test(String(client.explain())), {
    what: 'the state says it',
  });
  expect(String(client.explain())).toContain('no address is known');
  names.restore();
  await switchTo(client, 'east');
});

it('a name that moves while its name server is slow leads to the new server after one connection', async () => {
  const [before, after] = await servers();
  const first = await startProxy(before);
  const second = await startProxy(after, { host: '127.0.0.2', port: first.port });
  const client = clientOf([], named([first]));
  await client.connect();
  names.set(`east.${zone}`, second.host);
  names.delay(300);
  await waitFor(
    async () => {
      await cut(before);
      await client.get('key').catch(() => {});
      return second.connections > 0;
    },
    { what: 'a connection to the new server' },
  );
});

const withTls = it.skipIf(!(await hasTls()));

describe('options of sockets', () => {
  it.each([
    ['autoSelectFamily', { autoSelectFamily: true }],
    ['no autoSelectFamily', { autoSelectFamily: false }],
    ['family 4', { family: 4 }],
    ['family 0 and hints', { family: 0, hints: 0 }],
  ])('%s', async (_, socket) => {
    const [east] = await servers(1);
    const options = named([east], socket);
    names.set(`east.${zone}`, ...('family' in socket ? ['127.0.0.1', '::1'] : ['127.0.0.1']));
    const client = clientOf([], options);
    await client.connect();
    expect(await client.set('key', 'value')).toBe('OK');
    names.silence();
    await cut(east);
    expect(await client.get('key')).toBe('value');
  });

  it('happy eyeballs: an address of one family refuses, the other is tried', async () => {
    const [east] = await servers(1);
    const options = named([east], { autoSelectFamily: true });
    names.set(`east.${zone}`, '::1', '127.0.0.1');
    const client = clientOf([], options);
    await client.connect();
    expect(await client.ping()).toBe('PONG');
  });

  it('the lookup function of the application is used, and is as little trouble when it never calls back', async () => {
    const [east, west] = await servers();
    const mine = new NameServer({ [`east.${zone}`]: '127.0.0.1' });
    const options = named([east, west]);
    const socket = { host: `east.${zone}`, port: east.port, lookup: mine.lookup };
    Object.assign(options.databases?.[0] as object, { client: { socket } });
    const client = clientOf([], options);
    await client.connect();
    await healthy(client);
    expect(mine.asked.length).toBeGreaterThan(0);
    expect(names.asked).not.toContain(`east.${zone}`);
    mine.silence();
    await cut(east);
    expect(await client.get('key')).toBeNull();
    await active(client, 'east');
    expect(mine.mostPending).toBe(1);
    mine.dispose();
  });

  it('an empty answer is an error as any other', async () => {
    const [east, west] = await servers();
    const options = named([east, west]);
    const lookup = (_host: string, _options: object, callback: (e: null, found: []) => void) =>
      callback(null, []);
    const socket = { host: `east.${zone}`, port: east.port, lookup };
    Object.assign(options.databases?.[0] as object, { client: { socket } });
    const client = clientOf([], options);
    await client.connect();
    await active(client, 'west');
    expect(String(client.explain())).toContain(`name lookup of east.${zone} failed (ENOTFOUND)`);
  });

  it('IP addresses and Unix sockets are not looked up', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'redis-multidb-socket-'));
    const unixsocket = path.join(dir, 'redis.sock');
    const server = await startRedis({ config: { unixsocket } });
    const client = clientOf([
      { url: `redis://127.0.0.1:${server.port}` },
      { url: `unix://${unixsocket}` },
    ]);
    names.silence();
    await client.connect();
    await healthy(client);
    expect(names.asked).toEqual([]);
    await client.close();
    rmSync(dir, { recursive: true, force: true });
  });

  withTls('TLS: the certificate is checked against the name, or against servername', async () => {
    const certificates = makeCertificates();
    const dir = mkdtempSync(path.join(tmpdir(), 'redis-multidb-tls-'));
    const file = (name: string, text: string) => {
      mkdirSync(dir, { recursive: true });
      writeFileSync(path.join(dir, name), text);
      return path.join(dir, name);
    };
    const port = await freePort();
    const server = await startRedis({
      config: {
        'tls-port': port,
        'tls-cert-file': file('cert.pem', certificates.server.cert),
        'tls-key-file': file('key.pem', certificates.server.key),
        'tls-ca-cert-file': file('ca.pem', certificates.ca),
        'tls-auth-clients': false,
      },
    });
    names.set(`east.${zone}`, '127.0.0.1');
    const socket = { host: `east.${zone}`, port, tls: true, ca: certificates.ca } as const;
    const wrong = clientOf([], { databases: [{ id: 'east', client: { socket } }] });
    await expect(wrong.connect()).rejects.toMatchObject({ code: 'INITIALIZATION_FAILED' });
    const right = clientOf([], {
      databases: [{ id: 'east', client: { socket: { ...socket, servername: 'localhost' } } }],
    });
    await right.connect();
    names.silence();
    await cut(server);
    expect(await right.get('key')).toBeNull();
    await right.close();
    rmSync(dir, { recursive: true, force: true });
  });
});

describe('other topologies: the names of a failed region share one place', () => {
  it('cluster', async () => {
    const [cluster, west] = await Promise.all([
      startCluster({ replicasPerMaster: 0 }),
      startRedis(),
    ]);
    const hosts = new Map(
      cluster.masters.map(({ port }, i) => [
        `127.0.0.1:${port}`,
        { host: `n${i}.east.${zone}`, port },
      ]),
    );
    for (const { host } of hosts.values()) names.set(host, '127.0.0.1');
    names.set(`west.${zone}`, '127.0.0.1');
    const client = own(
      createMultiDbClient({
        ...QUICK,
        unhealthyAfterMs: 0,
        databases: [
          {
            id: 'east',
            topology: 'cluster',
            cluster: {
              rootNodes: [...hosts.values()].map((socket) => ({ socket })),
              nodeAddressMap: (address: string) => hosts.get(address),
            },
          },
          {
            id: 'west',
            weight: 0.5,
            client: { socket: { host: `west.${zone}`, port: west.port } },
          },
        ],
      } as MultiDbClientOptions),
    );
    await client.connect();
    await healthy(client as never);
    expect(names.mostPending).toBeLessThanOrEqual(2);
    names.mostPending = names.pending;
    for (const { host } of hosts.values()) names.silence(host);
    await Promise.all([
      switchTo(client as never, 'west'),
      ...cluster.masters.map((each) => each.kill()),
    ]);
    await waitFor(() => names.pending === 1, { what: 'a lookup' });
    await cut(west);
    expect(await client.get('key')).toBeNull();
    expect(names.mostPending).toBe(1);
  });

  it('pool, sentinel and transactions', async () => {
    const [deployment, west] = await Promise.all([startSentinel(), startRedis()]);
    names.set(`master.east.${zone}`, '127.0.0.1');
    names.set(`sentinel.east.${zone}`, '127.0.0.1');
    names.set(`west.${zone}`, '127.0.0.1');
    const client = own(
      createMultiDbClient({
        ...QUICK,
        unhealthyAfterMs: 0,
        databases: [
          {
            id: 'east',
            topology: 'sentinel',
            sentinel: {
              name: deployment.name,
              sentinelRootNodes: deployment.seeds.map(({ port }) => ({
                host: `sentinel.east.${zone}`,
                port,
              })),
              nodeAddressMap: (address: string) => ({
                host: `master.east.${zone}`,
                port: Number(address.split(':').at(-1)),
              }),
            },
          },
          {
            id: 'west',
            weight: 0.5,
            topology: 'pool',
            pool: { minimum: 3 },
            client: { socket: { host: `west.${zone}`, port: west.port } },
          },
        ],
      } as MultiDbClientOptions),
    );
    await client.connect();
    await healthy(client as never);
    names.mostPending = names.pending;
    for (const host of [`master.east.${zone}`, `sentinel.east.${zone}`]) names.silence(host);
    await Promise.all([
      switchTo(client as never, 'west'),
      ...deployment.nodes.map((each) => each.kill()),
      ...deployment.sentinels.map((each) => each.kill()),
    ]);
    await waitFor(() => names.pending === 1, { what: 'a lookup' });
    await cut(west);
    expect(await client.get('key')).toBeNull();
    await client.transaction('key', async (tx) => tx.multi().set('key', 'value'));
    expect(await client.get('key')).toBe('value');
    expect(names.mostPending).toBe(1);
  });
});

it('requests of the lag-aware check are looked up in the same way', async () => {
  const certificates = makeCertificates();
  const rest = await startRestServer(certificates.server);
  names.set('localhost', '127.0.0.1');
  const strategy = new LagAwareStrategy({
    restUrl: `https://localhost:${rest.port}`,
    credentials: rest.credentials,
    databaseId: 7,
    tls: { ca: certificates.ca },
  });
  rest.databases = [{ uid: 7, endpoints: [] }];
  expect(await strategy.check(probeOf({}))).toBe(true);
  expect(names.asked).toEqual(['localhost']);
  names.silence();
  strategy.close();
  const checks = [1, 2, 3].map(() => strategy.check(probeOf({})));
  expect(await Promise.all(checks)).toEqual([true, true, true]);
  expect(names.mostPending).toBe(1);
  strategy.close();
  await rest.close();
});
