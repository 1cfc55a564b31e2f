import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';
import { type Build, buildAltered } from './altered.js';
import { PLANTED_BUGS } from './planted-bugs.js';

const MAX_SEEDS = 250;

interface Run {
  readonly code: number;
  readonly output: string;
}

/** In a process of its own, so that a planted bug can't harm this one. */
function run({ cli }: Build, count: number, firstSeed = 1): Promise<Run> {
  return new Promise((resolve) => {
    const args = [cli, '--seed', String(firstSeed), '--count', String(count)];
    const child = execFile(process.execPath, args, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? 1, output: stdout + stderr });
    });
  });
}

it('finds nothing in the engine as it is', async () => {
  const build = await buildAltered([]);
  try {
    const { code, output } = await run(build, 10);
    expect(code, output).toBe(0);
  } finally {
    build.remove();
  }
});

it('knows at least fifteen planted bugs', () => {
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(15);
});

it.concurrent.each(PLANTED_BUGS)('notices that $name', async ({ edit, firstSeed }) => {
  const build = await buildAltered([edit]);
  try {
    const { code, output } = await run(build, MAX_SEEDS, firstSeed);
    expect(code, output).toBe(1);
    // By a promise that does not hold, not by a crash.
    expect(output).toMatch(/^seed \d+: P\d+ /m);
  } finally {
    build.remove();
  }
});

it('refuses to plant where there is no file, no place, or more than one', async () => {
  const edit = { file: 'clock.ts', find: 'no such text', replace: '' };
  await expect(buildAltered([edit])).rejects.toThrow('0 places instead of one');
  await expect(buildAltered([{ ...edit, file: 'clocks.ts' }])).rejects.toThrow(
    'no file src/clocks.ts',
  );
  await expect(buildAltered([{ ...edit, find: 'export' }])).rejects.toThrow(
    /\d+ places instead of one/,
  );
  const unused = { file: 'cli/main.ts', find: '#!/usr/bin/env node', replace: '' };
  await expect(buildAltered([unused])).rejects.toThrow('does not use src/cli/main.ts');
});
