/** Each example as a user starts it: over two real servers, one of which is killed under traffic. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis, stopAll, waitFor } from '../kit/index.js';
import { Example, killExamples } from './support.js';

afterEach(async () => {
  killExamples();
  await stopAll();
});

async function setUp(file: string, environment: Record<string, string> = {}) {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const example = new Example(file, { EAST_URL: east.url, WEST_URL: west.url, ...environment });
  return { east, west, example, url: await example.url() };
}

const number = async (server: RedisServer, ...command: string[]) =>
  Number(await server.command(...command));

describe.each(['express/server.js', 'fastify/server.js'])('%s', (file) => {
  it('serves on when a database is killed, shows it, and ends in order', async () => {
    const { east, west, example, url } = await setUp(file, { OPS_TOKEN: 'token' });
    const answers = { ok: 0, unknown: 0, refused: 0 };
    let isEnding = false;
    const callers = Array.from({ length: 10 }, async () => {
      for (;;) {
        const response = await fetch(`${url}/hits`, { method: 'POST' }).catch(() => undefined);
        const body = (await response?.json()) as { hits?: number; maybeExecuted?: boolean };
        // No answer, or Fastify's own while it closes.
        if (
          response === undefined ||
          (isEnding && body.maybeExecuted === undefined && !response.ok)
        ) {
          expect(isEnding).toBe(true);
          answers.refused += 1;
          return;
        }
        if (response.ok) {
          answers.ok += 1;
        } else {
          expect([response.status, body.maybeExecuted]).toEqual([503, true]);
          answers.unknown += 1;
        }
      }
    });
    const flows = async () => {
      const goal = answers.ok + 100;
      await waitFor(() => answers.ok >= goal, { what: 'traffic', timeoutMs: 15_000 });
    };
    const ready = async () => (await fetch(`${url}/redis/readyz`)).status;
    const activeDatabase = async () => {
      const status = await (await fetch(`${url}/redis/status`)).json();
      return (status as { activeDatabase: string }).activeDatabase;
    };

    await flows();
    expect([await ready(), await activeDatabase()]).toEqual([200, 'east']);
    const counted = await number(east, 'GET', 'hits');
    expect(counted).toBeGreaterThanOrEqual(100);
    await east.kill();
    await flows();
    const known = answers.ok;
    const before = { hits: await number(west, 'GET', 'hits'), ...answers };
    expect([await ready(), await activeDatabase()]).toEqual([200, 'west']);
    expect(example.output).toMatch(/redis: east -> west \(health-check: .*ECONNREFUSED/);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/redis_multidb_failovers_total\{[^}]*from="east",to="west"[^}]*\} 1/);
    expect((await fetch(`${url}/redis`)).headers.get('content-type')).toContain('text/html');

    // By hand, with the token alone; what can't serve is refused.
    const move = (authorization: string) =>
      fetch(`${url}/redis/active`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ database: 'east' }),
      });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    for (const wrong of ['Bearer wrong', 'Bearer', 'Bearer ', basic('token:'), basic('ops:')]) {
      const refused = await move(wrong);
      expect([wrong, refused.status]).toEqual([wrong, 401]);
      expect(refused.headers.get('www-authenticate')).toContain('Basic');
    }
    expect((await move('Bearer token')).status).toBe(409);
    expect((await move(basic('ops:token'))).status).toBe(409);
    // A browser has no other way to the buttons than this.
    const page = async (headers: Record<string, string>) =>
      (await fetch(`${url}/redis`, { headers })).text();
    expect(await page({})).toContain('Sign in to make changes');
    expect(await page({ authorization: basic('ops:token') })).not.toContain('Sign in');

    // An open stream must not hold the end up.
    const stream = await fetch(`${url}/redis/events`);
    expect(stream.status).toBe(200);
    isEnding = true;
    const ended = example.terminate();
    await waitFor(async () => (await ready()) === 503, { what: 'not to be ready any more' });
    expect(await ended).toBe(0);
    await Promise.all(callers);
    await stream.text();
    // Every acknowledged job is there, and otherwise only jobs with an unknown outcome.
    // (Ten callers: so many were under way when it was looked at before.)
    const hits = (await number(west, 'GET', 'hits')) - before.hits;
    expect(hits).toBeGreaterThanOrEqual(answers.ok - before.ok - 10);
    expect(hits).toBeLessThanOrEqual(answers.ok - known + answers.unknown + answers.refused);
    expect(answers).toMatchObject({ unknown: before.unknown, refused: 10 });
    expect(answers.unknown).toBeLessThanOrEqual(10);
  });
});

it('express/server.js answers after it was frozen, whatever happened meanwhile', async () => {
  const { east, west, example, url } = await setUp('express/server.js');
  await Promise.all([east, west].map((server) => server.command('SET', 'hits', '7')));
  const read = async () => (await (await fetch(`${url}/hits`)).json()) as { hits: number };
  const switches = () => example.output.match(/redis: \w+ -> \w+/g);
  expect(await read()).toEqual({ hits: 7 });
  const started = switches();

  example.freeze();
  // The server has closed the idle connections: no reason to leave it.
  await east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  example.thaw();
  expect(await read()).toEqual({ hits: 7 });
  expect(switches()).toEqual(started);

  example.freeze();
  await east.kill();
  example.thaw();
  expect(await read()).toEqual({ hits: 7 });
  expect(switches()).toEqual([...(started ?? []), 'redis: east -> west']);
  expect(await example.terminate()).toBe(0);
});

it('worker/worker.js goes on at the next database, loses no job, and ends in order', async () => {
  const { east, west, example, url } = await setUp('worker/worker.js');
  // What another run had begun.
  await west.command('RPUSH', 'jobs:worker-1', 'begun');
  await east.command('RPUSH', 'jobs', 'one', 'two');
  await waitFor(async () => (await number(east, 'LLEN', 'done')) === 2, { what: 'two jobs' });
  // A job is removed from the worker's own list after it is done.
  await waitFor(async () => (await number(east, 'LLEN', 'jobs:worker-1')) === 0, {
    what: 'an empty list of jobs under way',
  });
  await east.kill();
  await waitFor(() => /east -> west/.test(example.output), { what: 'the switch' });
  await west.command('RPUSH', 'jobs', 'three', 'four');
  await waitFor(async () => (await number(west, 'LLEN', 'done')) === 3, { what: 'three jobs' });
  expect(await west.command('LRANGE', 'done', '0', '-1')).toEqual(
    expect.arrayContaining(['begun', 'three', 'four']),
  );
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const ended = example.terminate();
  for (let i = 0; i < 50; i += 1) await west.command('RPUSH', 'jobs', `late-${i}`);
  expect(await ended).toBe(0);
  // Each one is done, or waits for the next worker.
  const [done, waiting] = [await number(west, 'LLEN', 'done'), await number(west, 'LLEN', 'jobs')];
  expect(done + waiting).toBe(53);
  expect(await number(west, 'LLEN', 'jobs:worker-1')).toBe(0);
});

it('tracing/server.js shows the commands of each request, and the failover', async () => {
  const { east, west, example, url } = await setUp('tracing/server.js');
  const spans = () =>
    example.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const request = async (name: string, method = 'GET') => {
    const known = spans().length;
    expect((await fetch(`${url}/hits`, { method })).status).toBe(200);
    const ended = () => spans().slice(known);
    const isOver = () => ended().some((each) => each.name === `${method} /hits`);
    await waitFor(isOver, { what: `the span of ${method}` });
    const all = ended();
    expect(all.map((each) => each.name)).toEqual([name, `${method} /hits`]);
    expect(new Set(all.map(({ trace }) => trace)).size).toBe(1);
    return all[0];
  };
  expect((await request('MULTI', 'POST')).attributes).toMatchObject({
    'server.port': east.port,
    'db.operation.batch.size': 2,
  });
  await east.freeze();
  const moved = await request('GET');
  expect(moved.attributes['server.port']).toBe(west.port);
  expect(moved.events).toMatchObject([
    {
      name: 'takeover',
      'db.client.geofailover.fail_from': 'east',
      'db.client.geofailover.fail_to': 'west',
      'server.port': west.port,
    },
  ]);
  expect(await example.terminate()).toBe(0);
});

/** What a framework loads by itself. */
const LOADED: Record<string, readonly string[]> = {
  'nestjs-bullmq': ['@nestjs/platform-express', 'rxjs'],
};

it('are complete: a package of their own, with all that they import', () => {
  const root = path.resolve(import.meta.dirname, '../../examples');
  const directories = readdirSync(root, { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  expect(directories.map(({ name }) => name).sort()).toEqual([
    'bullmq',
    'cache',
    'express',
    'fastify',
    'fastify-redis',
    'nestjs-bullmq',
    'rate-limit',
    'sessions',
    'socket.io',
    'tracing',
    'worker',
  ]);
  for (const { name } of directories) {
    const files = readdirSync(path.join(root, name));
    const client = files.includes('redis.ts') ? 'redis.ts' : 'redis.js';
    expect(files, name).toEqual(expect.arrayContaining(['package.json', 'README.md', client]));
    const { dependencies } = JSON.parse(
      readFileSync(path.join(root, name, 'package.json'), 'utf8'),
    );
    const sources = files
      .filter((file) => /\.[jt]s$/.test(file))
      .map((file) => readFileSync(path.join(root, name, file), 'utf8'));
    const imported = [...sources.join('\n').matchAll(/(?:from|import) '([^'.][^']*)'/g)]
      .map(([, specifier = '']) => specifier)
      .filter((specifier) => !specifier.startsWith('node:'))
      .map((specifier) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect(Object.keys(dependencies).sort()).toEqual(
      [...new Set(['@redis/client', ...imported, ...(LOADED[name] ?? [])])].sort(),
    );
  }
});
