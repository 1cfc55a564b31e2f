// What importing the package costs: `npm run bench:import`, which builds dist/ first.
// Time to import beside that of @redis/client alone, size of the packed package, and what a bundler
// keeps of it.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { median } from './statistics.mjs';

const root = path.resolve(import.meta.dirname, '..');
const entries = ['index', 'http/index', 'prometheus/index', 'otel/index', 'config/index'];
const urlOf = (/** @type {string} */ entry) =>
  pathToFileURL(path.join(root, 'dist', `${entry}.js`)).href;

/** Milliseconds, median of 15 processes. @param {string} specifier */
function importMs(specifier) {
  const script = `const t = performance.now(); await import(${JSON.stringify(specifier)}); console.log(performance.now() - t)`;
  const run = () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root }));
  return median(Array.from({ length: 15 }, run));
}

console.log(`import @redis/client          ${importMs('@redis/client').toFixed(0)} ms`);
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
    `import ${entry.padEnd(22)} ${importMs(urlOf(entry)).toFixed(0)} ms (its peer included); ` +
      `bundled ${kb(contents.length)}, ${kb(gzipSync(contents).length)} compressed, without the peer`,
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
