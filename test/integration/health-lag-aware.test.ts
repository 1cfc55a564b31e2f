/** LagAwareStrategy against an HTTPS server that follows the published contract: what it asks, and of whom. */
import { InvalidOptionError, LagAwareStrategy, type LagAwareStrategyOptions } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import {
  certificates,
  HOST,
  LAG,
  lagAware,
  reasonOf,
  rest,
  strategies,
} from './health-lag-support.js';
import { probeOf } from './health-probe.js';
import { json } from './health-rest-server.js';

describe('the requests', () => {
  it('looks the database up by its host, and asks for its lag', async () => {
    const server = await rest();
    const strategy = lagAware(server);
    expect(await strategy.check(probeOf({ host: HOST }))).toBe(true);
    expect(server.requests).toEqual([
      '/v1/bdbs?fields=uid,endpoints',
      `/v1/bdbs/7/availability${LAG}`,
    ]);
  });

  it('remembers what it found until a request fails', async () => {
    const server = await rest();
    const strategy = lagAware(server);
    const probe = probeOf({ host: HOST });
    await strategy.check(probe);
    await strategy.check(probe);
    expect(server.requests).toHaveLength(3);

    // The database was created again, with another uid.
    server.databases = [{ uid: 9, endpoints: [{ dns_name: HOST }] }];
    expect(await reasonOf(strategy)).toMatch('/v1/bdbs/7/availability answered 404: db_not_found');
    server.requests.length = 0;
    expect(await strategy.check(probe)).toBe(true);
    expect(server.requests).toEqual([
      '/v1/bdbs?fields=uid,endpoints',
      `/v1/bdbs/9/availability${LAG}`,
    ]);
  });

  it('remembers per database when one strategy serves several', async () => {
    const server = await rest();
    const strategy = lagAware(server);
    const east = probeOf({ host: HOST, databaseId: 'east' });
    const west = probeOf({ host: 'other.example.com', databaseId: 'west' });
    for (const probe of [east, west, east, west]) await strategy.check(probe);
    expect(server.requests.filter((url) => url.includes('fields='))).toHaveLength(2);
    expect(server.requests.slice(-2)).toEqual([
      `/v1/bdbs/7/availability${LAG}`,
      `/v1/bdbs/1/availability${LAG}`,
    ]);
  });

  it('asks for nothing but the availability with databaseId', async () => {
    const server = await rest();
    await lagAware(server, { databaseId: 1 }).check(probeOf({ host: 'whatever' }));
    expect(server.requests).toEqual([`/v1/bdbs/1/availability${LAG}`]);
  });

  it('does not ask for the lag with extendedCheckEnabled: false', async () => {
    const server = await rest();
    server.databases = [{ uid: 1, endpoints: [], lagMs: 60_000 }];
    const strategy = lagAware(server, { databaseId: 1, extendedCheckEnabled: false });
    expect(await strategy.check(probeOf())).toBe(true);
    expect(server.requests).toEqual(['/v1/bdbs/1/availability']);
  });

  it('fails above availabilityLagToleranceMs and passes up to it', async () => {
    const server = await rest();
    server.databases = [{ uid: 1, endpoints: [], lagMs: 200 }];
    expect(await lagAware(server, { databaseId: 1 }).check(probeOf())).toBe(true);
    const strict = lagAware(server, { databaseId: 1, availabilityLagToleranceMs: 100 });
    expect(await reasonOf(strict)).toBe(
      `GET ${server.url}/v1/bdbs/1/availability answered 503: bdb_unavailable (Database is not available)`,
    );
    server.databases[0]!.lagMs = 100;
    expect(await strict.check(probeOf())).toBe(true);
  });

  it('keeps a path in front of the API', async () => {
    const server = await rest();
    const strategy = lagAware(server, { restUrl: `${server.url}/gateway`, databaseId: 1 });
    expect(await reasonOf(strategy)).toMatch('answered 404');
    expect(server.requests).toEqual([`/gateway/v1/bdbs/1/availability${LAG}`]);
  });

  it('asks at port 9443 of the host of the database without restUrl', async () => {
    const strategy = new LagAwareStrategy({ credentials: { username: 'a', password: 'b' } });
    strategies.push(strategy);
    // Nobody listens there in a test; the message tells where it was tried.
    const probe = probeOf({ host: '127.0.0.1' });
    expect(await reasonOf(strategy, probe)).toMatch('GET https://127.0.0.1:9443/v1/bdbs: ');
    const v6 = probeOf({ host: '::1' });
    expect(await reasonOf(strategy, v6)).toMatch('GET https://[::1]:9443/v1/bdbs: ');
  });

  it.each(['https://cluster.invalid', new URL('https://cluster.invalid/')])(
    'asks at port 9443 when restUrl %s has none',
    async (restUrl) => {
      const strategy = new LagAwareStrategy({ restUrl });
      strategies.push(strategy);
      expect(await reasonOf(strategy)).toMatch('GET https://cluster.invalid:9443/v1/bdbs: ');
    },
  );

  it('keeps port 443 when restUrl says so', async () => {
    const strategy = new LagAwareStrategy({ restUrl: 'https://cluster.invalid:443' });
    strategies.push(strategy);
    expect(await reasonOf(strategy)).toMatch('GET https://cluster.invalid/v1/bdbs: ');
  });
});

describe('which database has this host', () => {
  it.each([
    ['dns_name', HOST],
    ['dns_name in another case, with the final dot', `${HOST.toUpperCase()}.`],
    ['one of addr', '10.0.0.3'],
  ])('%s', async (_, host) => {
    const server = await rest();
    await lagAware(server).check(probeOf({ host }));
    expect(server.requests.at(-1)).toBe(`/v1/bdbs/7/availability${LAG}`);
  });

  it('the port decides between databases at one address', async () => {
    const server = await rest();
    server.databases = [
      { uid: 1, endpoints: [{ dns_name: 'a.example.com', addr: ['10.0.0.1'], port: 14000 }] },
      { uid: 2, endpoints: [{ dns_name: 'b.example.com', addr: ['10.0.0.1'], port: 15000 }] },
    ];
    await lagAware(server).check(probeOf({ host: '10.0.0.1', port: 15000 }));
    expect(server.requests.at(-1)).toBe(`/v1/bdbs/2/availability${LAG}`);
    expect(await reasonOf(lagAware(server), probeOf({ host: '10.0.0.1', port: 16000 }))).toBe(
      `2 databases of 127.0.0.1:${server.port} have an endpoint with the host 10.0.0.1; set databaseId`,
    );
  });

  it('says when there is none', async () => {
    const server = await rest();
    expect(await reasonOf(lagAware(server), probeOf({ host: 'redis.example.org' }))).toBe(
      `no database of 127.0.0.1:${server.port} has an endpoint with the host redis.example.org; set databaseId`,
    );
  });

  it('survives entries that follow no contract', async () => {
    const server = await rest();
    const strange = [null, 1, {}, { uid: 'x', endpoints: [] }, { uid: 2, endpoints: [null, {}] }];
    server.fault = {
      path: /bdbs$/,
      act: (_, response) => json(response, 200, [...strange, ...server.databases]),
    };
    expect(await lagAware(server).check(probeOf({ host: HOST }))).toBe(true);
  });
});

describe('credentials', () => {
  it('asks a function before every request', async () => {
    const server = await rest();
    let asked = 0;
    const strategy = lagAware(server, {
      databaseId: 1,
      credentials: async () => {
        asked += 1;
        return server.credentials;
      },
    });
    await strategy.check(probeOf());
    server.credentials = { username: 'viewer@example.com', password: 'changed' };
    await strategy.check(probeOf());
    expect(asked).toBe(2);
  });

  it('401: says that they were not accepted, and not what they were', async () => {
    const server = await rest();
    const credentials = { username: 'viewer@example.com', password: 'secret' };
    expect(await reasonOf(lagAware(server, { credentials }))).toBe(
      `GET ${server.url}/v1/bdbs answered 401: the credentials were not accepted`,
    );
    const none = new LagAwareStrategy({ restUrl: server.url, tls: { ca: certificates.ca } });
    strategies.push(none);
    expect(await reasonOf(none)).toMatch('answered 401');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no vault');
      },
      'the credentials function failed: no vault',
    ],
    [
      'rejects',
      () => Promise.reject(new Error('no vault')),
      'the credentials function failed: no vault',
    ],
    ['answers nonsense', () => ({ user: 'x' }), /did not return \{ username, password \}/],
  ])('a function that %s', async (_, credentials, reason) => {
    const server = await rest();
    const options = { credentials } as unknown as LagAwareStrategyOptions;
    expect(await reasonOf(lagAware(server, options))).toMatch(reason);
    expect(server.requests).toEqual([]);
  });
});

it.each([
  [{ restUrl: 'http://cluster:9443' }, 'LagAwareStrategy.restUrl'],
  [{ restUrl: 'cluster:9443' }, 'LagAwareStrategy.restUrl'],
  [{ restUrl: 'https://admin:secret@cluster:9443' }, 'LagAwareStrategy.restUrl'],
  [{ credentials: { username: 'a' } }, 'LagAwareStrategy.credentials'],
  [{ credentials: { username: 'a:b', password: 'secret' } }, 'LagAwareStrategy.credentials'],
  [{ credentials: 'secret' }, 'LagAwareStrategy.credentials'],
  [{ databaseId: 'east' }, 'LagAwareStrategy.databaseId'],
  [{ databaseId: 0 }, 'LagAwareStrategy.databaseId'],
  [{ extendedCheckEnabled: 1 }, 'LagAwareStrategy.extendedCheckEnabled'],
  [{ availabilityLagToleranceMs: -1 }, 'LagAwareStrategy.availabilityLagToleranceMs'],
  [{ availabilityLagToleranceMs: Number.NaN }, 'LagAwareStrategy.availabilityLagToleranceMs'],
  [{ role: 'gates' }, 'LagAwareStrategy.role'],
  [{ lagTolerance: 1 }, 'LagAwareStrategy.lagTolerance'],
  [{ tls: { ca: [] } }, 'LagAwareStrategy.tls.ca'],
  [{ tls: { cert: 'x' } }, 'LagAwareStrategy.tls.key'],
  [{ tls: { key: 'secret' } }, 'LagAwareStrategy.tls.cert'],
  [{ tls: { rejectUnauthorized: 'no' } }, 'LagAwareStrategy.tls.rejectUnauthorized'],
  [{ tls: { verify: false } }, 'LagAwareStrategy.tls.verify'],
  [[], 'LagAwareStrategy'],
])('%j is rejected', (options, option) => {
  const make = () => new LagAwareStrategy(options as LagAwareStrategyOptions);
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(expect.objectContaining({ option }));
  expect(make).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }));
});
