// How fast a killed database is left, with default options: `npm run bench:kill`.
//
//   --runs N     kills per kind of traffic (default 50)
//   --rate N     commands per second of one caller, instead of both kinds of traffic
//
// Each run starts two servers, drives GETs, kills the active server with SIGKILL, and measures from
// the kill to the first success on the other one. Needs `npm run build`.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer } from './servers.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '50' }, rate: { type: 'string' } },
});
const runs = Number(values.runs);
const dist = path.resolve(import.meta.dirname, '../dist/index.js');
if (!existsSync(dist)) throw new Error('dist/ is missing: npm run build');
/** @type {typeof import('redis-multidb')} */
const { createMultiDbClient } = await import(pathToFileURL(dist).href);

/**
 * One kill under the traffic of `callers` that wait `pauseMs` after each GET.
 * @param {{ callers: number, pauseMs: number }} traffic
 */
async function measure({ callers, pauseMs }) {
  const [east, west] = await Promise.all([startServer(), startServer()]);
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
  });
  await client.connect();
  while (!client.isHealthy('west')) await sleep(5);

  let isRunning = true;
  let successes = 0;
  let errors = 0;
  let switchedAt = 0;
  /** @type {(at: number) => void} */
  let onSuccess = () => {};
  /** @type {Promise<number>} */
  const firstSuccess = new Promise((resolve) => {
    onSuccess = resolve;
  });
  client.on('failover', () => {
    switchedAt = performance.now();
  });
  const running = Array.from({ length: callers }, async () => {
    while (isRunning) {
      try {
        await client.get('key');
        successes += 1;
        if (switchedAt > 0) onSuccess(performance.now());
      } catch {
        errors += 1;
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  });
  const warm = pauseMs > 0 ? 2 : 20 * callers;
  while (successes < warm) await sleep(1);
  const killedAt = performance.now();
  east.child.kill('SIGKILL');
  const successAt = await firstSuccess;
  isRunning = false;
  await Promise.all(running);
  await client.close();
  west.child.kill('SIGKILL');
  return { successMs: successAt - killedAt, switchMs: switchedAt - killedAt, errors };
}

/** @param {number[]} sorted @param {number} share */
function percentile(sorted, share) {
  const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1);
  return Number((sorted[Math.max(0, index)] ?? Number.NaN).toFixed(1));
}

/** @param {number[]} times */
function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const [median, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(sorted, share));
  return { median, p95, p99, max: percentile(sorted, 1) };
}

const kinds =
  values.rate === undefined
    ? [
        { name: '100 callers of GET', callers: 100, pauseMs: 0 },
        { name: '10 GETs a second', callers: 1, pauseMs: 100 },
      ]
    : [
        {
          name: `${values.rate} GETs a second`,
          callers: 1,
          pauseMs: 1000 / Number(values.rate),
        },
      ];

/** @type {Record<string, object>} */
const table = {};
for (const { name, ...traffic } of kinds) {
  const results = [];
  for (let run = 0; run < runs; run += 1) results.push(await measure(traffic));
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  table[`${name}: first success`] = {
    ...summary(results.map(({ successMs }) => successMs)),
    errors,
  };
  table[`${name}: switch event`] = summary(results.map(({ switchMs }) => switchMs));
}
console.log(`kill -9 of the active database, ${runs} runs, default options, milliseconds:`);
console.table(table);
