/**
 * The code blocks of README.md and docs/ are tested by what follows their opening fence:
 *
 *   ```ts           a complete module; type-checked against the sources in strict mode
 *   ```ts fragment  the same, with `client` (what createMultiDbClient returns) declared
 *   ```ts run       a complete module; type-checked, and executed against two real servers in place
 *                   of redis://redis-east.example.com:14000 and redis://redis-west.example.com:14000.
 *                   It must exit by itself with code 0 within 20 s, so it closes its client.
 *   ```js           as ts; `js run` and `js fragment` as well
 *   ```js failover  a complete module that never ends; type-checked, and executed against two real
 *                   servers in place of redis://127.0.0.1:7001 and redis://127.0.0.1:7002. The
 *                   first one is killed and started again; the program must print "failover east ->
 *                   west: ..." and then "failback west -> east: ...".
 *   ```sh           shell; must parse, and an `npm run` must name a script that exists
 *
 * `import` and top-level `await` work in all of ts and js. There is no way to leave such a block
 * untested. Other languages (json, text, diff ...) are not looked at; a block with none, with another
 * name for one of these (typescript, bash ...) or with an unknown word behind it is an error.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis, waitFor } from '../kit/index.js';
import { type Block, findBlocks, root, withoutTypes } from './blocks.js';
import { typeCheck } from './type-check.js';

const EAST = 'redis://redis-east.example.com:14000';
const WEST = 'redis://redis-west.example.com:14000';
const RUN_TIMEOUT_MS = 20_000;

const MODES: Record<string, string[]> = {
  ts: ['', 'fragment', 'run'],
  js: ['', 'fragment', 'run', 'failover'],
  sh: [''],
};
const WRONG_NAMES = ['', 'typescript', 'javascript', 'mjs', 'cjs', 'bash', 'shell', 'console'];

const LOCAL_EAST = 'redis://127.0.0.1:7001';
const LOCAL_WEST = 'redis://127.0.0.1:7002';

const blocks = findBlocks();
const programs = blocks.filter(({ language }) => language === 'ts' || language === 'js');
const runnable = programs.filter(({ mode }) => mode === 'run');
const failovers = programs.filter(({ mode }) => mode === 'failover');
const shell = blocks.filter(({ language }) => language === 'sh');

it('marks every code block in a way that is known', () => {
  const unknown = blocks.filter(
    ({ language, mode }) =>
      WRONG_NAMES.includes(language) || MODES[language]?.includes(mode) === false,
  );
  expect(unknown.map(({ name, language, mode }) => `${name}: "${language} ${mode}"`)).toEqual([]);
});

describe.runIf(programs.length > 0)('type-checks', () => {
  let errors: Map<Block, string[]>;

  beforeAll(() => {
    errors = typeCheck(programs);
  }, 300_000);

  it.each(programs)('$name', (block) => {
    expect(errors.get(block) ?? []).toEqual([]);
  });
});

describe.runIf(runnable.length > 0)('runs', () => {
  // Inside the project, so that `redis-multidb` is what is built.
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(path.join(import.meta.dirname, '.run-'));
  });

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(runnable)('$name', async (block) => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    try {
      const script = path.join(directory, `${block.line}.mjs`);
      const code = block.code.replaceAll(EAST, east.url).replaceAll(WEST, west.url);
      writeFileSync(script, withoutTypes(code));
      await promisify(execFile)(process.execPath, [script], {
        cwd: root,
        timeout: RUN_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      });
    } finally {
      await Promise.all([east.stop(), west.stop()]);
    }
  });
});

describe.runIf(failovers.length > 0)('fails over and back', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(path.join(import.meta.dirname, '.failover-'));
  });

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(failovers)('$name', async (block) => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    const script = path.join(directory, `${block.line}.mjs`);
    writeFileSync(
      script,
      block.code.replaceAll(LOCAL_EAST, east.url).replaceAll(LOCAL_WEST, west.url),
    );
    const program = spawn(process.execPath, [script], { cwd: root });
    let output = '';
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    const printed = (pattern: RegExp, timeoutMs: number) =>
      waitFor(() => pattern.test(output), { what: `${pattern} in: ${output}`, timeoutMs });
    try {
      await printed(/^east \d+$/m, RUN_TIMEOUT_MS);
      await east.kill();
      await printed(/^failover east -> west: [\s\S]*^west \d+$/m, RUN_TIMEOUT_MS);
      await east.restart();
      await printed(/^failback west -> east: [\s\S]*^east \d+$/m, RUN_TIMEOUT_MS);
    } finally {
      program.kill('SIGKILL');
      await Promise.all([east.stop(), west.stop()]);
    }
  });
});

describe.runIf(shell.length > 0)('is valid shell', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

  it.each(shell)('$name', ({ code }) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const called = [...code.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1]);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(called));
  });
});
