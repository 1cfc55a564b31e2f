import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpHandler, type HttpHandlerOptions, STATUS_SCHEMA } from '../../src/http/index.js';
import { createMultiDbClient, type MultiDbClient } from '../../src/index.js';
import { createMultiDbRedis, type MultiDbRedis } from '../../src/ioredis/index.js';
import {
  freePort,
  type RedisServer,
  serveHandler,
  startRedis,
  stopAll,
  waitFor,
} from '../kit/index.js';
import { run, start } from './run.js';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  await stopAll();
});

interface Application<Client> {
  readonly url: string;
  readonly client: Client;
  readonly east: RedisServer;
}

type Databases = { id: string; weight: number; client: { url: string } }[];

/** A client of the API of node-redis. */
async function connected(databases: Databases): Promise<MultiDbClient> {
  return createMultiDbClient({ databases, initialWaitMs: 20_000 }).connect();
}

async function application({
  token,
}: {
  token?: string;
} = {}): Promise<Application<MultiDbClient>> {
  return applicationWith(connected, token);
}

async function applicationWith<Client extends MultiDbClient | MultiDbRedis<Redis>>(
  open: (databases: Databases) => Promise<Client>,
  token?: string,
): Promise<Application<Client>> {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const client = await open([
    { id: 'east', weight: 1, client: { url: east.url } },
    { id: 'west', weight: 0.5, client: { url: west.url } },
  ]);
  await waitFor(() => client.databases.every(({ health }) => health === 'healthy'), {
    what: 'verdicts',
  });
  const authorize: HttpHandlerOptions['authorize'] = ({ headers }) =>
    headers.authorization === `Bearer ${token}`;
  const handler = createHttpHandler(client, {
    basePath: '/redis',
    ...(token === undefined ? {} : { authorize }),
  });
  const { url, close } = await serveHandler(handler);
  opened.push(close, () => client.destroy());
  return { url: `${url}/redis`, client, east };
}

const isStatus = new Ajv2020({ allowUnionTypes: true, formats: { 'date-time': true } }).compile(
  STATUS_SCHEMA,
);

describe('status', () => {
  it('of an application', async () => {
    const { url } = await application();
    const json = await run(['status', url, '--json']);
    expect(json.code).toBe(0);
    expect(isStatus(JSON.parse(json.stdout)), JSON.stringify(isStatus.errors)).toBe(true);
    const text = await run(['status', `${url}/`]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/east is active/);
    expect(text.stdout).toMatch(/○ {2}west +0\.5 +healthy +closed/);
  });

  it('of databases, probed by itself', async () => {
    const server = await startRedis();
    const args = [`east=${server.url}`, `west=redis://127.0.0.1:${await freePort()}`];
    const json = await run(['status', ...args, '--json']);
    expect(json.code).toBe(0);
    const status = JSON.parse(json.stdout);
    expect(isStatus(status), JSON.stringify(isStatus.errors)).toBe(true);
    expect(status).toMatchObject({
      activeDatabase: 'east',
      databases: [
        { health: 'healthy' },
        { health: 'unhealthy', cause: expect.stringContaining('ECONNREFUSED') },
      ],
    });
    expect(await server.info('connected_clients')).toBe('1');
  });

  it('of nothing that answers', async () => {
    const port = await freePort();
    expect(await run(['status', `redis://127.0.0.1:${port}`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No database can serve'),
    });
    expect(await run(['status', `http://127.0.0.1:${port}/redis`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    });
    const other = createServer((_, response) => response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    opened.push(() => other.close());
    expect(await run(['status', `http://127.0.0.1:${port}`])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not from the handler of redis-multidb'),
    });
  });
});

describe('watch', () => {
  it('shows a failover as it happens, one line each, and ends with Ctrl-C', async () => {
    const { url, client, east } = await application();
    const running = start(['watch', url]);
    const json = start(['watch', url, '--json']);
    await waitFor(
      () => running.stdout.includes('east is active') && json.stdout.includes('"status"'),
      { what: 'the status', timeoutMs: 10_000 },
    );
    await east.kill();
    await client.set('a', '1').catch(() => {});
    await waitFor(() => /east → west \(health-check\)/.test(running.stdout), {
      what: 'the switch',
      timeoutMs: 10_000,
    });
    await waitFor(() => json.stdout.includes('"event":"switch"'), {
      what: 'the event',
      timeoutMs: 10_000,
    });
    for (const line of json.stdout.trim().split('\n'))
      expect(Object.keys(JSON.parse(line))).toEqual(['event', 'data']);
    running.child.kill('SIGINT');
    json.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 130, stderr: '' });
    expect((await json.ended).code).toBe(143);
  });

  it('shows what it finds out by itself', async () => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    const running = start(['watch', `east=${east.url}`, `west=${west.url}`]);
    await waitFor(() => running.stdout.includes('east is active'), {
      what: 'the status',
      timeoutMs: 10_000,
    });
    await east.kill();
    await waitFor(() => running.stdout.includes('east → west'), {
      what: 'the switch',
      timeoutMs: 10_000,
    });
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });
});

describe('several applications', () => {
  it('have one line each, and a line that says how many use the same database', async () => {
    const [one, other] = await Promise.all([application(), application()]);
    const urls = [one.url, other.url];
    const agreeing = await run(['status', ...urls]);
    expect(agreeing).toMatchObject({ code: 0, stderr: '' });
    expect(agreeing.stdout).toContain('2 of 2 applications use east\n');
    for (const url of urls) expect(agreeing.stdout).toMatch(new RegExp(`● {2}${url} +east +\\d`));

    const watching = start(['watch', ...urls]);
    const json = start(['watch', ...urls, '--json']);
    const lines = () =>
      json.stdout
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    const agreements = () => lines().filter(({ event }) => event === 'agreement');
    await waitFor(() => watching.stdout.includes('2 of 2') && agreements().length === 1, {
      what: 'both to be known',
      timeoutMs: 20_000,
    });
    await other.client.forceActiveDatabase('west');
    await waitFor(() => /1 of 2 applications use \w+, 1 \w+\n/.test(watching.stdout), {
      what: 'the disagreement',
      timeoutMs: 20_000,
    });
    await waitFor(() => agreements().length === 2, { what: 'its document', timeoutMs: 20_000 });
    expect(watching.stdout).toMatch(new RegExp(`${other.url}  \\S+  east → west \\(forced\\)`));
    expect(agreements().map(({ data }) => data.agree)).toEqual([true, false]);
    expect(lines().find(({ event }) => event === 'switch')).toMatchObject({
      application: other.url,
    });
    watching.child.kill('SIGINT');
    json.child.kill('SIGTERM');
    expect(await watching.ended).toMatchObject({ code: 130, stderr: '' });
    expect((await json.ended).code).toBe(143);

    const apart = await run(['status', ...urls, '--json']);
    expect(apart.code).toBe(1);
    expect(JSON.parse(apart.stdout)).toMatchObject({
      agree: false,
      databases: { east: 1, west: 1 },
      applications: [{ application: one.url, status: { activeDatabase: 'east' } }, {}],
    });
    const gone = `http://127.0.0.1:${await freePort()}/redis`;
    const partly = await run(['status', one.url, gone]);
    expect(partly.code).toBe(1);
    expect(partly.stdout).toContain('1 of 2 applications use east, 1 not reached');
    expect(partly.stdout).toMatch(new RegExp(`✗ {2}${gone} +can't be reached: .*ECONNREFUSED`));

    const many = start(['watch', ...Array.from({ length: 15 }, (_, index) => `${gone}/${index}`)]);
    await waitFor(() => many.stdout.includes('15 not reached'), {
      what: 'all to be tried',
      timeoutMs: 20_000,
    });
    many.child.kill('SIGINT');
    expect(await many.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it.each([
    [['http://127.0.0.1:1', 'redis://127.0.0.1:1'], 'URLs of applications alone'],
    [['http://127.0.0.1:1', 'http://127.0.0.1:1/'], 'each application once'],
  ])('are not %j', async (args, message) => {
    const ran = await run(['watch', ...args]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});

/** Answers each path as `answers` say; and how to end it. */
async function listening(answer: RequestListener, port = 0) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  opened.push(end);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, end };
}

describe('an application that is not well', () => {
  const commands = [['status'], ['watch'], ['switch', 'west', '--yes', '--url']];

  it.each(commands)('does not answer: %s', async (...command) => {
    const { url } = await listening(() => {});
    expect(await run([...command, url, '--timeout', '300ms'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${url} can't be reached: no answer within 300 ms`),
    });
  });

  it.each(commands)('stops in the middle of its answer: %s', async (...command) => {
    const { url } = await listening((request, response) => {
      const type = request.url === '/events' ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'content-type': type });
      response.write('{"databases":');
    });
    expect(await run([...command, url, '--timeout', '300ms'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/can't be reached: (no answer|no data)/),
    });
  });

  it.each(commands)('sends elsewhere: %s', async (...command) => {
    const { url } = await listening((_, response) => {
      response.writeHead(302, { location: 'https://user:secret@login.test/sign-in?next=1' }).end();
    });
    const ran = await run([...command, url]);
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('redirects to https://login.test/sign-in,'),
    });
    expect(ran.stderr).not.toContain('user:secret');
  });

  it.each(commands)('is another one: %s', async (...command) => {
    const { url } = await listening((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>');
    });
    expect(await run([...command, url])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not from the handler of redis-multidb'),
    });
  });

  it('restarts: watch goes on when it is back, and has missed nothing that it kept', async () => {
    const { url, client } = await application();
    const handler = createHttpHandler(client);
    opened.push(() => handler.close());
    const first = await listening(handler);
    const running = start(['watch', first.url]);
    await waitFor(() => running.stdout.includes('east is active'), {
      what: 'the status',
      timeoutMs: 10_000,
    });
    first.end();
    await waitFor(() => running.stdout.includes('lost: '), {
      what: 'that it is lost',
      timeoutMs: 10_000,
    });
    await client.setActiveDatabase('west');
    await listening(handler, Number(new URL(first.url).port));
    await waitFor(() => running.stdout.includes('east → west'), {
      what: 'the switch of the meantime',
      timeoutMs: 10_000,
    });
    expect(url).not.toBe(first.url);
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stderr: '' });
  });
});

describe('switch', () => {
  it('forces a dead database without checks, says so, and releases it', async () => {
    const { url, client, east } = await application({ token: 'secret' });
    const header = ['--header', 'authorization: Bearer secret'];
    await east.kill();
    await waitFor(() => client.activeDatabase === 'west', { what: 'the failover' });
    const on = ['--url', url, '--yes', ...header];
    expect(await run(['switch', 'east', '--unchecked', ...on])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--unchecked needs --for or --hold'),
    });
    expect(await run(['switch', 'east', '--release', '--hold', ...on])).toMatchObject({ code: 2 });
    const forced = await run(['switch', 'east', '--unchecked', '--for', '10m', ...on]);
    expect(forced).toMatchObject({ code: 0 });
    expect(forced.stdout).toMatch(/It stays active for 600.0 s, whatever happens/);
    expect(client.activeDatabase).toBe('east');
    const json = JSON.parse((await run(['status', url, '--json'])).stdout);
    expect(isStatus(json), JSON.stringify(isStatus.errors)).toBe(true);
    expect(json.forced).toEqual({ unchecked: true, until: expect.any(String) });
    const text = await run(['status', url]);
    expect(text.stdout).toMatch(/east is active \(without checks\)/);
    expect(text.stdout).toMatch(/forced without checks for another/);
    expect(await run(['switch', 'east', '--release', ...on])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('east is released'),
    });
    expect(client.activeDatabase).toBe('west');
    expect(await run(['switch', 'west', '--release', ...on])).toMatchObject({ code: 1 });
  });

  it.each<[string, Parameters<typeof applicationWith>[0]]>([
    ['node-redis', connected],
    ['ioredis', async (databases) => createMultiDbRedis({ Redis, databases })],
  ])(
    'makes a database active, for a time, of an application with the API of %s',
    async (_, open) => {
      const { url, client } = await applicationWith(open, 't0ken');
      const shown = await run(['status', url]);
      expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/east is active/) });
      const header = ['--header', 'authorization: Bearer ${TOKEN}'];
      const ran = await run(
        ['switch', 'west', '--url', url, '--yes', '--for', '10m', '--json', ...header],
        { TOKEN: 't0ken' },
      );
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(ran.stdout)).toEqual({
        report: 'switch',
        from: 'east',
        activeDatabase: 'west',
        durationMs: 600_000,
        unchecked: false,
      });
      expect(client.activeDatabase).toBe('west');
      expect(client.explain().active?.why).toMatch(/forced for another/);
      const back = await run(['switch', 'east', '--url', url, '--yes', ...header], {
        TOKEN: 't0ken',
      });
      expect(back).toMatchObject({ code: 0, stdout: 'east is active.\n' });
    },
  );

  it('is refused without permission, without a yes, and for a database that is none', async () => {
    const { url, client } = await application();
    expect(await run(['switch', 'west', '--url', url, '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/refuses \(403\).*--header 'authorization: Bearer /),
    });
    expect(await run(['switch', 'west', '--url', url])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Add --yes'),
    });
    expect(await run(['switch', 'north', '--url', url, '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('known databases: east, west'),
    });
    expect(client.activeDatabase).toBe('east');
  });
});
