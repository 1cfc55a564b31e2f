/** What the fuzz tests share: runs by seed within a budget of time, a secret, a search for it. */
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';
import { Fuzz } from './random.js';

/** Each part ends after so long, wherever it is. */
export const BUDGET_MS = 3500;
/** What is under way with one seed for longer hangs. */
const HANGS_AFTER_MS = 20_000;
const MOST_HEAP_BYTES = 600e6;

/** `FUZZ_SEED=1` begins with that seed. */
export const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Every secret of the tests contains it, and nothing else does. */
export const MARK = 'pLanTed';
export const SECRET = `${MARK}-secret/"of: this`;

/** Wherever three bytes of it begin in base64. */
const FORMS = [
  MARK,
  ...[0, 1, 2].map((shift) => {
    const encoded = Buffer.from(`${'x'.repeat(shift)}${MARK}`).toString('base64');
    return encoded.slice(shift === 0 ? 0 : shift + 1, 9);
  }),
];

export function showsSecret(...outputs: readonly unknown[]): boolean {
  return outputs.some((output) => {
    const text =
      typeof output === 'string'
        ? output
        : inspect(output, { showHidden: true, depth: 12, maxStringLength: null }) +
          JSON.stringify(output);
    return FORMS.some((form) => text.includes(form));
  });
}

export const isActing = (text: string) => /[\p{Cc}\u2028-\u202e]/u.test(text);

/**
 * Calls `test` with one seed after another until the budget is used up. A failure names its seed,
 * and so does a test that never ends.
 */
export async function fuzz(
  what: string,
  test: (fuzz: Fuzz) => unknown,
  { budgetMs = BUDGET_MS, seed: first = SEED } = {},
): Promise<number> {
  const end = performance.now() + budgetMs;
  const watchdog = watch(what);
  let seed = first;
  try {
    for (; seed === first || performance.now() < end; seed++) {
      watchdog.begins(seed);
      try {
        await test(new Fuzz(seed));
        expect(process.memoryUsage().heapUsed).toBeLessThan(MOST_HEAP_BYTES);
      } catch (cause) {
        throw new Error(`${what}: repeat with FUZZ_SEED=${seed}`, { cause });
      }
    }
  } finally {
    watchdog.end();
  }
  process.stdout.write(`fuzz, ${what}: seeds ${first} to ${seed - 1}\n`);
  return seed - first;
}

/** A loop without end blocks this thread: another one tells the seed, and ends the process. */
function watch(what: string) {
  const seeds = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(
    `const { workerData: { seeds, what, ms } } = require('node:worker_threads');
    let last = -1;
    setInterval(() => {
      if (seeds[0] !== last) { last = seeds[0]; return; }
      require('node:fs').writeSync(2, what + ' hangs: repeat with FUZZ_SEED=' + last + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }, ms);`,
    { eval: true, workerData: { seeds, what, ms: HANGS_AFTER_MS } },
  );
  worker.unref();
  return {
    begins: (seed: number) => {
      seeds[0] = seed;
    },
    end: () => void worker.terminate(),
  };
}
