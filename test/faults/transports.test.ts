/** Databases behind TLS and behind Unix sockets fail over as those behind TCP do. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Certificates,
  type KeyPair,
  makeCertificates,
} from '../integration/health-certificates.js';
import {
  active,
  block,
  clientOf,
  connected,
  errorOf,
  recordEvents,
  switchTo,
  Traffic,
} from '../integration/support.js';
import {
  freePort,
  type RedisServer,
  rawCommand,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import { outcome, tally } from './support.js';

/** A server that was built without TLS refuses the directive. */
const hasTls = await startRedis({ config: { 'tls-port': 0 } }).then(
  (server) => server.dispose().then(() => true),
  () => false,
);

describe.skipIf(!hasTls)('TLS', () => {
  let certificates: Certificates;
  let dir: string;

  beforeAll(() => {
    certificates = makeCertificates();
    dir = mkdtempSync(path.join(tmpdir(), 'redis-multidb-tls-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  interface TlsServer {
    readonly server: RedisServer;
    readonly port: number;
  }

  async function startTls(pair: KeyPair = certificates.server): Promise<TlsServer> {
    const port = await freePort();
    const own = path.join(dir, String(port));
    mkdirSync(own);
    const file = (name: string, text: string) => {
      writeFileSync(path.join(own, name), text);
      return path.join(own, name);
    };
    const server = await startRedis({
      config: {
        'tls-port': port,
        'tls-cert-file': file('cert.pem', pair.cert),
        'tls-key-file': file('key.pem', pair.key),
        'tls-ca-cert-file': file('ca.pem', certificates.ca),
        'tls-auth-clients': false,
      },
    });
    return { server, port };
  }

  /** The databases at these ports, with the CA that they are checked against. */
  function over(ports: readonly number[], ca = certificates.ca) {
    const databases = ports.map((port, index) => ({
      id: index === 0 ? 'east' : 'west',
      weight: 1 / (index + 1),
      client: { url: `rediss://localhost:${port}`, socket: { tls: true as const, ca } },
    }));
    return { databases };
  }

  it('fails over when the server is killed, with no error for readers', async () => {
    const [east, west] = await Promise.all([startTls(), startTls()]);
    const client = await connected([], over([east.port, west.port]));
    expect(await client.set('key', 'value')).toBe('OK');
    expect(await east.server.command('GET', 'key')).toBe('value');
    const traffic = new Traffic(() => client.get('key'));
    await traffic.flows();
    const switched = switchTo(client);
    void east.server.kill();
    expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    await east.server.restart();
    await active(client, 'east');
  });

  it('fails over when the connection falls silent, and every write is told of', async () => {
    const [east, west] = await Promise.all([startTls(), startTls()]);
    const proxy = await startProxy({ port: east.port });
    const client = await connected([], {
      ...over([proxy.port, west.port]),
      commandTimeoutMs: 500,
      gracePeriodMs: 600_000,
    });
    await client.get('key');
    const switched = switchTo(client);
    proxy.silence('both', { mode: 'drop' });
    const writes = Array.from({ length: 1000 }, () => outcome(client.incr('counter')));
    expect(await client.get('key')).toBeNull();
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    expect(tally(await Promise.all(writes))).toEqual({ 'COMMAND_TIMEOUT true': 1000 });
    expect(await client.incr('counter')).toBe(1);
  });

  it('stays when the event loop was blocked while replies came', async () => {
    const [east, west] = await Promise.all([startTls(), startTls()]);
    const client = await connected([], { ...over([east.port, west.port]), commandTimeoutMs: 300 });
    const events = recordEvents(client);
    await client.set('key', 'x'.repeat(100_000));
    const replies = Array.from({ length: 300 }, () => outcome(client.get('key')));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    block(2000);
    expect(tally(await Promise.all(replies))).toEqual({ replied: 300 });
    expect(events.all).toEqual([]);
  });

  it('says that it is the certificate', async () => {
    const east = await startTls();
    const stranger = clientOf([], over([east.port], certificates.strangerCa));
    const error = await errorOf(stranger.connect());
    expect(error.code).toBe('INITIALIZATION_FAILED');
    expect(error.message).toMatch(/unable to verify|self[- ]signed certificate|certificate/i);
    expect((error.cause as { code?: string }).code).toMatch(/CERT|VERIFY/);
  });

  it.each([
    ['for another host', () => certificates.otherHost, /altnames|Host/],
    ['that has expired', () => certificates.expired, /expired/],
  ] as const)(
    'serves from the other database when the certificate is one %s',
    async (_what, pair, reason) => {
      const [east, west] = await Promise.all([startTls(pair()), startTls()]);
      const client = clientOf([], over([east.port, west.port]));
      await client.connect();
      await waitFor(() => client.databases[0]?.health === 'unhealthy', { what: 'the verdict' });
      expect(client.activeDatabase).toBe('west');
      expect(client.databases[0]?.cause).toMatch(reason);
      expect(client.explain().others[0]?.details.join()).toMatch(reason);
      expect(await client.set('key', 'value')).toBe('OK');
    },
  );

  it('leaves a server whose certificate was replaced by a wrong one, at the next connection', async () => {
    const [east, west] = await Promise.all([startTls(), startTls()]);
    const client = await connected([], over([east.port, west.port]));
    const traffic = new Traffic(() => client.get('key'), { callers: 10 });
    await traffic.flows();
    const own = path.join(dir, String(east.port));
    writeFileSync(path.join(own, 'cert.pem'), certificates.otherHost.cert);
    writeFileSync(path.join(own, 'key.pem'), certificates.otherHost.key);
    const switched = switchTo(client);
    await east.server.command(
      'CONFIG',
      'SET',
      'tls-cert-file',
      path.join(own, 'cert.pem'),
      'tls-key-file',
      path.join(own, 'key.pem'),
    );
    await east.server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    expect((await switched).cause).toMatch(/altnames|Host/);
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
  });
});

describe('Unix sockets', () => {
  async function startUnix(): Promise<{ server: RedisServer; socket: string }> {
    const server = await startRedis({ config: { unixsocket: 'redis.sock' } });
    return { server, socket: path.join(server.dir, 'redis.sock') };
  }

  const databases = (paths: readonly string[]) => ({
    databases: paths.map((socketPath, index) => ({
      id: index === 0 ? 'east' : 'west',
      weight: 1 / (index + 1),
      client: { socket: { path: socketPath, tls: false as const } },
    })),
  });

  it('fail over when the server is killed, and back', async () => {
    const [east, west] = await Promise.all([startUnix(), startUnix()]);
    const client = await connected([], databases([east.socket, west.socket]));
    await client.set('key', 'value');
    expect(await rawCommand({ path: east.socket }, 'GET', 'key')).toBe('value');
    const traffic = new Traffic(() => client.get('key'));
    await traffic.flows();
    const switched = switchTo(client);
    void east.server.kill();
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
    await east.server.restart();
    await active(client, 'east');
  });

  it('fail over when the server is frozen', async () => {
    const [east, west] = await Promise.all([startUnix(), startUnix()]);
    const client = await connected([], databases([east.socket, west.socket]));
    const traffic = new Traffic(() => client.get('key'), { callers: 10 });
    await traffic.flows();
    const switched = switchTo(client);
    await east.server.freeze();
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    await traffic.flows();
    await traffic.stop();
    expect(traffic.errors).toEqual([]);
  });
});
