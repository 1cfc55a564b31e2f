// What a failover costs: `npm run bench:failover`, which builds dist/ and runs this through tsx.
//
//   --runs N      runs of each cell (default 20)
//   --only TEXT   cells whose `fault / rate / options` contains TEXT
//   --json FILE   all runs
//   --write       the table into docs/performance.md, the timeline into docs/images/failover.svg
//
// Each run: two new servers, a client with default or tuned options, readers and writers, the
// fault; then the time until a command that was issued after it succeeds, the time until
// throughput is what it was, the errors of readers and of writers, and writes that were executed
// twice, as the two servers' lists tell.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startProxy, startRedis } from '../test/kit/index.js';
import { FAULTS, SURVIVED } from './failover/faults.mjs';
import { timeline } from './failover/timeline.mjs';
import { Traffic } from './failover/traffic.mjs';
import { writeSection } from './page.mjs';
import { percentile } from './statistics.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const root = path.resolve(import.meta.dirname, '..');
/** @type {typeof import('redis-multidb')} */
const { createMultiDbClient } = await import(pathToFileURL(path.join(root, 'dist/index.js')).href);

/** @type {Readonly<Record<string, object>>} */
const OPTIONS = {
  default: {},
  tuned: { suspectAfterMs: 100, healthCheck: { timeoutMs: 250, numProbes: 1 } },
};
/** @type {Readonly<Record<string, number>>} commands a second */
const RATES = { '10/s': 10, '1000/s': 1000, most: Number.POSITIVE_INFINITY };
/** Runs at a time: at low rates there is nothing to disturb. */
const AT_ONCE = { '10/s': 5, '1000/s': 3, most: 1 };
const PATIENCE_MS = 15_000;

/** @param {string} fault @param {string} rate @param {string} options */
async function run(fault, rate, options) {
  const { direct, strike } = /** @type {typeof FAULTS[string]} */ (FAULTS[fault]);
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const proxy = await startProxy(east);
  await Promise.all([east.command('SET', 'who', 'east'), west.command('SET', 'who', 'west')]);
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: direct ? east.url : proxy.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    // Both servers are looked at in the end; nothing may return to a database meanwhile.
    failbackSupported: false,
    ...OPTIONS[options],
  });
  client.on('error', () => {});
  let leftAt = Number.NaN;
  client.on('failover', () => {
    leftAt = performance.now();
  });
  try {
    await client.connect();
    while (!client.isHealthy('west')) await sleep(2);
    const traffic = new Traffic(client);
    traffic.start(RATES[rate] ?? 10);
    await sleep(rate === '10/s' ? 1000 : 400);
    // Anywhere between two commands.
    await sleep(Math.random() * 100);
    traffic.faultAt = performance.now();
    const struck = strike(east, proxy);
    const done = () => traffic.servedAt ?? traffic.recoveredAt;
    const giveUpAt = traffic.faultAt + PATIENCE_MS;
    while (done() === undefined && performance.now() < giveUpAt) await sleep(1);
    await sleep(rate === '10/s' ? 300 : 1000);
    await traffic.stop();
    await struck;
    const lists = await Promise.all([listOf(east, fault), listOf(west, fault)]);
    return {
      firstMs: (done() ?? Number.NaN) - traffic.faultAt,
      leftMs: leftAt - traffic.faultAt,
      fullMs: traffic.fullAfter(),
      readErrors: traffic.readErrors,
      writeErrors: traffic.writeErrors,
      twice: twice(lists.flat()),
      lost: lost(traffic.acknowledged, lists, fault),
      buckets: [...traffic.buckets],
      usual: traffic.usual,
    };
  } finally {
    client.destroy();
    await Promise.all([proxy.dispose(), east.dispose(), west.dispose()]);
  }
}

/** @param {import('../test/kit/index.js').RedisServer} server @param {string} fault */
async function listOf(server, fault) {
  if (fault === 'frozen') await server.thaw();
  try {
    return /** @type {string[]} */ (await server.command('LRANGE', 'log', '0', '-1'));
  } catch {
    return [];
  }
}

/** @param {readonly string[]} elements */
const twice = (elements) => elements.length - new Set(elements).size;

/** Acknowledged and nowhere; a killed server has taken its own with it. @param {Set<string>} acknowledged @param {string[][]} lists @param {string} fault */
function lost(acknowledged, lists, fault) {
  if (fault === 'killed') return 0;
  const there = new Set(lists.flat());
  return [...acknowledged].filter((element) => !there.has(element)).length;
}

/** @typedef {Awaited<ReturnType<typeof run>>} Run */
/** @type {{ fault: string, rate: string, options: string, runs: Run[] }[]} */
const cells = [];
for (const fault of Object.keys(FAULTS)) {
  for (const rate of Object.keys(RATES)) {
    for (const options of Object.keys(OPTIONS)) {
      if (!`${fault} / ${rate} / ${options}`.includes(values.only)) continue;
      /** @type {Run[]} */
      const done = [];
      const atOnce = /** @type {Record<string, number>} */ (AT_ONCE)[rate] ?? 1;
      const worker = async () => {
        while (done.length + under < runs) {
          under += 1;
          const result = await run(fault, rate, options);
          under -= 1;
          done.push(result);
        }
      };
      let under = 0;
      await Promise.all(Array.from({ length: atOnce }, worker));
      cells.push({ fault, rate, options, runs: done });
      process.stdout.write(`${row(/** @type {any} */ (cells.at(-1)))}\n`);
    }
  }
}

/** @param {number} value */
function ms(value) {
  if (Number.isNaN(value)) return '-';
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** @param {typeof cells[number]} cell */
function row({ fault, rate, options, runs: all }) {
  const first = all.map((each) => each.firstMs);
  const left = all.map((each) => each.leftMs);
  const full = all.map((each) => each.fullMs).filter((each) => !Number.isNaN(each));
  const sum = (/** @type {(each: Run) => number} */ of) =>
    all.reduce((total, each) => total + of(each), 0);
  const errors = `${sum((each) => each.readErrors)} / ${sum((each) => each.writeErrors)}`;
  return `| ${[
    fault,
    rate,
    options,
    fault === SURVIVED
      ? 'not left'
      : `${ms(percentile(left, 0.5))} / ${ms(percentile(left, 0.99))}`,
    `${ms(percentile(first, 0.5))} / ${ms(percentile(first, 0.99))}`,
    rate === '10/s' ? '' : ms(percentile(full, 0.5)),
    errors,
    `${sum((each) => each.twice)} / ${sum((each) => each.lost)}`,
  ].join(' | ')} |`;
}

if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(cells)}\n`);
if (values.write) {
  const text = [
    `${runs} runs of each row. Times in milliseconds from the fault: until the database is left; until a command succeeds that`,
    'was issued after it or taken over, which at ten commands a second may have to be issued first; until throughput is nine',
    'tenths of what it was. Errors and executions are sums over all runs.',
    '',
    '| fault | commands | options | left p50 / p99 | first success p50 / p99 | full throughput | errors of reads / writes | writes executed twice / lost |',
    '|---|---|---|---:|---:|---:|---:|---:|',
    ...cells.map(row),
  ].join('\n');
  writeSection('npm run bench:failover', text);
  timeline(cells);
}
process.exit();
