import { afterAll, beforeAll, expect, it } from 'vitest';
import { simulate } from './simulate.js';
import type { SimulationResult } from './simulation-result.js';

const SEEDS = 100;
/** Seeds in a row, between which the real event loop turns, so that it sees unhandled rejections. */
const CHUNK = 30;

const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

it(`keeps its promises in ${SEEDS} random schedules`, async () => {
  const startedAt = performance.now();
  const results: SimulationResult[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const result = await simulate({ seed });
    const { promise, text } = result.violations[0] ?? {};
    const repeat = `repeat with: npm run simulate -- --seed ${seed} --count 1`;
    expect(result.violations, `${promise}: ${text}\n${repeat}`).toEqual([]);
    // A schedule in which nothing happens proves nothing.
    expect(result.simulatedMs, repeat).toBeGreaterThanOrEqual(600_000);
    expect(result.faults, repeat).toBeGreaterThanOrEqual(5);
    expect(result.switches, repeat).toBeGreaterThanOrEqual(2);
    results.push(result);
    if (seed % CHUNK === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const perMinute = (SEEDS / (performance.now() - startedAt)) * 60_000;
  console.log(`${Math.round(perMinute)} schedules a minute`);
  const sum = (of: (result: SimulationResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  expect(sum((result) => result.commands)).toBeGreaterThan(SEEDS * 100);
  expect(sum((result) => result.steered)).toBeGreaterThan(SEEDS);
});

it('repeats a seed exactly', async () => {
  const [first, second] = [
    await simulate({ seed: 42, trace: true }),
    await simulate({ seed: 42, trace: true }),
  ];
  expect(first.trace.length).toBeGreaterThan(100);
  expect(second).toEqual(first);
});
