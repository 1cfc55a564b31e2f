// What adaptive suspicion gains and costs: `npm run bench:adaptive`, which builds dist/ and runs this
// through tsx.
//
//   --detect      how soon a frozen server is left: real servers, in the same region and across regions
//   --runs N      runs of each row of --detect, in fives (default 15)
//   --hours N     false failovers in N simulated hours on virtual time; 1000 take half an hour of CPU
//   --median MS   median round trip of the simulated hours (default 1)
//   --plot        the trade-off from simulated hours into docs/images/adaptive.svg, and its data into
//                 bench/adaptive/trade-off.json
//   --draw        the plot again, from that data

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startProxy, startRedis } from '../test/kit/index.js';
import { simulateHours } from '../test/simulation/hours.js';
import { tradeOff } from './adaptive/trade-off.mjs';
import { median, percentile } from './statistics.mjs';

const { values } = parseArgs({
  options: {
    detect: { type: 'boolean', default: false },
    runs: { type: 'string', default: '15' },
    hours: { type: 'string' },
    median: { type: 'string', default: '1' },
    plot: { type: 'boolean', default: false },
    draw: { type: 'boolean', default: false },
  },
});
/** Runs of `--detect` at the same time, each with servers of its own. Most of a run is waiting. */
const AT_ONCE = 5;
const root = path.resolve(import.meta.dirname, '..');
const data = path.join(root, 'bench/adaptive/trade-off.json');
const picture = path.join(root, 'docs/images/adaptive.svg');
// Every probe ends by an unused error; the stack traces would take half of the time.
Error.stackTraceLimit = 0;

/** @param {number} ms */
const fixed = (ms) => ({ suspectAfterMs: ms, healthCheck: { timeoutMs: ms } });
const ADAPTIVE = /** @type {const} */ ({
  suspectAfterMs: 'adaptive',
  healthCheck: { timeoutMs: 'adaptive' },
});

if (values.detect) await detect();
if (values.hours !== undefined) await hours(Number(values.hours));
if (values.plot) await measurePlot();
if (values.plot || values.draw) {
  writeFileSync(picture, tradeOff(JSON.parse(readFileSync(data, 'utf8'))));
}
process.exit();

async function detect() {
  const { createMultiDbClient } = await import(
    pathToFileURL(path.join(root, 'dist/index.js')).href
  );
  console.log('| place | options | left after p50 | p95 |\n|---|---|---:|---:|');
  const places = /** @type {const} */ ({ 'same region': 0, 'across regions, 80 ± 20 ms': 80 });
  for (const [place, delayMs] of Object.entries(places)) {
    for (const [name, options] of Object.entries({ adaptive: ADAPTIVE, default: {} })) {
      const times = [];
      while (times.length < Number(values.runs)) {
        const one = () => freeze(createMultiDbClient, delayMs, options);
        times.push(...(await Promise.all(Array.from({ length: AT_ONCE }, one))));
      }
      const [p50, p95] = [median(times), percentile(times, 0.95)].map(Math.round);
      console.log(`| ${place} | \`${name}\` | ${p50} ms | ${p95} ms |`);
    }
  }
}

/**
 * Milliseconds from freezing the active server to the switch, under fifty commands a second.
 *
 * @param {typeof import('redis-multidb').createMultiDbClient} createMultiDbClient
 * @param {number} delayMs of the replies
 * @param {object} options
 */
async function freeze(createMultiDbClient, delayMs, options) {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const proxies = await Promise.all([startProxy(east), startProxy(west)]);
  const vary = () => {
    for (const proxy of proxies) proxy.delay({ toClientMs: delayMs - 20 + 40 * Math.random() });
  };
  const jitter = delayMs === 0 ? undefined : setInterval(vary, 5);
  const client = createMultiDbClient({
    databases: ['east', 'west'].map((id, index) => ({
      ...{ id, weight: 1 - index / 2, client: { url: proxies[index]?.url ?? '' } },
    })),
    ...options,
  });
  client.on('error', () => {});
  const traffic = setInterval(() => client.get('key').catch(() => {}), 20);
  try {
    await client.connect();
    // Some rounds of health checks.
    await sleep(15_000 + Math.random() * 1000);
    if (client.activeDatabase !== 'east') return Number.NaN;
    const left = new Promise((resolve) => client.once('switch', resolve));
    const from = performance.now();
    void east.freeze();
    await left;
    return performance.now() - from;
  } finally {
    clearInterval(traffic);
    clearInterval(jitter);
    client.destroy();
    await Promise.all([...proxies, east, west].map((each) => each.dispose()));
  }
}

/** @param {number} count */
async function hours(count) {
  const sum = { hours: 0, commands: 0, pauses: 0, failed: 0, falseFailovers: 0 };
  for (let seed = 1; sum.hours < count; seed += 1) {
    const part = Math.min(20, count - sum.hours);
    const result = await simulateHours({
      ...{ seed, hours: part, medianMs: Number(values.median), pauseMs: 200, everyMs: 1000 },
      options: ADAPTIVE,
    });
    sum.hours += part;
    sum.commands += result.commands;
    sum.pauses += result.pauses;
    sum.failed += result.failed;
    sum.falseFailovers += result.falseFailovers;
    console.log(JSON.stringify({ ...sum, patienceMs: Math.round(result.patienceMs ?? 0) }));
  }
}

async function measurePlot() {
  const settings = {
    ...Object.fromEntries([50, 75, 100, 110, 150, 250, 500, 1000].map((ms) => [ms, fixed(ms)])),
    adaptive: ADAPTIVE,
  };
  const points = [];
  for (const pauseMs of [0, 200, 400]) {
    for (const [name, options] of Object.entries(settings)) {
      const result = await simulateHours({
        ...{ seed: 1, hours: 5, medianMs: 1, pauseMs, everyMs: 1000 },
        options,
      });
      const { falseFailovers, detectionMs } = result;
      points.push({ pauseMs, name, falseFailovers, hours: 5, detectionMs });
      console.log(JSON.stringify(points.at(-1)));
    }
  }
  writeFileSync(data, `${JSON.stringify(points, undefined, 2)}\n`);
}
