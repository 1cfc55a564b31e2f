// `npm test`: every check of the project. A failed step does not stop the others, so that the last
// line of the output, `N passed, N failed`, counts everything: the steps and the tests of Vitest.
// Node.js built-ins only, because it runs before the dependencies are installed.

import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from './ensure-chromium.mjs';
import { ensureDeps } from './ensure-deps.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { killLeftovers } from './leaks.mjs';
import { installPacked, lintPackage, nodeBinary, pack } from './packed.mjs';
import { installed, root, run } from './run.mjs';
import { ensureModules, installedServer, NEWEST, serverVersion } from './server-binaries.mjs';

/** The oldest that `engines` allows, the maintained ones and the newest. */
const NODE_VERSIONS = ['20.19.0', '22', '24', 'latest'];

/**
 * Everything of this run goes here. The test kit's servers live below it (they follow TMPDIR), by
 * which leaked servers are distinguished from other servers.
 */
const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'redis-multidb-test-')));

const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, for the summary. @type {string[]} */
const failures = [];

/**
 * A step that runs beside others gets a function for its output, so that their lines do not mix.
 * @typedef {(text: string) => void} Write
 * @typedef {{ name: string, title: string, action: (write?: Write) => unknown, beside?: Stage }} Step
 * @typedef {'tests' | 'checks' | 'package'} Stage
 */

/** How many steps of a stage run at a time. Those of the package wait for servers, mostly. */
const AT_A_TIME = { tests: 2, checks: 2, package: 3 };

/** @type {Step[]} */
const steps = [
  { name: 'deps', title: 'Dependencies match the lock file', action: ensureDeps },
  { name: 'redis', title: 'A Redis server is at hand', action: () => log(ensureRedis()) },
  { name: 'chromium', title: 'A Chromium is at hand', action: () => log(ensureChromium()) },
  { name: 'lint', title: 'Format, lint and source rules', action: lint, beside: 'checks' },
  {
    name: 'types-5',
    title: 'Types with client version 5',
    action: tsc('tsconfig.v5.json'),
    beside: 'checks',
  },
  { name: 'build', title: 'Build', action: build, beside: 'checks' },
  {
    name: 'types-page',
    title: 'Types of the page',
    action: tsc('tsconfig.page.json'),
    beside: 'checks',
  },
  // The longest check takes what the tests leave of the processor.
  {
    name: 'types',
    title: 'Types',
    action: tsc('tsconfig.json', { lowPriority: true }),
    beside: 'tests',
  },
  { name: 'vitest', title: 'Tests (Vitest)', action: vitest, beside: 'tests' },
  {
    name: 'servers',
    title: 'Tables of commands and state replies on the newest servers, if they are there',
    action: newestServers,
  },
  { name: 'bench', title: 'The benchmark runs, and no ratio is an accident', action: bench },
  {
    name: 'package',
    title: 'Contents and types of the package',
    action: checkPackage,
    beside: 'package',
  },
  {
    name: 'consumers',
    title: 'The package compiled, bundled and tested as users do',
    action: consumers,
    beside: 'package',
  },
  {
    name: 'node-this',
    title: `The package on Node.js ${process.versions.node} (this one)`,
    action: (write) => smoke(process.execPath, write),
    beside: 'package',
  },
  ...NODE_VERSIONS.map((version) => ({
    name: `node-${version}`,
    title: `The package on Node.js ${version}`,
    action: async (/** @type {Write | undefined} */ write) =>
      smoke(await nodeBinary(version), write),
    beside: /** @type {const} */ ('package'),
  })),
  { name: 'leaks', title: 'No process is left behind', action: findLeaks },
];

const HELP = `Usage: npm test [-- [--only <step>]... [-- <arguments for Vitest>]]

Runs every step, or only the named ones, after making sure of the dependencies and a Redis server.

${steps.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

Examples
  npm test
  npm test -- --only lint --only types
  npm test -- --only vitest -- --project unit src/clock.test.ts

The last line of the output counts the steps and the tests of Vitest.
`;

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});

/** @param {string} text */
function log(text) {
  console.log(text);
}

/**
 * @param {string} project
 * @param {{ lowPriority?: boolean }} [options]
 */
function tsc(project, options) {
  const compiler = installed('typescript/bin/tsc');
  const args = [compiler, '--noEmit', '--pretty', 'false', '-p', project];
  return (/** @type {Write | undefined} */ write) =>
    run(process.execPath, args, { ...options, write });
}

/** @param {Write} [write] */
async function lint(write) {
  const biome = installed('@biomejs/biome/bin/biome');
  const colors = `--colors=${process.stdout.isTTY ? 'force' : 'off'}`;
  const args = [biome, 'ci', '--error-on-warnings', colors, '.'];
  await run(process.execPath, args, { write });
  await run(process.execPath, ['scripts/check-source.mjs'], { write });
  const cruiser = installed('dependency-cruiser/bin/dependency-cruise.mjs');
  const depcruise = [cruiser, '--config', '.dependency-cruiser.mjs', 'src'];
  await run(process.execPath, depcruise, { write });
}

let isBuilt = false;

/** @param {Write} [write] */
async function build(write) {
  await run(process.execPath, ['scripts/build.mjs'], { write });
  isBuilt = true;
}

/**
 * Adds the counts of a Vitest run to the total, and answers whether no test failed. A failed test
 * is not counted as a failed step as well.
 */
async function vitest() {
  const report = path.join(temporary, 'vitest.json');
  /** @type {unknown} */
  let failure;
  await run(
    process.execPath,
    [
      installed('vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...positionals,
    ],
    { env: { TMPDIR: temporary } },
  ).catch((error) => {
    failure = error;
  });
  const failedTests = existsSync(report) ? countTests(report) : 0;
  if (failure !== undefined && failedTests === 0) throw failure;
  if (failedTests > 0) failures.push(`${failedTests} tests`);
  return failedTests === 0;
}

/**
 * @param {string} report path of what Vitest's JSON reporter wrote
 * @returns {number} how many failed
 */
function countTests(report) {
  /** @type {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const statuses = testResults.flatMap((file) => {
    const tests = file.assertionResults.map((test) => test.status);
    // A file that could not be loaded, or whose hook failed, is one failed test.
    return file.status === 'failed' && !tests.includes('failed') ? [...tests, 'failed'] : tests;
  });
  const count = (/** @type {string} */ status) => statuses.filter((s) => s === status).length;
  total.passed += count('passed');
  total.failed += count('failed');
  total.skipped += statuses.length - count('passed') - count('failed');
  return count('failed');
}

/** What depends most on the server. */
const ON_NEWEST = ['command-table', 'command-keys', 'state-replies', 'libraries/redis-modules'];

/** The newest Redis and the newest Valkey, as far as `npm run test:servers` has fetched them. */
async function newestServers() {
  const files = ON_NEWEST.map((name) => `test/integration/${name}.test.ts`);
  const vitest = [installed('vitest/vitest.mjs'), 'run', '--project', 'integration'];
  for (const server of NEWEST) {
    const binary = installedServer(server);
    if (binary === undefined) {
      log(`${server.name}: skipped; npm run test:servers fetches it`);
      continue;
    }
    log(`${server.name} (${serverVersion(binary)})`);
    const env = {
      TMPDIR: temporary,
      REDIS_SERVER: binary,
      REDIS_MODULES: ensureModules(server).join(':'),
    };
    await run(process.execPath, [...vitest, '--silent=passed-only', ...files], { env });
  }
}

/** @type {Promise<string> | undefined} */
let tarball;
/** @type {Promise<string[]> | undefined} */
let smokeScripts;

/** @param {Write} [write] */
async function packOnce(write) {
  if (!isBuilt) await build(write);
  return pack(temporary);
}

async function bench() {
  if (!isBuilt) await build();
  const clients = ['multidb-6', 'multidb-ioredis-6', 'ioredis-6-auto'].join(',');
  const script = ['bench/throughput.mjs', '--quick', '--clients', clients, '--floor', '0.6'];
  await run(process.execPath, script, { env: { TMPDIR: temporary }, timeoutMs: 120_000 });
}

/** @param {Write} [write] */
async function checkPackage(write) {
  tarball ??= packOnce(write);
  await lintPackage(await tarball, write);
}

/**
 * @param {string} node path of the binary
 * @param {Write} [write]
 */
async function smoke(node, write) {
  tarball ??= packOnce(write);
  smokeScripts ??= tarball.then((file) => installPacked(file, temporary));
  for (const script of await smokeScripts) {
    await run(node, [script], { env: { TMPDIR: temporary }, timeoutMs: 120_000, write });
  }
}

/** A part of `npm run test:consumers`. */
async function consumers() {
  tarball ??= packOnce();
  smokeScripts ??= tarball.then((file) => installPacked(file, temporary));
  const [script = ''] = await smokeScripts;
  // Needs installed dependencies.
  const { performQuickly } = await import('./consumers/rows.mjs');
  await performQuickly(path.dirname(script));
}

async function findLeaks() {
  const leftovers = await killLeftovers(temporary);
  if (leftovers.length > 0) throw new Error(`Left behind, killed:\n${leftovers.join('\n')}`);
}

/**
 * @param {Step} step
 * @param {Write} [write]
 */
async function perform({ title, action }, write) {
  const say = write ?? ((/** @type {string} */ text) => process.stdout.write(text));
  say(`\n=== ${title}\n`);
  const start = performance.now();
  let isPassed = true;
  try {
    isPassed = (await action(write)) !== false;
    total.passed++;
  } catch (error) {
    isPassed = false;
    total.failed++;
    failures.push(title);
    say(`${error instanceof Error ? error.message : error}\n`);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`--- ${isPassed ? 'passed' : 'FAILED'} in ${seconds} s\n`);
}

/**
 * Performs the steps of one stage beside each other; each one's output comes at its end, except that of
 * Vitest, which takes minutes.
 * @param {Step[]} steps
 * @param {number} atATime
 */
async function performBeside(steps, atATime) {
  const waiting = [...steps];
  const worker = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      let output = '';
      const write = (/** @type {string} */ text) => {
        output += text;
      };
      await perform(step, step.name === 'vitest' ? undefined : write);
      process.stdout.write(output);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

async function main() {
  const unknown = values.only.filter((name) => !steps.some((step) => step.name === name));
  if (values.help || unknown.length > 0) {
    if (unknown.length > 0) console.log(`Unknown step: ${unknown.join(', ')}\n`);
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const always = ['deps', 'redis', 'chromium', 'leaks'];
  const chosen = steps.filter(
    ({ name }) => values.only.length === 0 || values.only.includes(name) || always.includes(name),
  );
  while (chosen.length > 0) {
    const { beside } = /** @type {Step} */ (chosen[0]);
    const end = chosen.findIndex((step) => step.beside !== beside);
    const stage = chosen.splice(0, beside === undefined ? 1 : end < 0 ? chosen.length : end);
    if (beside === undefined) await perform(/** @type {Step} */ (stage[0]));
    else await performBeside(stage, AT_A_TIME[beside]);
  }

  console.log('');
  if (failures.length > 0) console.log(`Failed: ${failures.join('; ')}`);
  if (total.skipped > 0) console.log(`Skipped tests: ${total.skipped}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

process.chdir(root);
try {
  await main();
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
