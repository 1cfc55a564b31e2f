// What importing the package costs: `npm run bench:import`, which builds dist/ first.
// Time to load beyond that of @redis/client, size of the packed package, and what a bundler keeps of
// it. Every measurement is a process of its own, and the rounds are interleaved: a change of the
// machine's speed meets all of them. The exit code is 1 when the main entry takes more than its share
// of the time that @redis/client takes. `--rounds N` sets the number of rounds, and `--against REV`
// measures the main entry of another revision as well.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ENTRY_POINTS } from '../scripts/entry-points.mjs';
import { buildRevision } from './base-revision.mjs';
import { median } from './statistics.mjs';

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '21' }, against: { type: 'string' } },
});
const ROUNDS = Number(values.rounds);
/**
 * Of the main entry point, as a share of the time that @redis/client itself takes to load: a number of
 * milliseconds would be a statement about the machine.
 */
const BUDGET = 0.25;
const CLIENT = '@redis/client';

/** What is measured: a name, the code that goes before, and the code whose time is taken. */
class Row {
  /** @type {{ ms: number, cpuMs: number }[]} */
  #times = [];

  /**
   * @param {string} name
   * @param {{ isModule: boolean, before: string, measured: string }} code
   */
  constructor(name, code) {
    this.name = name;
    this.code = code;
  }

  /** Milliseconds and processor milliseconds. */
  get median() {
    return {
      ms: median(this.#times.map(({ ms }) => ms)),
      cpuMs: median(this.#times.map(({ cpuMs }) => cpuMs)),
    };
  }

  measure() {
    const { isModule, before, measured } = this.code;
    const script = `
      let at, used;
      const begin = () => { used = process.cpuUsage(); at = performance.now(); };
      const end = () => {
        const ms = performance.now() - at;
        const { user, system } = process.cpuUsage(used);
        console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));
      };
      ${before}; begin(); ${measured}; end();`;
    const args = [...(isModule ? ['--input-type=module'] : []), '-e', script];
    this.#times.push(
      JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })),
    );
  }
}

/** @param {boolean} isModule */
function loading(isModule, /** @type {string} */ file) {
  const specifier = JSON.stringify(isModule && file !== CLIENT ? pathToFileURL(file).href : file);
  return isModule ? `await import(${specifier})` : `require(${specifier})`;
}

/**
 * @param {string} name
 * @param {string} file
 */
function row(name, file) {
  const isModule = file.endsWith('.js');
  const code = { isModule, before: loading(isModule, CLIENT), measured: loading(isModule, file) };
  return new Row(name, code);
}

const entries = ENTRY_POINTS.map(({ entry }) => entry);
const client = {
  js: new Row('import', { isModule: true, before: '', measured: loading(true, CLIENT) }),
  cjs: new Row('require()', { isModule: false, before: '', measured: loading(false, CLIENT) }),
};
const rows = entries.flatMap((entry) =>
  ['js', 'cjs'].map((ending) =>
    row(`${entry}.${ending}`, path.join(root, 'dist', `${entry}.${ending}`)),
  ),
);
if (values.against !== undefined) {
  rows.push(
    row(`index.js of ${values.against}`, path.join(buildRevision(values.against), 'index.js')),
  );
}
for (let round = 0; round < ROUNDS; round += 1) {
  for (const each of [client.js, client.cjs, ...rows]) each.measure();
}
const text = (/** @type {Row} */ { name, median: { ms, cpuMs } }) =>
  `  ${name.padEnd(24)} ${ms.toFixed(1)} ms (processor: ${cpuMs.toFixed(1)} ms)`;
console.log(`${CLIENT} itself, median of ${ROUNDS}:\n${text(client.js)}\n${text(client.cjs)}`);
console.log('beyond it:');
for (const each of rows) {
  const { ms } = each.median;
  const share = ms / (each.code.isModule ? client.js : client.cjs).median.ms;
  console.log(`${text(each)}, ${Math.round(share * 100)} %`);
  if (/^index\.c?js$/.test(each.name) && share > BUDGET) {
    console.error(`  ${each.name} takes more than ${BUDGET * 100} % of the time of ${CLIENT}`);
    process.exitCode = 1;
  }
}
for (const entry of entries) {
  const bundled = await build({
    entryPoints: [path.join(root, 'dist', `${entry}.js`)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
  const { contents } = /** @type {import('esbuild').OutputFile} */ (bundled.outputFiles[0]);
  const kb = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KB`;
  console.log(
    `${entry.padEnd(18)} bundled ${kb(contents.length)}, ${kb(gzipSync(contents).length)} compressed, without the peer`,
  );
}
const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
);
console.log(
  `packed ${(packed.size / 1024).toFixed(0)} KB, ${(packed.unpackedSize / 1024).toFixed(0)} KB in ${packed.entryCount} files`,
);
