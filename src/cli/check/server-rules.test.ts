import { describe, expect, it } from 'vitest';
import {
  certificateFinding,
  clockFinding,
  latencyFinding,
  nodeFindings,
  parseInfo,
  poolFinding,
  sameServerFindings,
  serverFindings,
} from './server-rules.js';

const WELL = {
  redis_version: '7.2.4',
  redis_mode: 'standalone',
  role: 'master',
  loading: '0',
  used_memory: '100',
  maxmemory: '0',
  maxmemory_policy: 'noeviction',
  rdb_last_bgsave_status: 'ok',
  aof_last_write_status: 'ok',
  connected_clients: '10',
  maxclients: '10000',
};

const infoOf = (over: Record<string, string>) => new Map(Object.entries({ ...WELL, ...over }));

function found(over: Record<string, string>, topology = 'client'): string[] {
  return serverFindings(infoOf(over), topology)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, text }) => `${level} ${check}: ${text}`);
}

it('INFO is read with either line break, its headings and empty lines left out', () => {
  const info = parseInfo('# Server\r\nredis_version:7.2.4\r\n\r\nconfig_file:/a:b\nrole:master\n');
  expect([...info]).toEqual([
    ['redis_version', '7.2.4'],
    ['config_file', '/a:b'],
    ['role', 'master'],
  ]);
});

it('a server that is healthy is named, and one without INFO is not judged', () => {
  expect(serverFindings(infoOf({}), 'client')).toEqual([
    { check: 'server', level: 'ok', text: 'Redis 7.2.4, standalone, master' },
  ]);
  expect(serverFindings(new Map(), 'client')).toEqual([]);
});

/** What fires, what it says, and the same without the danger. */
const RULES: readonly [
  fires: Record<string, string>,
  says: string,
  silent: Record<string, string>,
  topology?: string,
][] = [
  [
    { redis_version: '6.0.20' },
    'note server: Redis 6.0.20 is older than the tested versions (6.2)',
    { redis_version: '6.2.0' },
  ],
  [{ redis_version: '5.9.9' }, 'note server: Redis 5.9.9 is older', { redis_version: '10.0.0' }],
  [{ redis_mode: 'sentinel' }, 'problem topology: this is a Sentinel', {}],
  [{ redis_mode: 'cluster' }, 'problem topology: this is a node of a Redis Cluster', {}],
  [{}, 'problem topology: this server runs without', { redis_mode: 'cluster' }, 'cluster'],
  [
    { role: 'slave', master_link_status: 'up' },
    'warning role: a read-only replica',
    { role: 'master' },
  ],
  [
    { role: 'slave', master_link_status: 'down' },
    'warning role: a replica whose link to its master is down',
    { role: 'slave', master_link_status: 'up' },
  ],
  [
    { role: 'slave', slave_read_only: '0' },
    'note role: a replica that accepts writes',
    { role: 'slave', slave_read_only: '1' },
  ],
  [{ loading: '1' }, 'problem loading: the server is still loading', { loading: '0' }],
  [
    { used_memory: '90', maxmemory: '100' },
    'warning memory: 90 % of maxmemory is used, with noeviction: writes will soon fail',
    { used_memory: '89', maxmemory: '100' },
  ],
  [
    { used_memory: '95', maxmemory: '100', maxmemory_policy: 'allkeys-lru' },
    'note memory: 95 % of maxmemory is used, with allkeys-lru',
    { used_memory: '95', maxmemory: '0' },
  ],
  [
    { rdb_last_bgsave_status: 'err' },
    'warning persistence: rdb_last_bgsave_status is err',
    { rdb_last_bgsave_status: 'ok' },
  ],
  [{ aof_last_write_status: 'err' }, 'warning persistence: aof_last_write_status is err', {}],
  [
    { connected_clients: '90', maxclients: '100' },
    'warning clients: 90 of 100 connections',
    { connected_clients: '89', maxclients: '100' },
  ],
];

describe.each(RULES)('%j', (fires, says, silent, topology = 'client') => {
  it('is told', () => {
    expect(found(fires, topology)).toEqual([expect.stringContaining(says)]);
  });

  it(`${JSON.stringify(silent)} is not`, () => {
    expect(found(silent, topology).filter((each) => each.startsWith(says))).toEqual([]);
  });
});

it('Valkey goes by its own version', () => {
  const valkey = { redis_version: '7.2.4', valkey_version: '8.1.0' };
  expect(serverFindings(infoOf(valkey), 'client')).toMatchObject([
    { level: 'ok', text: expect.stringMatching(/^Valkey 8\.1\.0/) },
  ]);
});

it('a node of a deployment may be a replica', () => {
  expect(nodeFindings(infoOf({ role: 'slave', redis_mode: 'cluster' }))).toEqual([]);
  expect(nodeFindings(infoOf({ loading: '1' }))).toHaveLength(1);
});

it('a pool is measured by what the server takes', () => {
  expect(poolFinding(infoOf({ maxclients: '100' }), 100)).toMatchObject({ level: 'warning' });
  expect(poolFinding(infoOf({ maxclients: '100' }), 99)).toBeUndefined();
  expect(poolFinding(new Map(), 99)).toBeUndefined();
});

it.each([
  [15, 'ok', 'TLSv1.3, certificate valid for 15 more days'],
  [13.9, 'warning', 'TLSv1.3, certificate valid for 13 more days'],
  [1.5, 'warning', 'TLSv1.3, certificate valid for 1 more day'],
  [-3.2, 'problem', 'the certificate expired 3 days ago'],
])('a certificate with %d days left is %s', (daysLeft, level, text) => {
  expect(certificateFinding(daysLeft, 'TLSv1.3')).toMatchObject({ level, text });
});

describe('clocks', () => {
  const at = (id: string, offsetMs: number, uncertaintyMs = 10) => ({
    id,
    offsetMs,
    uncertaintyMs,
  });

  it('that are surely apart are warned of', () => {
    expect(clockFinding([at('a', 0), at('b', 1021), at('c', 5)])).toMatchObject({
      level: 'warning',
      text: expect.stringMatching(/^the clock of b is 1\.0 s ahead of that of a/),
    });
  });

  it('that may be apart are not, within what can be seen', () => {
    expect(clockFinding([at('a', 0), at('b', 1020)])).toMatchObject({ level: 'ok' });
    expect(clockFinding([at('a', 0, 600), at('b', 1100, 600)])).toMatchObject({
      level: 'ok',
      text: expect.stringContaining('no difference above 1.2 s'),
    });
  });

  it('one alone is not compared', () => {
    expect(clockFinding([at('a', 5000)])).toBeUndefined();
  });
});

describe('latency', () => {
  const at = (id: string, weight: number, latencyMs: number) => ({ id, weight, latencyMs });

  it('a preferred database that is much farther away', () => {
    expect(latencyFinding([at('a', 2, 30), at('b', 1, 10)])).toMatchObject({
      level: 'note',
      text: 'b is nearer (10.0 ms) than a (30.0 ms), which has the higher weight',
    });
  });

  it.each([
    ['not much farther', [at('a', 2, 29), at('b', 1, 10)]],
    ['near enough', [at('a', 2, 4.9), at('b', 1, 0.1)]],
    ['the nearest', [at('a', 2, 10), at('b', 1, 30)]],
    ['alone', [at('a', 2, 100)]],
  ])('%s', (_, readings) => {
    expect(latencyFinding(readings)).toBeUndefined();
  });
});

describe('one server behind several entries', () => {
  it('is a problem, told once, also of a cluster with many nodes', () => {
    const ids = new Map([
      ['a', ['r1', 'r2', 'r3']],
      ['b', ['r2', 'r3']],
      ['c', ['r4']],
      ['d', []],
    ]);
    expect(sameServerFindings(ids)).toMatchObject([
      { level: 'problem', text: 'a and b are the same server' },
    ]);
  });

  it('different ones are none', () => {
    expect(
      sameServerFindings(
        new Map([
          ['a', ['r1', 'r1']],
          ['b', ['r2']],
        ]),
      ),
    ).toEqual([]);
  });
});
