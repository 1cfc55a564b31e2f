/**
 * Twenty seeds of random faults under traffic, judged by a checker that does not trust the client
 * (test/chaos). More, and longer ones: `npm run chaos -- --seed 1 --count 200 --minutes 1`.
 */
import { expect, it } from 'vitest';
import { verdict } from './report.js';
import { chaos } from './run.js';

const DURATION_MS = 2400;

const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

it.each([301, 302])('the API of ioredis, seed %i', async (seed) => {
  const report = await chaos({ seed, durationMs: DURATION_MS, api: 'ioredis' });
  const minutes = DURATION_MS / 60_000;
  const repeatWith = `npm run chaos -- --seed ${seed} --minutes ${minutes} --short --api ioredis`;
  if (report.violations.length > 0) expect.fail(verdict(report, repeatWith));
  expect(report.outcomes.acknowledged).toBeGreaterThan(0);
});

it.each(seeds)('seed %i', async (seed) => {
  const report = await chaos({ seed, durationMs: DURATION_MS });
  const repeatWith = `npm run chaos -- --seed ${seed} --minutes ${DURATION_MS / 60_000} --short`;
  if (report.violations.length > 0) expect.fail(verdict(report, repeatWith));
  expect(report.outcomes.acknowledged).toBeGreaterThan(0);
});
