/** LagAwareStrategy against an HTTPS server that follows the published contract, with real certificates. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { InvalidOptionError, LagAwareStrategy, type LagAwareStrategyOptions } from 'redis-multidb';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, waitFor } from '../kit/index.js';
import { type Certificates, makeCertificates } from './health-certificates.js';
import { probeOf } from './health-probe.js';
import { json, type RestFault, type RestServer, startRestServer } from './health-rest-server.js';
import { errorOf } from './support.js';

const HOST = 'redis-14000.east.example.com';
const LAG = '?extend_check=lag&availability_lag_tolerance_ms=5000';

let certificates: Certificates;
const restServers: RestServer[] = [];
const strategies: LagAwareStrategy[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});

afterEach(async () => {
  for (const strategy of strategies.splice(0)) strategy.close();
  await Promise.all(restServers.splice(0).map((each) => each.close()));
});

async function rest(...args: Partial<Parameters<typeof startRestServer>>): Promise<RestServer> {
  const server = await startRestServer(args[0] ?? certificates.server, args[1]);
  restServers.push(server);
  server.databases = [
    { uid: 1, endpoints: [{ dns_name: 'other.example.com', addr: ['10.0.0.1'], port: 14000 }] },
    { uid: 7, endpoints: [{ dns_name: HOST, addr: ['10.0.0.2', '10.0.0.3'], port: 14000 }] },
  ];
  return server;
}

function lagAware(server: RestServer, options: LagAwareStrategyOptions = {}): LagAwareStrategy {
  const strategy = new LagAwareStrategy({
    restUrl: server.url,
    credentials: server.credentials,
    ...options,
    tls: { ca: certificates.ca, ...options.tls },
  });
  strategies.push(strategy);
  return strategy;
}

async function reasonOf(strategy: LagAwareStrategy, probe = probeOf({ host: HOST })) {
  return (await errorOf(Promise.resolve(strategy.check(probe)))).message;
}

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

    // The database was made anew, under another uid.
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

describe('certificates', () => {
  it.each([
    ['a CA that did not sign', 'server', 'strangerCa', /unable to verify the first certificate/],
    ['an expired certificate', 'expired', 'ca', /certificate has expired/],
    ['a certificate of another host', 'otherHost', 'ca', /does not match certificate's altnames/],
  ] as const)('%s is not accepted', async (_, pair, ca, reason) => {
    const server = await rest(certificates[pair]);
    const strategy = lagAware(server, { tls: { ca: certificates[ca] } });
    expect(await reasonOf(strategy)).toMatch(reason);
    expect(server.requests).toEqual([]);
  });

  it('the ones that Node.js trusts are used without a CA', async () => {
    const server = await rest();
    const strategy = new LagAwareStrategy({ restUrl: server.url });
    strategies.push(strategy);
    expect(await reasonOf(strategy)).toMatch(/unable to verify the first certificate/);
  });

  it('servername takes the place of the host', async () => {
    const server = await rest(certificates.otherHost);
    const tls = { servername: 'rest.example.com' };
    expect(await lagAware(server, { tls }).check(probeOf({ host: HOST }))).toBe(true);
    const wrong = { servername: 'localhost' };
    expect(await reasonOf(lagAware(server, { tls: wrong }))).toMatch(/does not match/);
  });

  it('shows a client certificate', async () => {
    const ca = certificates.ca;
    const server = await rest(undefined, { requestCert: true, rejectUnauthorized: true, ca });
    const { client } = certificates;
    expect(await lagAware(server, { tls: client }).check(probeOf({ host: HOST }))).toBe(true);
    expect(await reasonOf(lagAware(server))).toMatch(/certificate required|socket|ECONNRESET/);
  });

  it('rejectUnauthorized: false accepts any, and warns', async () => {
    const server = await rest(certificates.expired);
    const warned = new Promise<Error & { code?: string }>((resolve) => {
      process.once('warning', resolve);
    });
    const tls = { ca: certificates.strangerCa, rejectUnauthorized: false };
    expect(await lagAware(server, { tls }).check(probeOf({ host: HOST }))).toBe(true);
    expect(await warned).toMatchObject({ code: 'REDIS_MULTIDB_UNVERIFIED_TLS' });
  });
});

describe('answers that are not well', () => {
  const respond =
    (status: number, body: string, headers = {}): RestFault =>
    (_, response) =>
      response.writeHead(status, headers).end(body);
  const cut: RestFault = (_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('[{"uid":');
    setImmediate(() => response.destroy());
  };
  const { stringify } = JSON;

  it.each<[string, RegExp, RestFault, string | RegExp]>([
    [
      '503 with suffixes',
      /availability/,
      respond(503, stringify({ error_code: 'bdb_unavailable_shard_unreachable' })),
      /answered 503: bdb_unavailable_shard_unreachable$/,
    ],
    ['503 without a body', /availability/, respond(503, ''), /answered 503$/],
    ['503 with HTML', /availability/, respond(503, '<html>'), /answered 503$/],
    [
      '200 with an error_code',
      /availability/,
      respond(200, stringify({ error_code: 'no_quorum', description: 'Master\nfailed' })),
      /answered 200: no_quorum \(Master failed\)$/,
    ],
    ['403', /bdbs$/, respond(403, ''), /answered 403: the user may not view databases$/],
    [
      'redirect',
      /availability/,
      respond(307, '', { location: 'https://primary.example.com:9443/v1/bdbs/7/availability' }),
      /answered 307, a redirect to https:\/\/primary.example.com:9443, which is not followed; set restUrl$/,
    ],
    ['redirect to nowhere', /bdbs$/, respond(302, ''), /a redirect to nowhere|redirect to https/],
    ['JSON that ends early', /bdbs$/, respond(200, '[{"uid":'), /no valid JSON list of databases$/],
    ['JSON of another shape', /bdbs$/, respond(200, '{"uid":1}'), /no valid JSON list/],
    ['a response that is cut off', /bdbs$/, cut, /the response was cut off$/],
    ['a body without end', /bdbs$/, respond(200, 'x'.repeat(5e6)), /longer than 4194304 bytes$/],
    ['no response', /bdbs$/, (request) => request.socket.destroy(), /socket hang up$/],
  ])('%s', async (_, faultyPath, act, reason) => {
    const server = await rest();
    server.fault = { path: faultyPath, act };
    const strategy = lagAware(server);
    expect(await reasonOf(strategy)).toMatch(reason);
    server.fault = undefined;
    expect(await strategy.check(probeOf({ host: HOST }))).toBe(true);
  });

  it('a refused connection', async () => {
    const port = await freePort();
    const strategy = new LagAwareStrategy({ restUrl: `https://127.0.0.1:${port}` });
    strategies.push(strategy);
    expect(await reasonOf(strategy)).toMatch(`connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('gives a slow one up when the probe ends, and closes its connection', async () => {
    const server = await rest();
    let arrived = () => {};
    const asked = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    server.fault = { path: /availability/, act: () => arrived() };
    const ending = new AbortController();
    const strategy = lagAware(server, { databaseId: 1 });
    const checking = errorOf(Promise.resolve(strategy.check(probeOf({ signal: ending.signal }))));
    await asked;
    expect(server.open).toBe(1);
    ending.abort(new Error('the probe has ended'));
    expect((await checking).message).toMatch(/aborted/);
    await waitFor(() => server.open === 0, { what: 'the connection to be closed' });
  });

  it('asks for nothing when the probe has ended meanwhile', async () => {
    const server = await rest();
    const ending = new AbortController();
    const credentials = async () => {
      ending.abort(new Error('the probe has ended'));
      return server.credentials;
    };
    const strategy = lagAware(server, { credentials });
    const probe = probeOf({ signal: ending.signal });
    expect(await reasonOf(strategy, probe)).toBe('the probe has ended');
    expect(server.accepted).toBe(0);
  });
});

describe('connections', () => {
  it('keeps one open, and closes it with close()', async () => {
    const server = await rest();
    const strategy = lagAware(server);
    for (let round = 0; round < 5; round++) await strategy.check(probeOf({ host: HOST }));
    expect(server.requests).toHaveLength(6);
    expect(server.accepted).toBe(1);
    strategy.close();
    await waitFor(() => server.open === 0, { what: 'the connection to be closed' });
  });

  it('a connection that the server has closed meanwhile is not a failure', async () => {
    const server = await rest();
    const strategy = lagAware(server, { databaseId: 1 });
    await strategy.check(probeOf());
    // In the same turn: the client does not know of it yet.
    const checking = Promise.resolve(strategy.check(probeOf()));
    server.endIdle();
    expect(await checking).toBe(true);
    expect(server.accepted).toBe(2);
  });

  it('does not keep the process alive', async () => {
    const server = await rest();
    server.fault = { path: /./, act: () => {} };
    const script = `
      import { LagAwareStrategy } from './src/index.ts';
      const strategy = new LagAwareStrategy({ restUrl: '${server.url}', tls: { rejectUnauthorized: false } });
      const wait = () => new Promise(() => {});
      void strategy.check({ host: 'x', port: 1, databaseId: 'x', connected: true, peers: [],
        signal: new AbortController().signal, sendCommand: wait, subscribe: wait, wait });
    `;
    const cwd = path.resolve(import.meta.dirname, '../..');
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    await promisify(execFile)(process.execPath, args, { cwd, timeout: 15_000 });
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
