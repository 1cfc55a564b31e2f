// What importing the package costs: `npm run bench:import`, which builds dist/ first.
// Time to load beyond that of @redis/client alone, size of the packed package, and what a bundler
// keeps of it. Every measurement is a process of its own, and the rounds are interleaved: a change of
// the machine's speed meets all of them. The exit code is 1 when the main entry takes longer than
// its budget. The first argument is the number of rounds.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ENTRY_POINTS } from '../scripts/entry-points.mjs';
import { median } from './statistics.mjs';

const root = path.resolve(import.meta.dirname, '..');
const ROUNDS = Number(process.argv[2] ?? 21);
/** Of the main entry point, beyond @redis/client, in milliseconds. */
const BUDGET_MS = 25;
const CLIENT = '@redis/client';

/**
 * Milliseconds and processor milliseconds to load `file` when @redis/client is loaded already.
 * @param {string} file
 */
function load(file) {
  const isModule = file.endsWith('.js');
  const script = isModule
    ? `await import('${CLIENT}'); begin(); await import(${JSON.stringify(pathToFileURL(file).href)}); end();`
    : `require('${CLIENT}'); begin(); require(${JSON.stringify(file)}); end();`;
  const clock = `
    let at, used;
    const begin = () => { used = process.cpuUsage(); at = performance.now(); };
    const end = () => {
      const ms = performance.now() - at;
      const { user, system } = process.cpuUsage(used);
      console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));
    };`;
  const args = [...(isModule ? ['--input-type=module'] : []), '-e', clock + script];
  /** @type {{ ms: number, cpuMs: number }} */
  const measured = JSON.parse(
    execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }),
  );
  return measured;
}

const entries = ENTRY_POINTS.map(({ entry }) => entry);
const files = entries.flatMap((entry) =>
  ['js', 'cjs'].map((ending) => path.join(root, 'dist', `${entry}.${ending}`)),
);
/** @type {Map<string, { ms: number, cpuMs: number }[]>} */
const measured = new Map(files.map((file) => [file, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const file of files) measured.get(file)?.push(load(file));
}
console.log(`beyond ${CLIENT}, median of ${ROUNDS}:`);
for (const [file, times] of measured) {
  const ms = median(times.map((each) => each.ms));
  const cpuMs = median(times.map((each) => each.cpuMs));
  const name = path.relative(path.join(root, 'dist'), file);
  console.log(`  ${name.padEnd(22)} ${ms.toFixed(1)} ms (processor: ${cpuMs.toFixed(1)} ms)`);
  if (/^index\./.test(name) && ms > BUDGET_MS) {
    console.error(`  ${name} takes longer than ${BUDGET_MS} ms`);
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
