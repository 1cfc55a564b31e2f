/** Random input from every side: no secret in any output, no uncaught error, bounded memory. */
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createMultiDbClient, type MultiDbClient, type MultiDbClientOptions } from 'redis-multidb';
import { parseConfig } from 'redis-multidb/config';
import { redisSteering } from 'redis-multidb/steering';
import { afterEach, expect, it } from 'vitest';
import { cleanDocument } from '../../src/cli/live/answer.js';
import { EventParser } from '../../src/cli/live/event-source.js';
import { describeEvent } from '../../src/diagnostics/debug-log.js';
import { run } from '../cli/run.js';
import { post, Raw, serve, WITH_TOKEN } from '../integration/http-support.js';
import { clientOf, own, recordEvents } from '../integration/support.js';
import { startRedis, waitFor } from '../kit/index.js';
import type { Fuzz } from './random.js';
import { fuzz, isActing, MARK, SECRET, showsSecret } from './support.js';
import { configFiles, documents } from './targets.js';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

it('config files', async () => {
  await fuzz('config files', configFiles(parseConfig));
});

it('server-sent events and documents', async () => {
  const test = documents(() => new EventParser(), cleanDocument);
  await fuzz('server-sent events and documents', test, { budgetMs: 1500 });
});

it('HTTP requests', async () => {
  const redis = await startRedis({ password: `${MARK}-password` });
  const steering = redisSteering({ key: 'steering', secret: SECRET, intervalMs: 20 });
  const client = clientOf([redis], { steering });
  await client.connect();
  const served = await serve(client, { ...WITH_TOKEN, steering });
  const paths = ['/', '/status', '/readyz', '/databases/east/drain', '/active', '/databases//x'];
  const order = {
    ...{ action: 'hold', database: 'east', durationMs: 9, spreadMs: 9, canaryPercent: 1 },
    ...{ reason: 'upgrade', by: 'ada' },
  };
  await fuzz('HTTP requests', async (random) => {
    const steers = random.below(3) === 0;
    const usualBody = steers ? JSON.stringify(order) : '{ "database": "east", "durationMs": 1 }';
    const body = random.below(3) ? random.mutate(usualBody) : usualBody;
    const usual = steers ? '/steering' : random.pick(paths);
    const path = random.below(2) ? usual : random.mutate(usual);
    const head = [
      `${random.pick(['GET', 'GET', 'POST', 'PUT', 'HEAD'])} ${path} HTTP/1.1`,
      'Host: localhost',
      'Content-Type: application/json',
      `Authorization: ${random.pick(['Bearer right', random.mutate('Bearer right')])}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close\r\n\r\n',
    ].join('\r\n');
    const raw = new Raw(served.port);
    raw.send((random.below(2) ? head : random.mutate(head)) + body);
    // Half a request waits for its rest.
    const answered = () => raw.closed || /\r\n\r\n/.test(raw.text);
    await waitFor(answered, { what: 'an answer', timeoutMs: 50 }).catch(() => {});
    raw.destroy();
    expect(raw.text).not.toMatch(/^HTTP\/1\.1 500/);
    expect(showsSecret(raw.text, client.explain())).toBe(false);
    // A document that is published is valid.
    const sources = client.explain().steering?.sources ?? [];
    expect(sources.filter(({ state }) => state === 'invalid')).toEqual([]);
  });
  expect(await (await post(`${served.url}/steering`, order)).json()).toMatchObject({
    written: ['east'],
    failed: [],
  });
  expect((await fetch(`${served.url}/livez`)).status).toBe(200);
});

/** Replies that fit, that do not, and that repeat what was sent. */
function reply(random: Fuzz, sent: string): string {
  const line = sent.replace(/[\r\n]+/g, ' ');
  return random.pick([
    () => `-ERR unknown command 'HELLO', with args beginning with: ${line}\r\n`,
    () => `-${random.text()} ${line}\r\n`,
    () => `!${Buffer.byteLength(sent)}\r\n${sent}\r\n`,
    () => `-LOADING ${line.repeat(200)}\r\n`,
    () => '+PONG\r\n+OK\r\n',
    () => `>3\r\n+${random.text(1)}\r\n$${Buffer.byteLength(sent)}\r\n${sent}\r\n:1\r\n`,
    () => `${'*1\r\n'.repeat(1 + random.below(5000))}+x\r\n`,
    () => `%1\r\n+x\r\n${random.text()}\r\n`,
    () => `$${2 ** random.below(40)}\r\n${'x'.repeat(100_000)}`,
    () => random.mutate('%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n'),
    () => random.text(30),
  ])();
}

it('replies of a server', async () => {
  let random: Fuzz;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => socket.write(reply(random, chunk.toString())));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const socket = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  await fuzz('replies of a server', async (next) => {
    random = next;
    const client = own(
      createMultiDbClient({
        client: { RESP: random.pick([2, 3]) },
        databases: [{ id: 'east', client: { socket, password: SECRET } }],
        commandDeadlineMs: 200,
        initialWaitMs: 10,
        healthCheck: { intervalMs: 50, timeoutMs: 50, numProbes: 1 },
      } as MultiDbClientOptions) as unknown as MultiDbClient,
    );
    const events = recordEvents(client);
    const outputs: unknown[] = [];
    await client.connect().catch((error) => outputs.push(error));
    // Replies to a caller's own command are the server's; they must come, whatever they are.
    if (client.isOpen) await Promise.allSettled([client.get('x'), client.hGetAll('y')]);
    outputs.push(...client.databases, ...events.all, String(client.explain()));
    outputs.push(...events.all.map(({ name, event }) => describeEvent('c', name, [event])));
    client.destroy();
    expect(showsSecret(...outputs)).toBe(false);
    expect(JSON.stringify(outputs).length).toBeLessThan(1_000_000);
  });
});

it('answers to the command line', async () => {
  let random: Fuzz;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    const echoed = JSON.stringify({ error: random.text(), why: [random.text(), { x: 1 }] });
    response.statusCode = random.pick([200, 200, 302, 401, 409, 500]);
    if (response.statusCode === 302) response.setHeader('location', `/${authorization}`);
    const type = random.pick(['application/json', 'text/event-stream', 'text/html']);
    response.setHeader('content-type', type);
    response.end(
      random.pick([echoed, random.mutate(echoed), random.text(40), `{"error":"${authorization}"}`]),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await fuzz('answers to the command line', async (next) => {
    random = next;
    const args = [random.pick(['status', 'watch']), url, ...random.pick([[], ['--json']])];
    const header = 'authorization: Bearer ${TOKEN}';
    const env = { TOKEN: `${MARK}-token` };
    const { code, stdout, stderr } = await run([...args, '--header', header], env);
    expect([0, 1, 2]).toContain(code);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(isActing((stdout + stderr).replaceAll('\n', ''))).toBe(false);
    expect(showsSecret(stdout, stderr)).toBe(false);
  });
});
