import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type GraceRecord, nextGrace } from './grace-period.js';

const POLICY = { baseMs: 1000, maxMs: 6000 };

/** The durations of grace periods, each begun `quietMs` after the end of the one before. */
function durations(quietTimes: readonly number[], policy = POLICY): number[] {
  let previous: GraceRecord | undefined;
  let now = 0;
  return quietTimes.map((quietMs) => {
    now = (previous?.endsAt ?? 0) + quietMs;
    const next = nextGrace(policy, previous, now);
    previous = next;
    return next.durationMs;
  });
}

it('doubles for a database that fails again soon, up to the maximum', () => {
  expect(durations([0, 100, 100, 100, 100])).toEqual([1000, 2000, 4000, 6000, 6000]);
});

it('takes back one doubling for each quiet time of the maximum', () => {
  // Without a doubling of its own after one quiet time, one less after two.
  expect(durations([0, 0, 0, 6000, 12_000, 0])).toEqual([1000, 2000, 4000, 4000, 2000, 4000]);
  expect(durations([0, 0, 0, 0, 0, 60_000])).toEqual([1000, 2000, 4000, 6000, 6000, 1000]);
});

it('counts a failure during the grace period, as the last resort, as soon', () => {
  const first = nextGrace(POLICY, undefined, 0);
  expect(nextGrace(POLICY, first, 500)).toMatchObject({ durationMs: 2000, endsAt: 2500 });
});

it('is always the base without a longer maximum', () => {
  expect(durations([0, 0, 0], { baseMs: 1000, maxMs: 1000 })).toEqual([1000, 1000, 1000]);
  expect(durations([0, 0], { baseMs: 0, maxMs: 0 })).toEqual([0, 0]);
});

it('stays between base and maximum, and forgets any past after a long quiet time', () => {
  const policies = fc
    .tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
    .map(([a, b]) => ({ baseMs: Math.min(a, b), maxMs: Math.max(a, b) }));
  fc.assert(
    fc.property(
      policies,
      fc.array(fc.nat({ max: 2 ** 31 }), { maxLength: 60 }),
      (policy, quiet) => {
        const seen = durations(quiet, policy);
        for (const ms of seen) {
          expect(ms).toBeGreaterThanOrEqual(policy.baseMs);
          expect(ms).toBeLessThanOrEqual(policy.maxMs);
        }
        const forgotten = durations([...quiet, 40 * policy.maxMs], policy);
        expect(forgotten.at(-1)).toBe(policy.baseMs);
      },
    ),
  );
});
