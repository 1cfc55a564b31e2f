import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CountWindow, TimeWindow } from '../../src/core/sliding-window.js';

const BUCKETS = 10;

interface Outcome {
  readonly at: number;
  readonly failed: boolean;
}

/** Mostly small steps, now and then an idle time of many windows. */
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 3, arbitrary: fc.nat(2000) },
  { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 100_000_000 }) },
);

const step = fc.record({
  gap,
  action: fc.constantFrom('success', 'failure', 'failure', 'ask', 'reset'),
});

it('TimeWindow agrees with a list of all outcomes', () => {
  const bucket = fc.integer({ min: 1, max: 200 });
  const origin = fc.integer({ min: -1000, max: 1_000_000_000 });
  fc.assert(
    fc.property(bucket, origin, fc.array(step, { maxLength: 200 }), (bucketMs, origin, steps) => {
      const window = new TimeWindow(bucketMs * BUCKETS);
      let outcomes: Outcome[] = [];
      let now = origin;
      const bucketOf = (at: number) => Math.floor((at - (outcomes[0]?.at ?? at)) / bucketMs);
      for (const { gap, action } of steps) {
        now += gap;
        if (action === 'reset') {
          window.reset(now);
          outcomes = [];
        } else if (action !== 'ask') {
          outcomes.push({ at: now, failed: action === 'failure' });
          window.record(action === 'failure', now);
        }
        const present = bucketOf(now);
        const inside = outcomes.filter(({ at }) => present - bucketOf(at) < BUCKETS);
        const failures = inside.filter(({ failed }) => failed).length;
        expect([window.failures(now), window.total(now)]).toEqual([failures, inside.length]);
      }
    }),
    { numRuns: 500 },
  );
});

it('TimeWindow counts all that is younger than nine tenths of it and nothing of its age', () => {
  const size = fc.double({ min: 1, max: 10_000, noNaN: true });
  fc.assert(
    fc.property(size, fc.array(step, { maxLength: 100 }), (sizeMs, steps) => {
      const window = new TimeWindow(sizeMs);
      const times: number[] = [];
      let now = 0.125;
      // The bounds of buckets are rounded, by microseconds after months of idle time.
      const epsilon = 1e-3;
      for (const { gap } of steps) {
        now += gap;
        const age = (at: number) => now - at;
        const young = times.filter((at) => age(at) < sizeMs * 0.9 - epsilon).length;
        const notOld = times.filter((at) => age(at) < sizeMs + epsilon).length;
        const total = window.total(now);
        expect(total).toBeGreaterThanOrEqual(young);
        expect(total).toBeLessThanOrEqual(notOld);
        window.record(false, now);
        times.push(now);
      }
    }),
  );
});

it('CountWindow agrees with the tail of a list of all outcomes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step), (size, steps) => {
      const window = new CountWindow(size);
      let outcomes: boolean[] = [];
      let now = 0;
      for (const { gap, action } of steps) {
        now += gap;
        if (action === 'reset') {
          window.reset(now);
          outcomes = [];
        } else if (action !== 'ask') {
          window.record(action === 'failure', now);
          outcomes.push(action === 'failure');
        }
        const tail = outcomes.slice(-size);
        const failures = tail.filter((failed) => failed).length;
        expect([window.failures(now), window.total(now)]).toEqual([failures, tail.length]);
      }
    }),
  );
});
