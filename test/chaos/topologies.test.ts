/**
 * Seeds of random faults under traffic, judged by a checker that does not trust the client: databases that
 * are reached in other ways than by one connection. The others: `chaos.test.ts`.
 */
import { expect, it } from 'vitest';
import { verdict } from './report.js';
import { chaos } from './run.js';

const DURATION_MS = 2400;

it.each(
  (['pool', 'sentinel', 'mixed'] as const).flatMap((topology) =>
    [101, 102, 103].map((seed) => ({ topology, seed })),
  ),
)('$topology, seed $seed', async ({ topology, seed }) => {
  const report = await chaos({ seed, durationMs: DURATION_MS, settings: { topology } });
  const minutes = DURATION_MS / 60_000;
  const repeatWith = `npm run chaos -- --seed ${seed} --minutes ${minutes} --short --topology ${topology}`;
  if (report.violations.length > 0) expect.fail(verdict(report, repeatWith));
  expect(report.outcomes.acknowledged).toBeGreaterThan(0);
});
