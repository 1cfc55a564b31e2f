/** The handler against people who mean harm. Nothing of it may change which database is active. */
import { createServer } from 'node:http';
import type { MultiDbClient } from 'redis-multidb';
import type { AuthorizeRequest, HttpHandlerOptions } from 'redis-multidb/http';
import { redisSteering } from 'redis-multidb/steering';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, waitFor } from '../kit/index.js';
import { EventReader, post, Raw, serve as serveClient, TOKEN, WITH_TOKEN } from './http-support.js';
import { connected, databases, recordEvents, servers } from './support.js';

const KEY = 'ops:steering';
const steering = redisSteering({ key: KEY });
let targets: readonly RedisServer[];
let client: MultiDbClient;
let events: ReturnType<typeof recordEvents>;
const rejections: unknown[] = [];
const onRejection = (error: unknown) => rejections.push(error);

beforeEach(async () => {
  targets = await servers();
  client = await connected(targets, { failbackCheckIntervalMs: 3_600_000, steering });
  events = recordEvents(client);
  process.on('unhandledRejection', onRejection);
});

afterEach(() => {
  process.off('unhandledRejection', onRejection);
  expect(rejections.splice(0)).toEqual([]);
});

/** A handler that could steer as well. */
function serve(operated: MultiDbClient, options: HttpHandlerOptions = {}) {
  return serveClient(operated, { steering, ...options });
}

/** Still east, and never anything else; nothing was published. */
async function unharmed(): Promise<void> {
  expect(client.activeDatabase).toBe('east');
  expect(events.switches).toEqual([]);
  expect(client.databases.map(({ drainLeftMs }) => drainLeftMs)).toEqual([0, 0]);
  expect(events.all.filter(({ name }) => name === 'steered')).toEqual([]);
  for (const server of targets) expect(await server.command('EXISTS', KEY)).toBe(0);
}

async function answered(raw: Raw): Promise<number> {
  await waitFor(() => raw.status > 0 || raw.closed, { what: 'an answer', timeoutMs: 10_000 });
  return raw.status;
}

const SWITCH = JSON.stringify({ database: 'west' });
const ORDER = { action: 'drain', database: 'east', reason: 'upgrade', by: 'ada' };
/** What changes something, if it is let through. */
const CHANGES = [
  ['/active', SWITCH],
  ['/steering', JSON.stringify(ORDER)],
] as const;

function request(method: string, path: string, headers: string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${method} ${path} HTTP/1.1`, ...headers, ...length, '', body].join('\r\n');
}
const HOST = 'Host: localhost';
const AUTH = `Authorization: ${TOKEN}`;
const JSON_TYPE = 'Content-Type: application/json';

describe('who may', () => {
  it('changes nothing without authorize', async () => {
    const { url } = await serve(client);
    expect((await post(`${url}/active`, { database: 'west' })).status).toBe(403);
    expect((await post(`${url}/databases/east/drain`, {})).status).toBe(403);
    expect((await post(`${url}/steering`, ORDER)).status).toBe(403);
    await unharmed();
  });

  it.each<[string, (request: AuthorizeRequest) => unknown]>([
    ['false', () => false],
    ['undefined', () => undefined],
    ['something truthy', () => 'yes'],
    ['an object', () => ({ allowed: true })],
    [
      'a throw',
      () => {
        throw new Error('boom');
      },
    ],
    ['a rejection', () => Promise.reject(new Error('boom'))],
    ['a promise of something truthy', async () => 1],
    ['no answer', () => new Promise(() => {})],
    ['a late answer', () => new Promise((resolve) => setTimeout(() => resolve(true), 300))],
    [
      'a late rejection',
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 150)),
    ],
  ])('takes %s of authorize for a no', async (_, authorize) => {
    const { url } = await serve(client, {
      authorize: authorize as () => boolean,
      authorizeTimeoutMs: 100,
    });
    expect((await post(`${url}/active`, { database: 'west' })).status).toBe(403);
    expect((await post(`${url}/databases/east/drain`, {})).status).toBe(403);
    expect((await post(`${url}/steering`, ORDER)).status).toBe(403);
    if (_.startsWith('a late')) await new Promise((resolve) => setTimeout(resolve, 350));
    await unharmed();
  });

  it('asks about the action and the database, with what came', async () => {
    const asked: AuthorizeRequest[] = [];
    const { url } = await serve(client, {
      authorize: (each) => {
        asked.push(each);
        return false;
      },
    });
    await post(`${url}/active`, { database: 'west' });
    await post(`${url}/databases/a%2Fb/drain`, {});
    await post(`${url}/steering`, { ...ORDER, database: 'a/b' });
    await post(`${url}/steering`, { action: 'release', by: 'ada' });
    await fetch(url);
    expect(
      asked.map(({ action, databaseId, preview, method, path }) => [
        action,
        databaseId,
        preview,
        method,
        path,
      ]),
    ).toEqual([
      ['switch', 'west', false, 'POST', '/active'],
      ['drain', 'a/b', false, 'POST', '/databases/a%2Fb/drain'],
      ['steer', 'a/b', false, 'POST', '/steering'],
      ['steer-release', undefined, false, 'POST', '/steering'],
      ['switch', undefined, true, 'GET', '/'],
      ['steer', undefined, true, 'GET', '/'],
    ]);
    expect(asked[0]).toMatchObject({
      remoteAddress: '127.0.0.1',
      headers: { authorization: TOKEN },
    });
  });

  it('asks about the database that would be changed, not about the name in the request', async () => {
    const named = await connected(targets, {
      steering,
      databases: databases(targets).map((each) => ({ ...each, id: `prod@${each.id}` })),
    });
    const asked: (string | undefined)[] = [];
    const { url } = await serve(named, {
      authorize: ({ databaseId }) => {
        asked.push(databaseId);
        return databaseId === 'west' || databaseId === 'prod@east';
      },
    });
    expect((await post(`${url}/databases/west/drain`, {})).status).toBe(403);
    expect((await post(`${url}/databases/prod%40west/drain`, {})).status).toBe(403);
    expect((await post(`${url}/active`, { database: 'west' })).status).toBe(403);
    const order = { ...ORDER, action: 'hold', database: 'west' };
    expect((await post(`${url}/steering`, order)).status).toBe(403);
    expect(named.databases.map(({ drainLeftMs }) => drainLeftMs)).toEqual([0, 0]);
    await unharmed();
    expect((await post(`${url}/databases/east/drain`, { durationMs: 1000 })).status).toBe(200);
    expect(asked).toEqual(['prod@west', 'prod@west', 'prod@west', 'prod@west', 'prod@east']);
    // What does not exist is refused like what is not allowed.
    expect((await post(`${url}/databases/north/drain`, {})).status).toBe(403);
  });

  it('lets nobody read from elsewhere, or through a proxy, unless that is said', async () => {
    const { port } = await serve(client);
    const elsewhere = [
      ['Host: evil.example'],
      ['Host: 10.1.2.3'],
      ['Host: localhost.evil.example'],
      [HOST, 'X-Forwarded-For: 127.0.0.1'],
      [HOST, 'Forwarded: for=127.0.0.1;host=localhost'],
      [HOST, 'X-Envoy-External-Address: 127.0.0.1'],
      [HOST, 'CF-Connecting-IP: 127.0.0.1'],
    ];
    for (const headers of elsewhere) {
      for (const path of ['/', '/status', '/history', '/events', '/schema.json']) {
        const raw = new Raw(port).send(request('GET', path, headers));
        expect(await answered(raw), `${headers} ${path}`).toBe(403);
      }
      // A probe of an orchestrator learns whether, and nothing else.
      const probe = new Raw(port).send(request('GET', '/readyz', headers));
      expect(await answered(probe)).toBe(200);
      expect(probe.text).not.toContain('east');
    }
    const open = await serve(client, { read: 'any' });
    const raw = new Raw(open.port).send(request('GET', '/status', ['Host: evil.example']));
    expect(await answered(raw)).toBe(200);
  });
});

describe('other sites', () => {
  it.each([
    ['another origin', ['Origin: http://evil.example']],
    ['another port', ['Origin: http://localhost:1']],
    ['no origin to speak of', ['Origin: null']],
    ['cross-site', ['Sec-Fetch-Site: cross-site']],
    ['same-site', ['Sec-Fetch-Site: same-site']],
    [
      'a form that navigates',
      ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
    ],
  ])('refuses %s', async (_, headers) => {
    const { port } = await serve(client, { authorize: () => true });
    for (const [path, body] of CHANGES) {
      const changing = new Raw(port).send(
        request('POST', path, [HOST, JSON_TYPE, ...headers], body),
      );
      expect(await answered(changing), path).toBe(403);
    }
    const reading = new Raw(port).send(request('GET', '/status', [HOST, ...headers]));
    expect(await answered(reading)).toBe(403);
    expect(reading.header('access-control-allow-origin')).toBeUndefined();
    await unharmed();
  });

  it('follows a link to the page', async () => {
    const { port } = await serve(client);
    const headers = [HOST, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'];
    const link = new Raw(port).send(request('GET', '/', [...headers, 'Sec-Fetch-Dest: document']));
    expect(await answered(link)).toBe(200);
    const frame = new Raw(port).send(request('GET', '/', [...headers, 'Sec-Fetch-Dest: iframe']));
    expect(await answered(frame)).toBe(403);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/jsonp',
    '',
  ])('refuses a body of type %j', async (type) => {
    const { port } = await serve(client, { authorize: () => true });
    const typed = type === '' ? [] : [`Content-Type: ${type}`];
    for (const [path, body] of CHANGES) {
      const raw = new Raw(port).send(request('POST', path, [HOST, ...typed], body));
      expect(await answered(raw), path).toBe(415);
    }
    await unharmed();
  });

  it('refuses a name that was made to point here (DNS rebinding)', async () => {
    const { port } = await serve(client, { authorize: () => true, read: 'any' });
    const headers = [
      'Host: evil.example',
      'Origin: http://evil.example',
      'Sec-Fetch-Site: same-origin',
    ];
    for (const [path, body] of CHANGES) {
      const raw = new Raw(port).send(request('POST', path, [...headers, JSON_TYPE], body));
      expect(await answered(raw), path).toBe(403);
    }
    await unharmed();
    const named = await serve(client, { authorize: () => true, hosts: ['ops.example.com'] });
    const wanted = ['Host: ops.example.com:8080', 'Origin: http://ops.example.com:8080'];
    const fine = new Raw(named.port).send(
      request('POST', '/active', [...wanted, JSON_TYPE], SWITCH),
    );
    expect(await answered(fine)).toBe(200);
    expect(client.activeDatabase).toBe('west');
  });
});

describe('what is sent', () => {
  it('refuses a huge body by its length, without reading it', async () => {
    const { port } = await serve(client, WITH_TOKEN);
    for (const [path] of CHANGES) {
      const raw = new Raw(port).send(
        `POST ${path} HTTP/1.1`,
        HOST,
        AUTH,
        JSON_TYPE,
        'Content-Length: 100000000',
        '',
        '{"database":',
      );
      expect(await answered(raw), path).toBe(413);
      await waitFor(() => raw.closed, { what: 'the connection to be closed' });
    }
    await unharmed();
  });

  it('stops reading a huge body that doesn’t tell its length', async () => {
    const { port } = await serve(client, WITH_TOKEN);
    const raw = new Raw(port).send(
      'POST /active HTTP/1.1',
      HOST,
      AUTH,
      JSON_TYPE,
      'Transfer-Encoding: chunked',
      '',
      '',
    );
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    const flood = setInterval(() => raw.write(chunk), 1);
    await waitFor(() => raw.closed, { what: 'the connection to be closed' });
    clearInterval(flood);
    expect([413, Number.NaN]).toContain(raw.status);
    await unharmed();
  });

  it('waits no longer than bodyTimeoutMs for a slow body', async () => {
    const { port, url } = await serve(client, { ...WITH_TOKEN, bodyTimeoutMs: 100 });
    const raw = new Raw(port).send(
      'POST /active HTTP/1.1',
      HOST,
      AUTH,
      JSON_TYPE,
      'Content-Length: 30',
      '',
      '{"data',
    );
    expect(await answered(raw)).toBe(408);
    await waitFor(() => raw.closed, { what: 'the connection to be closed' });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await unharmed();
  });

  it('survives a body that is cut off', async () => {
    const { port, url } = await serve(client, WITH_TOKEN);
    for (let i = 0; i < 5; i += 1) {
      const raw = new Raw(port).send(
        'POST /active HTTP/1.1',
        HOST,
        AUTH,
        JSON_TYPE,
        'Content-Length: 22',
        '',
        '{"database":"west"}',
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
      raw.destroy();
    }
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await unharmed();
  });

  it.each([
    '{',
    '',
    'null',
    '[]',
    '"west"',
    '{"database":"west"',
    "{database:'west'}",
    '{"database":["west"]}',
    '{"database":{"toString":"west"}}',
    '{"__proto__":{"database":"west"}}',
    '{"database":"west","durationMs":1e999}',
    '{"database":"west","durationMs":"60000"}',
    '{"database":"west","admin":true}',
    '\uFEFFx',
    `{"database":${'['.repeat(1500)}${']'.repeat(1500)}}`,
  ])('refuses the body %j', async (body) => {
    const { url } = await serve(client, WITH_TOKEN);
    for (const path of ['/active', '/steering']) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { authorization: TOKEN, 'content-type': 'application/json' },
        body,
      });
      expect(response.status, path).toBe(400);
    }
    expect(Object.prototype).not.toHaveProperty('database');
    await unharmed();
  });

  it('publishes nothing for an order that is not valid', async () => {
    const { url } = await serve(client, WITH_TOKEN);
    for (const body of [
      '{"__proto__":{"action":"release"},"by":"ada"}',
      '{"action":"release","by":"ada","force":true}',
      '{"action":"release","by":{"toString":"ada"}}',
      '{"action":"release","by":"ada","database":"east"}',
      '{"action":"constructor","database":"east","by":"ada","reason":"x"}',
      '{"action":"hold","database":"west","by":"ada","reason":"x","durationMs":1e999}',
      '{"action":"hold","database":"west","by":"ada","reason":"x","spreadMs":86400001}',
      '{"action":"hold","database":"west","by":"ada","reason":"x","canaryPercent":"1"}',
      '{"action":"hold","database":"west","by":"ada","reason":" \\u202e\\u0000"}',
      '{"action":"hold","database":"west","by":"\\u001b","reason":"x"}',
    ]) {
      const response = await fetch(`${url}/steering`, {
        method: 'POST',
        headers: { authorization: TOKEN, 'content-type': 'application/json' },
        body,
      });
      expect(response.status, body).toBe(400);
    }
    await unharmed();
  });

  it('refuses bytes that are no text', async () => {
    const { url } = await serve(client, WITH_TOKEN);
    const response = await fetch(`${url}/active`, {
      method: 'POST',
      headers: { authorization: TOKEN, 'content-type': 'application/json' },
      body: Buffer.concat([
        Buffer.from('{"database":"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}'),
      ]),
    });
    expect(response.status).toBe(400);
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    '<script>alert(1)</script>',
    "'; DROP--",
    '../east',
    'east\u0000',
    'EAST',
  ])('knows no database %j, and doesn’t repeat it', async (id) => {
    const { url } = await serve(client, WITH_TOKEN);
    for (const response of [
      await post(`${url}/active`, { database: id }),
      await post(`${url}/databases/${encodeURIComponent(id)}/drain`, {}),
      await post(`${url}/databases/${encodeURIComponent(id)}/resume`, {}),
      await post(`${url}/steering`, { ...ORDER, database: id }),
    ]) {
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(await response.text()).toBe('{"error":"no database has this id"}\n');
    }
    await unharmed();
  });

  it.each([
    ['DELETE', '/active', 405],
    ['PUT', '/active', 405],
    ['GET', '/active', 405],
    ['POST', '/status', 405],
    ['OPTIONS', '/active', 405],
    ['GET', '/steering', 405],
    ['PUT', '/steering', 405],
    ['POST', '/steering/', 404],
    ['POST', '/%73teering', 404],
    ['TRACE', '/status', 405],
    ['GET', '/databases/east/drain', 405],
    ['GET', '/../../etc/passwd', 404],
    ['GET', '/%2e%2e/%2e%2e/etc/passwd', 404],
    ['GET', '//evil.example/status', 404],
    ['GET', 'http://evil.example/status', 404],
    ['GET', '/status/../active', 404],
    ['GET', '/__proto__', 404],
    ['POST', '/databases/%E0%A4%A/drain', 400],
    ['POST', '/databases/%/drain', 400],
    ['GET', `/${'a'.repeat(4000)}`, 414],
  ])('%s %s: %i', async (method, path, status) => {
    const { port } = await serve(client, WITH_TOKEN);
    const raw = new Raw(port).send(request(method, path, [HOST, AUTH, JSON_TYPE]));
    expect(await answered(raw)).toBe(status);
    expect(raw.text).not.toMatch(/evil|passwd|aaaa/);
    await unharmed();
  });

  it('refuses long headers, whatever the server allows', async () => {
    const { handler } = await serve(client, WITH_TOKEN);
    const server = createServer({ maxHeaderSize: 1024 * 1024 }, handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const raw = new Raw(port).send(
        request('GET', '/status', [HOST, `X-Long: ${'x'.repeat(100_000)}`]),
      );
      expect(await answered(raw)).toBe(431);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

it('answers everything with headers that keep it to itself', async () => {
  const { url } = await serve(client, WITH_TOKEN);
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/status'],
    ['GET', '/events'],
    ['GET', '/nothing'],
    ['PUT', '/active'],
    ['GET', '/readyz'],
  ] as const) {
    const controller = new AbortController();
    const { headers } = await fetch(`${url}${path}`, { method, signal: controller.signal });
    controller.abort();
    expect(Object.fromEntries(headers), path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': expect.stringContaining('no-store'),
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(
        /default-src 'none'.*frame-ancestors 'none'/,
      ),
    });
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|https?:/);
  }
});

describe('listeners', () => {
  it('are bounded, and a place is free again when one goes', async () => {
    const { url, handler } = await serve(client, { maxListeners: 2 });
    const first = await EventReader.open(url);
    await EventReader.open(url);
    const refused = await fetch(`${url}/events`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    first.close();
    await waitFor(async () => (await fetch(`${url}/events`)).status === 200, { what: 'a place' });
    expect(handler).toBeTypeOf('function');
  });

  it('that come back are sent what they missed, however much happened', async () => {
    const { url } = await serve(client, { statusIntervalMs: 3_600_000 });
    const first = await EventReader.open(url);
    client.emit('error', new Error('the first'));
    await waitFor(() => first.of('client-error').length === 1, { what: 'an event' });
    const id = first.of('client-error')[0]?.id as string;
    // More than may wait for a reader.
    for (let i = 0; i < 1000; i += 1) client.emit('error', new Error(`${i} ${'€'.repeat(990)}`));
    for (let i = 0; i < 3; i += 1) {
      const reader = await EventReader.open(url, { 'last-event-id': id });
      await waitFor(() => reader.of('status').length > 0, { what: 'the status' });
      expect(reader.of('client-error').map(({ data }) => data.message.slice(0, 4))).toContain(
        '999 ',
      );
      client.emit('error', new Error('and on'));
      await waitFor(() => reader.of('client-error').at(-1)?.data.message === 'and on', {
        what: 'the next event',
      });
      expect(reader.ended).toBe(false);
    }
  });

  it('that don’t read are dropped, and memory stays bounded', async () => {
    const { port, url } = await serve(client, { statusIntervalMs: 3_600_000, maxListeners: 2 });
    const reader = await EventReader.open(url);
    const slow = new Raw(port).send(request('GET', '/events', [HOST]));
    await waitFor(() => slow.text.includes('event: status'), { what: 'the stream' });
    slow.pause();
    expect((await fetch(`${url}/events`)).status).toBe(503);
    const error = new Error('x'.repeat(1000));
    let sent = 0;
    // The kernel takes megabytes before anything waits in the process.
    await waitFor(
      async () => {
        for (let i = 0; i < 100; i += 1) client.emit('error', error);
        sent += 100;
        await waitFor(() => reader.of('client-error').length === sent, {
          what: 'the other reader',
        });
        return (await fetch(`${url}/events`)).status === 200;
      },
      { what: 'the slow reader to be dropped', timeoutMs: 25_000 },
    );
    expect(reader.ended).toBe(false);
  });
});
