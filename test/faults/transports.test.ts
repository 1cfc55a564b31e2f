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
  hasTls,
  type RedisDirectives,
  type RedisServer,
  rawCommand,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import { outcome, tally } from './support.js';

describe.skipIf(!(await hasTls()))('TLS', () => {
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

  async function startTls(
    pair: KeyPair = certificates.server,
    config: RedisDirectives = {},
  ): Promise<TlsServer> {
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
        ...config,
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

  describe('with client certificates', () => {
    const asked = () => startTls(certificates.server, { 'tls-auth-clients': 'yes' });

    /** Every database with the certificate in the shared options, and `own` in those of the first. */
    function shown(ports: readonly number[], pair: KeyPair | undefined, own: object = {}) {
      const { databases } = over(ports);
      const [first, ...others] = databases.map(({ client, ...database }) => ({
        ...database,
        client: { url: client.url },
      }));
      const tls = { tls: true as const, ca: certificates.ca };
      return {
        databases: [
          { ...first, client: { ...first?.client, socket: { tls: true as const, ...own } } },
          ...others,
        ],
        client: { socket: { ...tls, ...pair } },
      } as never;
    }

    it('fails over and back, every connection showing it', async () => {
      const [east, west] = await Promise.all([asked(), asked()]);
      const client = await connected([], shown([east.port, west.port], certificates.client));
      const traffic = new Traffic(() => client.get('key'), { callers: 10 });
      await traffic.flows();
      const switched = switchTo(client);
      void east.server.kill();
      expect(await switched).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
      await traffic.flows();
      await east.server.restart();
      await active(client, 'east');
      await traffic.flows();
      await traffic.stop();
      expect(traffic.errors).toEqual([]);
    });

    it('one database may have its own', async () => {
      const [east, west] = await Promise.all([asked(), asked()]);
      const own = shown([east.port, west.port], certificates.client, certificates.server);
      const client = await connected([], own);
      expect(await client.set('key', 'value')).toBe('OK');
      const switched = switchTo(client);
      void east.server.kill();
      await switched;
      expect(await client.set('key', 'value')).toBe('OK');
    });

    it('serves from the other database when the server does not accept it, and says so', async () => {
      const [east, west] = await Promise.all([asked(), startTls()]);
      const client = clientOf([], shown([east.port, west.port], undefined));
      await client.connect();
      await waitFor(() => client.databases[0]?.health === 'unhealthy', { what: 'the verdict' });
      expect(client.activeDatabase).toBe('west');
      expect(client.databases[0]?.cause).toMatch(/certificate|handshake|alert|closed/i);
    });

    it('leaves a server that asks for another one from now on, at the next connection', async () => {
      const [east, west] = await Promise.all([asked(), asked()]);
      const client = await connected([], shown([east.port, west.port], certificates.client));
      const traffic = new Traffic(() => client.get('key'), { callers: 10 });
      await traffic.flows();
      const stranger = path.join(dir, String(east.port), 'stranger.pem');
      writeFileSync(stranger, certificates.strangerCa);
      const switched = switchTo(client);
      await east.server.command('CONFIG', 'SET', 'tls-ca-cert-file', stranger);
      await east.server.command('CLIENT', 'KILL', 'TYPE', 'normal');
      expect(await switched).toMatchObject({ from: 'east', to: 'west' });
      await traffic.flows();
      await traffic.stop();
      expect(traffic.errors).toEqual([]);
    });
  });

  it('tells of changed keys over it, also after a switch', async () => {
    const [east, west] = await Promise.all([startTls(), startTls()]);
    const client = await connected([], {
      ...over([east.port, west.port]),
      client: { RESP: 3, clientSideCache: {} },
    });
    const follows = async ({ server }: TlsServer, value: string) => {
      await client.get('key');
      await client.get('key');
      await server.command('SET', 'key', value);
      await waitFor(async () => (await client.get('key')) === value, { what: value });
    };
    await follows(east, 'east');
    const switched = switchTo(client);
    void east.server.kill();
    await switched;
    expect(await client.get('key')).toBeNull();
    await follows(west, 'west');
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

  it('take user, password and database from a URL, before and after a switch', async () => {
    const start = async () => {
      const started = await startUnix();
      await started.server.command('ACL', 'SETUSER', 'app', 'on', '>s3cret', '~*', '+@all');
      return started;
    };
    const [east, west] = await Promise.all([start(), start()]);
    const client = await connected([], {
      databases: [east, west].map(({ socket }, index) => ({
        id: index === 0 ? 'east' : 'west',
        weight: 1 / (index + 1),
        client: { url: `unix://app:s3cret@${socket}?db=${index + 2}` },
      })),
    });
    const where = async () => [
      String(await client.sendCommand(['ACL', 'WHOAMI'])),
      /db=(\d+)/.exec(String(await client.sendCommand(['CLIENT', 'INFO'])))?.[1],
    ];
    expect(await where()).toEqual(['app', '2']);
    const switched = switchTo(client);
    void east.server.kill();
    await switched;
    expect(await where()).toEqual(['app', '3']);
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
