import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const linter = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'redis-multidb-layers-'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** The rules that a tree of these files breaks. */
function broken(files: Readonly<Record<string, string>>): string[] {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  const config = path.join(root, '.dependency-cruiser.mjs');
  const args = [linter, '--config', config, '--output-type', 'err', 'src'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  return [...stdout.matchAll(/^ {2}error ([\w-]+):/gm)].map(([, rule]) => rule as string).sort();
}

it('finds imports that point upward, cycles of types and packages where there must be none', () => {
  expect(
    broken({
      'src/errors.ts': 'export class E extends Error {}',
      'src/core/a.ts': "import type { B } from './b.js';\nexport type A = B | 1;",
      'src/core/b.ts': "import type { A } from './a.js';\nexport type B = A | 2;",
      'src/core/path.ts': "export { join } from 'node:path';",
      'src/runtime/engine.ts': "import { serve } from '../http/serve.js';\nexport const e = serve;",
      'src/http/serve.ts': "import { E } from '../errors.js';\nexport const serve = E;",
      'src/other/place.ts': "export { E } from '../errors.js';",
      'src/runtime/route.ts': "export type { L } from './transaction/lease.js';",
      'src/runtime/transaction/lease.ts': 'export type L = 1;',
      'src/runtime/command/send.ts': "export type { L } from '../transaction/lease.js';",
      'src/runtime/other/place.ts': "export type { L } from '../transaction/lease.js';",
    }),
  ).toEqual([
    'no-cycle',
    'no-import-upward-from-runtime',
    'no-import-upward-from-runtime-command',
    'no-import-upward-from-shared-files',
    'no-package-in-core',
    'no-unknown-folder',
    'no-unknown-folder-in-runtime',
  ]);
});

it('accepts imports that point downward', () => {
  expect(
    broken({
      'src/core/a.ts': 'export const a = 1;',
      'src/core/b.ts': "export { a } from './a.js';",
      'src/runtime/engine.ts': "import { a } from '../core/b.js';\nexport const e = a;",
      'src/runtime/group/group.ts': "import { e } from '../engine.js';\nexport const g = e;",
      'src/index.ts': "export { g } from './runtime/group/group.js';",
    }),
  ).toEqual([]);
});
