/** The examples under the drill, as a user would rehearse a copy of them. */
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { RunResult } from '../../src/drill/report/model.js';
import { every } from '../../src/test-bed/wire/wait.js';
import { startRedis, stopAll } from '../kit/index.js';
import { directory, run } from './run.js';

afterAll(stopAll);

const root = path.resolve(import.meta.dirname, '../..');

async function drill(example: string, faults: string, ...more: readonly string[]) {
  const ran = await run([
    'drill',
    '--app',
    `sh -c 'cd "${root}" && exec node --import tsx examples/${example}'`,
    '--env',
    'PORT={port}',
    '--env',
    'SHUTDOWN_DELAY_MS=300',
    '--json',
    '--report',
    path.join(directory, `${path.dirname(example)}.html`),
    // The machine may be busy with the start of all of them.
    '--faults',
    faults,
    '--hold',
    '300ms',
    '--rate',
    '50',
    '--goal-recovery-ms',
    '10s',
    ...more,
  ]);
  expect(ran.stderr).toBe('');
  const result = JSON.parse(ran.stdout) as RunResult;
  expect(result.promises.flatMap(({ violations }) => violations)).toEqual([]);
  expect(ran.code).toBe(0);
  expect(result.application?.ended).toMatchObject({ code: 0, killed: false });
  return result;
}

const at = (where: string) => `http://127.0.0.1:{port}${where}`;

it.concurrent.each(['express/server.js', 'fastify/server.js'])('%s', async (example) => {
  const result = await drill(
    ...([example, 'reset,kill'] as const),
    '--request',
    `POST ${at('/hits')}`,
    '--request',
    at('/hits'),
    '--status',
    at('/redis'),
  );
  expect(result.switches.at(-1)).toMatchObject({
    from: 'east',
    to: 'west',
    reason: 'health-check',
    cause: expect.stringContaining('REFUSED'),
  });
  expect(result.traffic.writes).toBeGreaterThan(20);
});

it.concurrent('express/server.js, switched by hand, with all databases down', async () => {
  const result = await drill(
    ...(['express/server.js', 'switch,all-down'] as const),
    '--request',
    at('/hits'),
    '--status',
    at('/redis'),
    '--env',
    'OPS_TOKEN=token',
    '--header',
    'authorization: Bearer token',
  );
  // On a busy machine it may begin with west, and move to east by itself.
  const byHand = result.switches.filter(({ reason }) => reason === 'manual');
  expect(byHand).toMatchObject([
    { from: 'east', to: 'west' },
    { from: 'west', to: 'east' },
  ]);
  expect(result.steps.flatMap(({ unavailable }) => Object.keys(unavailable))).toContain('HTTP 503');
});

it.concurrent('worker/worker.js does every job', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const fed: string[] = [];
  const feeds: Promise<unknown>[] = [];
  const feeding = every(20, () => {
    for (const server of [east, west]) {
      fed.push(`job-${fed.length}`);
      feeds.push(server.command('RPUSH', 'jobs', fed.at(-1) as string));
    }
  });
  try {
    const urls = [`east=${east.url}`, `west=${west.url}`];
    // Time to do some jobs of the other database, on a busy machine as well.
    const hold = ['--hold', '2s'];
    const result = await drill('worker/worker.js', 'freeze', '--status', at(''), ...hold, ...urls);
    expect(result.switches.at(-1)).toMatchObject({ from: 'east', to: 'west' });
  } finally {
    feeding.cancel();
  }
  await Promise.all(feeds);
  const kept: string[] = [];
  for (const server of [east, west]) {
    expect(Number(await server.command('LLEN', 'done'))).toBeGreaterThan(0);
    for (const list of ['done', 'jobs', 'jobs:worker-1']) {
      kept.push(...((await server.command('LRANGE', list, 0, -1)) as string[]));
    }
  }
  // Done, or begun, or still waiting.
  expect(new Set(kept)).toEqual(new Set(fed));
});

it.concurrent('without a status: sessions/server.js and cache/server.js', async () => {
  await Promise.all([
    drill('sessions/server.js', 'kill', '--request', at('/')),
    drill('cache/server.js', 'kill', '--request', at('/products/{n}')),
  ]);
});

// After the others, which keep the machine busy.
it('on the API of ioredis: fastify-redis/server.js and nestjs-bullmq/main.ts', async () => {
  const status = ['--status', at('/redis')];
  const results = await Promise.all([
    drill(
      ...(['fastify-redis/server.js', 'reset,kill', '--env', 'MAX=1000000'] as const),
      ...['--request', `POST ${at('/hits')}`, '--request', at('/hits'), ...status],
    ),
    drill('nestjs-bullmq/main.ts', 'kill', '--request', at('/emails'), ...status),
  ]);
  for (const { switches } of results) {
    expect(switches.at(-1)).toMatchObject({ from: 'east', to: 'west', reason: 'health-check' });
  }
});
