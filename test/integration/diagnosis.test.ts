/** The classic mistakes of configuration, each against the real server that people point at. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { createMultiDbClient, InitializationFailedError } from 'redis-multidb';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  freePort,
  hasTls,
  isRedis7,
  once,
  type RedisServer,
  startCluster,
  startRedis,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import { makeCertificates } from './health-certificates.js';
import { errorOf, own, QUICK, recordEvents } from './support.js';

const SECRET = 'planted-secret-of-a-mistake';
let files: { 'tls-cert-file': string; 'tls-key-file': string; 'tls-ca-cert-file': string };
let ca: string;

beforeAll(() => {
  const certificates = makeCertificates();
  ca = certificates.ca;
  const dir = mkdtempSync(path.join(tmpdir(), 'redis-multidb-diagnosis-'));
  const file = (name: string, text: string) => {
    const at = path.join(dir, name);
    writeFileSync(at, text);
    return at;
  };
  files = {
    'tls-cert-file': file('cert.pem', certificates.server.cert),
    'tls-key-file': file('key.pem', certificates.server.key),
    'tls-ca-cert-file': file('ca.pem', ca),
  };
  return () => rmSync(dir, { recursive: true });
});

/** A server with a port for TLS, which requires certificates of clients. */
async function startTls(): Promise<number> {
  const tlsPort = await freePort();
  await startRedis({ config: { ...files, 'tls-port': tlsPort, 'tls-auth-clients': 'yes' } });
  return tlsPort;
}

/** What `connect()`, the event and `explain()` say. */
async function told(client: object): Promise<string> {
  const multi = own(
    createMultiDbClient({ ...QUICK, databases: [{ id: 'east', client }] } as never),
  );
  const events = recordEvents(multi as never);
  const error = (await errorOf(multi.connect())) as unknown as InitializationFailedError;
  expect(error).toBeInstanceOf(InitializationFailedError);
  const [failure] = error.failures;
  const [event] = events.of('database-unhealthy') as { cause: string }[];
  const explanation = String(multi.explain());
  expect(explanation).toContain(failure?.reason);
  if (event !== undefined) expect(event.cause).toBe(failure?.reason);
  const everything = `${error.message}${explanation}${event?.cause}`;
  expect(everything).not.toContain(SECRET);
  expect(everything).not.toMatch(/openssl|ssl3_/);
  return error.message;
}

const at = (server: RedisServer, scheme = 'redis', login = '') =>
  `${scheme}://${login}${server.host}:${server.port}`;

const withTls = it.skipIf(!(await hasTls()));

describe('TLS', () => {
  withTls('names a TLS port that is used without TLS', async () => {
    const message = await told({ url: `redis://127.0.0.1:${await startTls()}` });
    expect(message).toContain(
      'closed the connection during the handshake: is this a TLS port (use',
    );
    expect(message).toContain('use rediss://');
  });

  it('names a port without TLS that is used with TLS', async () => {
    const message = await told({ url: at(await startRedis(), 'rediss', `:${SECRET}@`) });
    expect(message).toContain('not a TLS port, use redis:// instead of rediss://');
  });

  withTls('names a certificate that is not trusted, and one that is missing', async () => {
    const url = `rediss://localhost:${await startTls()}`;
    expect(await told({ url })).toContain('the certificate is not trusted');
    const message = await told({ url, socket: { tls: true, ca } });
    expect(message).toContain('may require a client certificate');
  });

  it('is not suspected of a database that was connected before', async () => {
    const server = createServer();
    const east = await startRedis();
    const client = own(
      createMultiDbClient({ ...QUICK, databases: [{ id: 'east', client: { url: at(east) } }] }),
    );
    await client.connect();
    await east.kill();
    // What takes its place accepts connections and closes them.
    server.on('connection', (socket) => socket.destroy());
    server.listen(east.port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    await waitFor(() => client.activeDatabase === undefined, { what: 'the end' });
    expect(String(client.explain())).not.toContain('TLS');
  });
});

describe.each([2, 3] as const)('access with RESP %i', (RESP) => {
  it('says what is wrong with the credentials', async () => {
    const server = await startRedis({ password: SECRET });
    const connecting = (login: string) => toldBy(at(server, 'redis', login), RESP);
    expect(await connecting('')).toContain(
      'the server requires a password, and none is configured (NOAUTH)',
    );
    const wrong = 'wrong user name or password, or the user is missing or disabled (WRONGPASS)';
    expect(await connecting(`:${SECRET}-not@`)).toContain(wrong);
    expect(await connecting(`nobody:${SECRET}@`)).toContain(wrong);
  });

  it('names a Sentinel', async () => {
    const { sentinels } = await startSentinel({ sentinels: 1, replicas: 0 });
    const message = await toldBy(at(sentinels[0] as RedisServer), RESP);
    expect(message).toContain("this is a Sentinel, not a database: use topology 'sentinel'");
  });
});

async function toldBy(url: string, RESP: 2 | 3): Promise<string> {
  const multi = own(
    createMultiDbClient({
      ...QUICK,
      client: { RESP },
      databases: [{ id: 'east', client: { url } }],
    } as never),
  );
  const error = await errorOf(multi.connect());
  expect(String(error)).not.toContain(SECRET);
  return error.message;
}

it('names a server that answers HTTP', async () => {
  const web = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  onTestFinished(() => void web.close());
  const { port } = web.address() as AddressInfo;
  const words = 'the server answers HTTP: this is not a Redis port';
  expect(await told({ url: `redis://127.0.0.1:${port}` })).toContain(words);
  expect(await told({ url: `rediss://127.0.0.1:${port}` })).toContain('does not speak TLS');
});

const address = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

// Redis 6.2 does not take `bind` while it runs.
it.runIf(address !== undefined && (await isRedis7()))('names protected mode', async () => {
  const server = await startRedis();
  await server.command('CONFIG', 'SET', 'bind', '*');
  await server.command('CONFIG', 'SET', 'protected-mode', 'yes');
  const message = await told({ url: `redis://${address}:${server.port}` });
  // The server closes the connection at once, and with it what it has just said.
  expect(message).toMatch(/server (is )?in protected mode/);
});

it('names a node of a cluster at the first MOVED', async () => {
  const cluster = await startCluster();
  const [node] = cluster.nodes as [RedisServer];
  const client = own(
    createMultiDbClient({ ...QUICK, databases: [{ id: 'east', client: { url: at(node) } }] }),
  );
  const errors: Error[] = [];
  client.on('error', (error: Error) => errors.push(error));
  await client.connect();
  const replies = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => client.set(`key:${index}`, '')),
  );
  expect(replies.some(({ status }) => status === 'rejected')).toBe(true);
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      "east: the server is a node of a Redis Cluster (MOVED): use topology 'cluster'",
    ),
  ]);
  expect(String(client.explain())).toContain("use topology 'cluster'");
});
