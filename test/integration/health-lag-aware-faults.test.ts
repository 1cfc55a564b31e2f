/** LagAwareStrategy: certificates, answers that are not well, and what becomes of connections. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { LagAwareStrategy } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { freePort, waitFor } from '../kit/index.js';
import { certificates, HOST, lagAware, reasonOf, rest, strategies } from './health-lag-support.js';
import { probeOf } from './health-probe.js';
import type { RestFault } from './health-rest-server.js';
import { errorOf } from './support.js';

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
    [
      '403',
      /bdbs$/,
      respond(403, ''),
      /answered 403: the user lacks the permission to view databases$/,
    ],
    [
      'redirect',
      /availability/,
      respond(307, '', { location: 'https://primary.example.com:9443/v1/bdbs/7/availability' }),
      /answered 307, a redirect to https:\/\/primary.example.com:9443, which is not followed; set restUrl$/,
    ],
    ['redirect to nowhere', /bdbs$/, respond(302, ''), /a redirect to nowhere|redirect to https/],
    [
      'JSON that ends early',
      /bdbs$/,
      respond(200, '[{"uid":'),
      /did not answer with a JSON list of databases$/,
    ],
    ['JSON of another shape', /bdbs$/, respond(200, '{"uid":1}'), /JSON list/],
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

  it('does not keep the process alive', async ({ signal }) => {
    const server = await rest();
    server.fault = { path: /./, act: () => {} };
    const script = `
      import { LagAwareStrategy } from './src/health-strategies/lag-aware.ts';
      const strategy = new LagAwareStrategy({ restUrl: '${server.url}', tls: { rejectUnauthorized: false } });
      const wait = () => new Promise(() => {});
      void strategy.check({ host: 'x', port: 1, databaseId: 'x', connected: true, peers: [],
        signal: new AbortController().signal, sendCommand: wait, subscribe: wait, wait });
    `;
    const cwd = path.resolve(import.meta.dirname, '../..');
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    await promisify(execFile)(process.execPath, args, { cwd, signal });
  });
});
