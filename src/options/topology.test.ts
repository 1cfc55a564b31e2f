import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { resolveOptions } from './validate.js';

const CLUSTER = { rootNodes: [{ url: 'redis://c1:7000' }, { socket: { host: 'c2', port: 7001 } }] };
const SENTINEL = { name: 'main', sentinelRootNodes: [{ host: 's1', port: 26_379 }] };

function resolve(database: object, client: object = {}, others: object = {}) {
  const [resolved] = resolveOptions({ databases: [database], client, ...others }).databases;
  if (resolved === undefined) throw new Error('nothing was resolved');
  return resolved;
}

describe('a pool', () => {
  it("has node-redis's defaults, and an id of its own address", () => {
    expect(resolve({ topology: 'pool', client: { url: 'redis://east:1' } })).toMatchObject({
      id: 'east:1',
      topology: 'pool',
      pool: { minimum: 1, maximum: 100, acquireTimeout: 3000, cleanupDelay: 3000 },
      unhealthyAfterMs: 0,
    });
  });

  it('takes its options', () => {
    const pool = { minimum: 0, maximum: 5, acquireTimeout: 0, cleanupDelay: 1 };
    expect(resolve({ topology: 'pool', pool })).toMatchObject({ pool });
  });
});

describe('a cluster', () => {
  it('lays its defaults over the shared options, and its root nodes over both', () => {
    const shared = { url: 'redis://shared:1', username: 'u', socket: { tls: true, host: 'h' } };
    const resolved = resolve(
      {
        topology: 'cluster',
        cluster: {
          rootNodes: [{ socket: { host: 'c1', port: 7000 }, password: 'root' }],
          defaults: { password: 'p', socket: { noDelay: false } },
          maxCommandRedirections: 5,
        },
      },
      shared,
    );
    const defaults = { username: 'u', password: 'p', socket: { tls: true, noDelay: false } };
    expect(resolved).toMatchObject({
      id: 'c1:7000',
      topology: 'cluster',
      unhealthyAfterMs: 15_000,
    });
    expect(resolved.client).toEqual(defaults);
    expect(resolved.topology === 'cluster' && resolved.cluster).toEqual({
      defaults,
      rootNodes: [
        {
          username: 'u',
          password: 'root',
          socket: { tls: true, noDelay: false, host: 'c1', port: 7000 },
        },
      ],
      maxCommandRedirections: 5,
    });
  });
});

describe('a sentinel', () => {
  it('is named by the master and the first root node; sentinels get no shared options', () => {
    const resolved = resolve(
      { topology: 'sentinel', sentinel: { ...SENTINEL, nodeClientOptions: { username: 'u' } } },
      { password: 'p', socket: { port: 1 } },
    );
    expect(resolved).toMatchObject({ id: 'main@s1:26379', unhealthyAfterMs: 15_000 });
    expect(resolved.topology === 'sentinel' && resolved.sentinel).toEqual({
      ...SENTINEL,
      nodeClientOptions: { username: 'u', password: 'p', socket: {} },
      sentinelClientOptions: {},
    });
  });
});

it("the group's unhealthyAfterMs holds for every topology", () => {
  const given = { topology: 'cluster', cluster: CLUSTER };
  expect(resolve(given, {}, { unhealthyAfterMs: 0 }).unhealthyAfterMs).toBe(0);
});

it('one group mixes them', () => {
  const { databases } = resolveOptions({
    databases: [
      { topology: 'cluster', cluster: CLUSTER },
      { topology: 'sentinel', sentinel: SENTINEL },
      { topology: 'pool', client: { url: 'redis://p:1' } },
      { client: { url: 'redis://c:1' } },
    ],
  });
  expect(databases.map(({ topology }) => topology)).toEqual([
    'cluster',
    'sentinel',
    'pool',
    'client',
  ]);
});

describe('rejects', () => {
  it.each([
    [{ pool: {} }, 'topology: expected \'pool\' beside `pool`, received "client"'],
    [{ topology: 'client', cluster: CLUSTER }, "topology: expected 'cluster' beside `cluster`"],
    [{ topology: 'pool', sentinel: SENTINEL }, "topology: expected 'sentinel' beside `sentinel`"],
    [
      { topology: 'cluster', cluster: CLUSTER, client: {} },
      "topology: expected 'client' or 'pool' beside `client`",
    ],
    [{ topology: 'sentinel', sentinel: SENTINEL, pool: {} }, "expected 'pool' beside `pool`"],
    [{ topology: 'pool', pool: 3 }, 'pool: expected an object'],
    [{ topology: 'pool', pool: { max: 3 } }, 'pool.max: expected a known option'],
    [{ topology: 'pool', pool: { minimum: 3, maximum: 2 } }, 'pool.maximum: expected at least'],
    [{ topology: 'cluster' }, 'cluster: expected an object'],
    [{ topology: 'cluster', cluster: {} }, 'cluster.rootNodes: expected a non-empty array'],
    [{ topology: 'cluster', cluster: { rootNodes: [1] } }, 'cluster.rootNodes[0]: expected'],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, rootnodes: [] } },
      'cluster.rootnodes: expected',
    ],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, defaults: { url: 'redis://u:s3cret@h:1' } } },
      'cluster.defaults.url: expected no address',
    ],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, defaults: { socket: { port: 1 } } } },
      'cluster.defaults.socket.port: expected no address',
    ],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, RESP: 2 } },
      'cluster.RESP: expected this option only in',
    ],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, defaults: { RESP: 2 } } },
      'cluster.defaults.RESP: expected this option only in',
    ],
    [
      { topology: 'cluster', cluster: { ...CLUSTER, clientSideCache: {} } },
      'cluster.clientSideCache: expected nothing',
    ],
    [{ topology: 'sentinel', sentinel: {} }, 'sentinel.name: expected'],
    [{ topology: 'sentinel', sentinel: { name: 'm' } }, 'sentinel.sentinelRootNodes: expected'],
    [
      { topology: 'sentinel', sentinel: { name: 'm', sentinelRootNodes: [{ host: 'h' }] } },
      'sentinel.sentinelRootNodes[0].port: expected',
    ],
    [
      { topology: 'sentinel', sentinel: { ...SENTINEL, replicaPoolSize: 2 } },
      'sentinel.replicaPoolSize: expected 0',
    ],
    [
      { topology: 'sentinel', sentinel: { ...SENTINEL, masterPoolSize: 0 } },
      'sentinel.masterPoolSize: expected an integer, 1 or more',
    ],
    [
      { topology: 'sentinel', sentinel: { ...SENTINEL, scanInterval: -1 } },
      'sentinel.scanInterval: expected an integer, 0 or more',
    ],
    [
      { topology: 'sentinel', sentinel: { ...SENTINEL, nodeClientOptions: { keyPrefix: 'x' } } },
      'sentinel.nodeClientOptions.keyPrefix: expected this option only in',
    ],
  ])('%j', (database, message) => {
    const act = () => resolve(database);
    expect(act).toThrow(InvalidOptionError);
    expect(act).toThrow(message);
    expect(act).not.toThrow('s3cret');
  });
});

describe('options of TLS without TLS', () => {
  const ca = 'a PEM';
  it.each([
    [{ socket: { host: 'east', ca } }, 'ca'],
    [{ url: 'redis://east', socket: { rejectUnauthorized: true } }, 'rejectUnauthorized'],
    [{ socket: { host: 'east', passphrase: 's3cret' } }, 'passphrase'],
  ])('are rejected: %#', (client, name) => {
    for (const topology of ['client', 'pool']) {
      const act = () => resolve({ topology, client });
      expect(act).toThrow(`client.socket.${name}: expected \`tls: true\` or a rediss:// URL`);
      expect(act).not.toThrow('s3cret');
    }
  });

  it.each([
    [{ socket: { host: 'east', ca, tls: true } }, {}],
    [{ socket: { host: 'east', tls: { ca } } }, {}],
    [{ url: 'rediss://east', socket: { ca } }, {}],
    [{ socket: { host: 'east', ca } }, { socket: { tls: true } }],
    [{ socket: { host: 'east', ca, tls: false } }, { socket: { tls: true } }],
    [{ url: 'redis://east' }, { socket: { ca } }],
  ])('are accepted beside TLS, or where they are shared: %#', (client, shared) => {
    expect(() => resolve({ client }, shared)).not.toThrow();
  });
});
