/** Samples that read a token from the environment refuse every request when the variable is not set. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findBlocks, root, withoutTypes } from './blocks.js';

/** Modules of Nest need a compiler that emits the types of their decorators. */
const isOfNest = (code: string) => /from '@nestjs\//.test(code);

const samples = findBlocks().filter(
  ({ language, code }) =>
    ['ts', 'js'].includes(language) &&
    /authorize/.test(code) &&
    /process\.env/.test(code) &&
    !isOfNest(code),
);

const CLIENT = `
import { createMultiDbClient } from 'redis-multidb';
const client = createMultiDbClient({
  databases: [{ id: 'east', client: { url: 'redis://127.0.0.1:1' } }],
});
`;
const ASK = `
for (const authorization of ['Bearer undefined', 'Bearer ', 'Basic dW5kZWZpbmVkOnVuZGVmaW5lZA==', '']) {
  for (const base of ['', '/redis']) {
    const request = new Request(\`http://127.0.0.1\${base}/databases/east/drain\`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    });
    console.log((await handler.fetch(request)).status);
  }
}
`;

let directory: string;

beforeAll(() => {
  // Inside the project, so that `redis-multidb` is what is built.
  directory = mkdtempSync(path.join(import.meta.dirname, '.run-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

it('finds the samples', () => {
  expect(samples.length).toBeGreaterThanOrEqual(2);
});

it.each(samples)('$name', async ({ code, line }) => {
  const script = path.join(directory, `${line}.mjs`);
  writeFileSync(script, withoutTypes(`${CLIENT}${code}${ASK}`));
  const { OPS_TOKEN: _, ...env } = process.env;
  const ran = promisify(execFile)(process.execPath, [script], {
    cwd: root,
    env,
    timeout: 30_000,
  });
  const outcome = await ran.then(
    ({ stdout }) => new Set(stdout.trim().split('\n')),
    ({ stderr }: { stderr: string }) => stderr,
  );
  if (typeof outcome === 'string') expect(outcome).toContain('INVALID_OPTION');
  else expect(outcome.has('200')).toBe(false);
});
