// This client beside plain node-redis, and beside node-redis in a resilience library:
// `npm run bench`, which builds dist/ first.
//
//   --quick           short rounds, and only what is needed to see an accident; then options that are off by
//                     default, each against the same client without it
//   --features        these options only
//   --floor R         ends with 1 when both the rate and the CPU time of this client, as ratios to
//                     `timeout: 0`, are worse than R; the same if the ioredis API is measured and does not
//                     reach 1.5 times ioredis with auto-pipelining
//   --rounds N        rounds of each contestant per workload (default 7)
//   --ms N            length of a round (default 400)
//   --only TEXT       workloads whose `name / callers` contains TEXT
//   --clients A,B     these clients (see throughput/contestants.mjs), besides the first
//   --round-trip MS   replies are delayed by a proxy, as by a network (default: none)
//   --observed        GETs while commands are observed: traces and durations
//   --against REV     another revision of this project in the place of plain node-redis: built in a
//                     temporary worktree, measured in turns; the ratios are to it
//   --node VERSION    of Node.js for the contestants, from npm (default: the one that runs this)
//   --json FILE       all rounds
//   --write           the tables into docs/performance.md, the plot into docs/images/throughput.svg
//
// Every contestant has a process of its own; they take turns round by round on the same servers, so
// that whatever else the machine does hits all of them. Compared are the medians of the ratios of
// neighbouring rounds.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../scripts/packed.mjs';
import { buildRevision } from './base-revision.mjs';
import { writeSection } from './page.mjs';
import { startServer } from './servers.mjs';
import { median, percentile } from './statistics.mjs';
import { CONTESTANTS } from './throughput/contestants.mjs';
import { FEATURES } from './throughput/features.mjs';
import { plot } from './throughput/plot.mjs';
import { costTable, featureTable, machine, tables } from './throughput/report.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    floor: { type: 'string' },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    only: { type: 'string', default: '' },
    clients: { type: 'string' },
    'round-trip': { type: 'string' },
    observed: { type: 'boolean', default: false },
    features: { type: 'boolean', default: false },
    against: { type: 'string' },
    node: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 5 : 7));
const ms = Number(values.ms ?? (values.quick ? 250 : 400));
/** Until the code is compiled for the load. */
const WARM_UP_MS = 600;

if ((values.against !== undefined || values.quick) && values.write) {
  throw new Error('--against and --quick write no tables');
}
if (values.against !== undefined) process.env.REDIS_MULTIDB_AGAINST = buildRevision(values.against);
const BASE =
  values.against !== undefined ? 'against' : values.features ? 'multidb-6' : 'plain-6-no-timeout';
const QUICK = values.against === undefined ? [BASE, 'multidb-6', 'plain-6'] : [BASE, 'multidb-6'];
const everyone = Object.keys(CONTESTANTS).filter(
  (name) =>
    !name.startsWith('against') &&
    CONTESTANTS[name]?.isObserved !== true &&
    CONTESTANTS[name]?.base === undefined,
);
const features = Object.keys(FEATURES);
const observed = Object.keys(CONTESTANTS).filter((name) => CONTESTANTS[name]?.isObserved);
/** The clients that the flags choose. */
function chosen() {
  if (values.clients !== undefined) return values.clients.split(',');
  if (values.features) return ['multidb-6', ...features];
  if (values.observed) return ['multidb-6', ...observed];
  if (values.against !== undefined) return QUICK;
  return values.quick ? [...QUICK, ...features] : everyone;
}
const names = [...new Set([BASE, ...chosen()])].filter(isInstalled);

/** @param {string} name */
function isInstalled(name) {
  const wanted = CONTESTANTS[name]?.package;
  if (wanted === undefined) return true;
  try {
    import.meta.resolve(wanted);
    return true;
  } catch {
    process.stderr.write(`${name}: skipped; \`npm install --no-save ${wanted}\` adds it\n`);
    return false;
  }
}

const CALLERS = [1, 50, 1000, 10_000];
const WORKLOADS = (
  values.quick || values.observed || values.features
    ? [50, 1000].map((callers) => ({ workload: 'GET 32 B', callers }))
    : [
        ...['GET 32 B', 'SET 32 B', 'GET 4 KB', 'SET 4 KB'].flatMap((workload) =>
          CALLERS.map((callers) => ({ workload, callers })),
        ),
        { workload: 'MULTI of 10', callers: 50 },
        { workload: 'PUBLISH to one subscriber', callers: 50 },
      ]
).filter(({ workload, callers }) => `${workload} / ${callers}`.includes(values.only));

const servers = await Promise.all(Array.from({ length: 10 }, startServer));
const roundTrip = values['round-trip'];
const urls =
  roundTrip === undefined
    ? servers.map(({ url }) => url)
    : await Promise.all(servers.map(({ url }) => delayed(url, roundTrip)));

/** @param {string} url @param {string} byMs */
async function delayed(url, byMs) {
  const file = path.join(import.meta.dirname, 'delaying-proxy.mjs');
  const [port] = await once(fork(file, [new URL(url).port, byMs]), 'message');
  return `redis://127.0.0.1:${port}`;
}

/** @type {Map<string, import('node:child_process').ChildProcess>} */
const processes = new Map();
const execPath = values.node === undefined ? process.execPath : await nodeBinary(values.node);
let node = '';
for (const name of names) {
  const file = path.join(import.meta.dirname, 'throughput/contestant.mjs');
  const { databases = 1 } = CONTESTANTS[name] ?? {};
  const child = fork(file, [name, ...urls.slice(0, databases)], { execPath });
  child.once('exit', (code) => {
    if (code !== null && code !== 0) process.exit(code);
  });
  [node] = await once(child, 'message');
  processes.set(name, child);
}

/** @param {string} name @param {object} request @returns {Promise<any>} */
async function ask(name, request) {
  const child = processes.get(name);
  child?.send(request);
  const [answer] = await once(/** @type {any} */ (child), 'message');
  return answer;
}

/**
 * @typedef {object} Result
 * @property {string} workload
 * @property {number} callers
 * @property {string} name
 * @property {number} perSecond median
 * @property {number} cpuUs median
 * @property {number} ratio to its base, median of the ratios of neighbouring rounds
 * @property {number} ofCeiling share of what the raw socket did; NaN if it was not measured
 * @property {number} low @property {number} high of these ratios, 10th and 90th percentile
 */

/** The contestant that another one is compared with. @param {string} name */
function baseOf(name) {
  const { base } = CONTESTANTS[name] ?? {};
  return base !== undefined && names.includes(base) ? base : BASE;
}

/** @param {{ workload: string, callers: number }} what @returns {Promise<Result[]>} */
async function compare({ workload, callers }) {
  /** @type {Map<string, { perSecond: number, cpuUs: number }[]>} */
  const all = new Map(names.map((name) => [name, []]));
  const compared = names.filter((name) => {
    const { workloads = [workload] } = CONTESTANTS[name] ?? {};
    return workloads.includes(workload);
  });
  for (let index = -1; index < rounds; index += 1) {
    // The first one after another is not always the same one.
    const order = index % 2 === 0 ? compared : [...compared].reverse();
    for (const name of order) {
      const load = { callers, ms: index < 0 ? WARM_UP_MS : ms };
      const done = await ask(name, { kind: 'round', workload, load });
      if (index >= 0) all.get(name)?.push(done);
    }
  }
  const ratiosTo = (/** @type {string} */ base, /** @type {{ perSecond: number }[]} */ of) =>
    of.map(({ perSecond }, i) => perSecond / (all.get(base)?.[i]?.perSecond ?? Number.NaN));
  return compared.map((name) => {
    const mine = all.get(name) ?? [];
    const ratios = ratiosTo(baseOf(name), mine);
    return {
      workload,
      callers,
      name,
      perSecond: median(mine.map((each) => each.perSecond)),
      cpuUs: median(mine.map((each) => each.cpuUs)),
      ratio: median(ratios),
      low: percentile(ratios, 0.1),
      high: percentile(ratios, 0.9),
      ofCeiling: median(ratiosTo('ceiling', mine)),
    };
  });
}

/** @param {Result[]} results latency at half of what BASE can do at most, in turns */
async function compareLatency(results) {
  const most = Math.max(
    ...results
      .filter(({ name, workload }) => name === BASE && workload === 'GET 32 B')
      .map((r) => r.perSecond),
  );
  const perSecond = most / 2;
  const compared = QUICK.filter((name) => names.includes(name));
  /** @type {Map<string, { p50: number, p99: number }[]>} */
  const all = new Map(compared.map((name) => [name, []]));
  for (let index = -1; index < rounds; index += 1) {
    for (const name of compared) {
      const load = { perSecond, ms: 3 * ms };
      const done = await ask(name, { kind: 'latency', load });
      if (index >= 0) all.get(name)?.push(done);
    }
  }
  return compared.map((name) => {
    const mine = all.get(name) ?? [];
    const ratios = mine.map(({ p99 }, i) => p99 / (all.get(BASE)?.[i]?.p99 ?? 1));
    return {
      name,
      perSecond,
      p50: median(mine.map((each) => each.p50)),
      p99: median(mine.map((each) => each.p99)),
      ratio: median(ratios),
    };
  });
}

/** @returns {Promise<{ name: string, bytes: number }[]>} */
async function compareHeap() {
  const [first] = servers;
  const compared = QUICK.filter((name) => names.includes(name));
  /** @type {Map<string, number[]>} */
  const all = new Map(compared.map((name) => [name, []]));
  for (let index = -1; index < 5; index += 1) {
    for (const name of compared) {
      const bytes = await ask(name, { kind: 'heap', load: { count: 20_000, pid: first?.pid } });
      if (index >= 0) all.get(name)?.push(bytes);
    }
  }
  return compared.map((name) => ({ name, bytes: median(all.get(name) ?? []) }));
}

/** @type {Result[]} */
const results = [];
for (const what of WORKLOADS) {
  const done = await compare(what);
  results.push(...done);
  process.stdout.write(`${what.workload}, ${what.callers} callers\n`);
  for (const { name, perSecond, ratio, low, high, cpuUs, ofCeiling } of done) {
    if (name === features[0])
      process.stdout.write('  the same client with options, the ratio to it without\n');
    const spread = `${low.toFixed(2)} to ${high.toFixed(2)}`;
    const share = Number.isNaN(ofCeiling) ? '' : `, ${ofCeiling.toFixed(2)} of the ceiling`;
    process.stdout.write(
      `  ${name.padEnd(20)} ${String(Math.round(perSecond)).padStart(8)}/s  ` +
        `${ratio.toFixed(2).padStart(5)} (${spread})  ${cpuUs.toFixed(2)} us CPU${share}\n`,
    );
  }
}
const latencies =
  values.quick ||
  values.observed ||
  values.features ||
  !results.some(({ workload }) => workload === 'GET 32 B')
    ? []
    : await compareLatency(results);
for (const { name, p50, p99, ratio } of latencies) {
  process.stdout.write(
    `latency at half load: ${name.padEnd(20)} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ratio ${ratio.toFixed(2)}\n`,
  );
}
const heaps = values.quick || latencies.length === 0 ? [] : await compareHeap();
for (const { name, bytes } of heaps) {
  process.stdout.write(`heap of a GET under way: ${name.padEnd(20)} ${Math.round(bytes)} bytes\n`);
}
for (const child of processes.values()) child.kill();

const report = { machine: { ...machine(), node }, rounds, ms, results, latencies, heaps };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
if (values.write) {
  if (values.observed) {
    writeSection('npm run bench -- --observed', costTable(report));
  } else if (values.features) {
    writeSection('npm run bench -- --features', featureTable(report));
  } else if (values.node === undefined) {
    writeSection('npm run bench', tables(report));
    plot(report);
  } else writeSection(`npm run bench -- --node ${values.node}`, tables(report));
}

if (values.floor !== undefined) {
  const floor = Number(values.floor);
  // On a busy machine the rate alone says little: what costs too much costs CPU time.
  const expect = (
    /** @type {string} */ name,
    /** @type {string} */ base,
    /** @type {number} */ atLeast,
  ) => {
    for (const of of results.filter((each) => each.name === name)) {
      const to = results.find((each) => each.name === base && each.callers === of.callers);
      if (to === undefined) continue;
      const rate = base === BASE ? of.ratio : of.perSecond / to.perSecond;
      const reached = Math.max(rate, to.cpuUs / of.cpuUs);
      if (reached >= atLeast) continue;
      process.stderr.write(
        `${name}, ${of.callers} callers: ${reached.toFixed(2)} of ${base}, expected ${atLeast}\n`,
      );
      process.exitCode = 1;
    }
  };
  expect('multidb-6', BASE, floor);
  expect('multidb-ioredis-6', 'ioredis-6-auto', 1.5);
}
process.exit();
