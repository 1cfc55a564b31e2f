// Compiles src/ into an empty dist/.

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const tsc = path.join(root, 'node_modules/typescript/bin/tsc');

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
if (status === 0) await writePageScript();

/** Puts the script of the status page into the place of the module that bundles it. */
async function writePageScript() {
  const file = path.join(root, 'dist/http/page/script.js');
  const { SCRIPT } = await import(pathToFileURL(file).href);
  writeFileSync(file, `export const SCRIPT = ${JSON.stringify(SCRIPT)};\n`);
  rmSync(`${file}.map`, { force: true });
}
