/** Secrets stand wherever the command line takes one, servers repeat them, and no output shows one. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ECHOES, type Echo, type EchoServer, startEchoServer } from '../kit/echo-server.js';
import { startRedis, stopAll, waitFor } from '../kit/index.js';
import { directory, type Ran, run, start } from './run.js';

/** Part of every secret, and of nothing else. */
const MARK = 'pLanTed';
const secret = (place: string) => `${MARK}-${place} "q' é\\/%+@:end`;
const inUrl = (place: string) => encodeURIComponent(secret(place));
const TOKEN = `${MARK}-token`;

let echo: EchoServer;
/** An application that repeats what it is sent. */
let app: string;
const opened: { close(): unknown }[] = [];

beforeAll(async () => {
  echo = await startEchoServer(ECHOES[2] as Echo);
  const server = createServer(({ headers, url = '' }, response) => {
    const { authorization = '', 'x-key': key } = headers;
    const decoded = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    const error = `${authorization} ${decoded} ${key} is refused`;
    if (url.startsWith('/redirect')) {
      response.writeHead(302, { location: `https://${TOKEN}.example.com/${authorization}` }).end();
    } else {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  app = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  opened.push(echo, server);
});
afterAll(async () => {
  for (const each of opened) each.close();
  await stopAll();
});

const isShown = (text: string) =>
  text.toLowerCase().includes(MARK.toLowerCase()) ||
  text.includes(Buffer.from(`${MARK}-`).toString('base64').slice(0, 9));

function expectHidden({ stdout, stderr }: Ran): void {
  for (const text of [stdout, stderr]) {
    const at = text.toLowerCase().indexOf(MARK.toLowerCase());
    expect(isShown(text), text.slice(Math.max(0, at - 200), at + 100)).toBe(false);
  }
  expect(stderr).not.toMatch(/^ {4}at /m);
}

/** Databases of every topology at the server that repeats; the secrets come from variables and a file. */
function config(): string {
  const { port } = echo;
  const socket = { host: '127.0.0.1', port };
  writeFileSync(path.join(directory, 'password.txt'), `${secret('file')}\n`);
  const file = path.join(directory, 'echo.json');
  const databases = [
    { id: 'url', client: { url: `redis://app:\${IN_URL}@127.0.0.1:${port}` } },
    { id: 'variable', client: { socket, username: 'app', password: '${PW}' } },
    { id: 'file', client: { socket, password: { file: 'password.txt' } } },
    {
      id: 'passphrase',
      client: { socket: { ...socket, tls: true, key: '${KEY}', passphrase: '${PW}' } },
    },
    { id: 'pool', topology: 'pool', client: { socket, password: '${PW}' } },
    {
      id: 'cluster',
      topology: 'cluster',
      cluster: { rootNodes: [{ socket }], defaults: { password: '${PW}' } },
    },
    {
      id: 'sentinel',
      topology: 'sentinel',
      sentinel: {
        name: 'main',
        sentinelRootNodes: [{ host: '127.0.0.1', port }],
        sentinelClientOptions: { password: '${PW}' },
        nodeClientOptions: { password: '${PW}' },
      },
    },
    {
      id: 'rest',
      client: { socket, password: '${PW}' },
      healthCheck: {
        strategy: 'lag-aware',
        restUrl: `https://127.0.0.1:${port}`,
        credentials: { username: 'app', password: '${PW}' },
      },
    },
  ];
  writeFileSync(file, JSON.stringify({ databases, initialWaitMs: 100 }));
  return file;
}

const ENV = { PW: secret('variable'), IN_URL: inUrl('url'), KEY: secret('key'), TOKEN };

it.concurrent('check, status and watch of databases that repeat their passwords', async () => {
  const file = config();
  const url = `redis://app:${inUrl('argument')}@127.0.0.1:${echo.port}`;
  const ran = await Promise.all([
    run(['check', '--timeout', '1s', file], ENV),
    run(['check', '--timeout', '1s', '--json', url], ENV),
    run(['status', file], { ...ENV, NODE_DEBUG: 'redis-multidb' }),
    run(['watch', '--json', url], ENV),
  ]);
  for (const each of ran) {
    expect(each.code).toBe(1);
    expect(each.stdout + each.stderr).toContain('***');
    expectHidden(each);
  }
});

const BASIC = `authorization: Basic ${Buffer.from(`app:${secret('basic')}`).toString('base64')}`;

it.concurrent('applications that repeat what they were sent', async () => {
  const ran = await Promise.all([
    run(['status', app, '--header', `authorization: Bearer ${TOKEN}`]),
    run(['status', app, '--header', 'x-key: ${TOKEN}'], ENV),
    run(['watch', app, '--header', BASIC]),
    run(['status', `${app}/redirect`, '--header', `authorization: ${TOKEN}`]),
    run(['switch', 'west', '--url', app, '--yes', '--header', BASIC]),
  ]);
  for (const each of ran) {
    expect(each.code).toBe(1);
    expect(each.stderr).toContain('***');
    expectHidden(each);
  }
});

it.concurrent('arguments and files that are not understood', async () => {
  const bad = path.join(directory, 'bad.json');
  writeFileSync(bad, '{ "databases": [{ "weight": "${PW}", "client": { "url": "${PW}" } }] }');
  const worse = path.join(directory, 'worse.json');
  writeFileSync(worse, `{ "databases": [{ "redis://:${MARK}@x": 1 }] }`);
  const ran = await Promise.all([
    run(['check', bad], ENV),
    run(['check', worse], ENV),
    run(['check', `valkey://:${inUrl('x')}@x`]),
    run(['check', `redis://:${MARK}`]),
    run(['check', `redis://x/${MARK}`, 'redis://y']),
    run([`--password=${secret('option')}`, 'check']),
    run(['check', '--timeout', secret('timeout')]),
    run(['status', app, '--header', `authorization ${TOKEN}`]),
    run(['status', app, '--header', 'authorization: Bearer ${TOKEN}'], { TOKEN: `${TOKEN}\n` }),
  ]);
  for (const each of ran) {
    expect(each.code).toBe(2);
    expectHidden(each);
  }
});

it('a drill with passwords: output, document and report', async () => {
  const servers = await Promise.all(
    ['east', 'west'].map((id) => startRedis({ password: `${MARK}-${id}` })),
  );
  const urls = servers.map(({ url }) => url);
  const report = path.join(directory, 'secrets.html');
  const args = ['drill', ...urls, '--faults', 'kill', '--hold', '200ms', '--report', report];
  const drill = start([...args, '--json'], { NODE_DEBUG: 'redis-multidb' });
  const { code, stdout, stderr } = await drill.ended;
  expect([0, 1]).toContain(code);
  expectHidden({ code, stdout, stderr });
  await waitFor(() => existsSync(report), { what: 'the report' });
  expect(isShown(readFileSync(report, 'utf8'))).toBe(false);
});
