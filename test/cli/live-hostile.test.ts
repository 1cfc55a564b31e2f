/** The command line against a server that means harm. */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { run, start } from './run.js';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

async function hostile(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/redis`;
}

const json = (body: string) => (_: unknown, response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(body);

const STATUS = {
  schemaVersion: 1,
  at: '2026-01-01T00:00:00.000Z',
  state: 'serving',
  ready: true,
  activeDatabase: 'east',
  why: null,
  lastResort: false,
  healing: null,
  nextFailbackCheckAt: null,
  databases: [] as object[],
  switches: [] as object[],
  explanation: '',
};
const DATABASE = {
  id: 'east',
  weight: 1,
  active: true,
  health: 'healthy',
  cause: null as string | null,
  connected: true,
  breaker: 'closed',
  failures: 0,
  total: 0,
  gracePeriodLeftMs: 0,
  drained: false,
  drainEndsAt: null,
  latencyMs: 1,
  lastProbe: null,
  lacks: [],
  details: [],
  possibleAt: null,
};
const ATTACK = '\u001b]52;c;cm0gLXJmIC8=\u0007\u001b[2J\u009b31m\r\nactive: forged\u202e';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
const ACTING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/;

describe('documents that are none of a handler', () => {
  it.each([
    ['null'],
    ['7'],
    ['[]'],
    ['{}'],
    ['{"databases":[]}'],
    [JSON.stringify({ ...STATUS, databases: [null] })],
    [JSON.stringify({ ...STATUS, databases: [{ ...DATABASE, id: {} }] })],
    [JSON.stringify({ ...STATUS, databases: [{ ...DATABASE, details: 7 }] })],
    [JSON.stringify({ ...STATUS, switches: [{}] })],
    [JSON.stringify({ ...STATUS, switches: {} })],
    [JSON.stringify({ ...STATUS, activeDatabase: [] })],
    ['['.repeat(100_000)],
    [`{"x":"${'x'.repeat(5 * 1024 * 1024)}"}`],
  ])('%.60s', async (body) => {
    const url = await hostile(json(body));
    for (const command of [['status'], ['status', '--json']]) {
      const { code, stdout, stderr } = await run([...command, url]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^redis-multidb: .*not from the handler of redis-multidb.*\n$/);
    }
  });

  it('of a redirect and of a refusal', async () => {
    const url = await hostile((_, response) =>
      response.writeHead(302, { location: 'http://[' }).end(),
    );
    expect(await run(['status', url])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not from the handler of redis-multidb'),
    });
    const refusing = await hostile((_, response) =>
      response.writeHead(409).end(JSON.stringify({ error: ATTACK })),
    );
    const { stderr } = await run(['status', refusing]);
    expect(stderr).toContain('refuses (409)');
    expect(stderr).not.toMatch(ACTING);
  });

  it('of a switch', async () => {
    const url = await hostile((request, response) => {
      const body = request.method === 'GET' ? { ...STATUS, databases: [DATABASE] } : null;
      json(JSON.stringify(body))(request, response);
    });
    const { code, stderr } = await run(['switch', 'east', '--url', url, '--yes']);
    expect(code).toBe(1);
    expect(stderr).toContain('not from the handler of redis-multidb');
  });
});

it('shows nothing that acts on the terminal', async () => {
  const document = JSON.stringify({
    ...STATUS,
    activeDatabase: ATTACK,
    why: ATTACK,
    databases: [{ ...DATABASE, id: ATTACK, cause: ATTACK, health: ATTACK, breaker: ATTACK }],
    switches: [
      {
        ...{ from: ATTACK, to: ATTACK, reason: ATTACK, cause: ATTACK, at: ATTACK },
        ...{ generation: 1, durationMs: 1 },
      },
    ],
  });
  const url = await hostile(json(document));
  for (const options of [[], ['--json']]) {
    const { code, stdout, stderr } = await run(['status', url, ...options]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toMatch(ACTING);
    expect(stdout).not.toMatch(/^active: forged/m);
  }
});

it('reads no more of a compressed answer than a status may have', async () => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, ' '));
  const url = await hostile((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(bomb);
  });
  expect(await run(['status', url])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not from the handler of redis-multidb'),
  });
});

describe('watch', () => {
  it('takes no more events than a person can follow, and keeps none', async () => {
    let sent = 0;
    const big = { ...STATUS, databases: [{ ...DATABASE, cause: 'x'.repeat(100_000) }] };
    const event = `event: status\ndata: ${JSON.stringify(big)}\n\n`;
    const url = await hostile((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const flood = () => {
        do sent += 1;
        while (response.write(event) && !response.destroyed);
      };
      response.on('drain', flood);
      flood();
    });
    const running = start(['watch', url, '--json']);
    await waitFor(() => running.stdout.split('\n').length > 50, {
      what: 'some events',
      timeoutMs: 20_000,
    });
    // Its reader waits, so the flood waits: a few megabytes in the kernel and the process, no more.
    let before = -1;
    await waitFor(
      () => {
        const hasStopped = sent === before;
        before = sent;
        return hasStopped;
      },
      { what: 'the flood to wait', timeoutMs: 20_000, intervalMs: 200 },
    );
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it.each([
    ['an event that does not end', `data: ${'x'.repeat(5 * 1024 * 1024)}`],
    ['lines that do not end an event', 'data: x\n'.repeat(1024 * 1024)],
  ])('gives up on %s', async (_, text) => {
    const url = await hostile((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(text);
    });
    const { code, stderr } = await run(['watch', url]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^redis-multidb: .* can't be reached: an event does not end\n$/);
  });
});
