import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TrafficBudget } from './traffic-budget.js';

/** Repeats that are granted out of `asked` at once. */
function granted(
  budget: TrafficBudget,
  now: number,
  firstAttempts: number,
  asked = 10_000,
): number {
  let count = 0;
  for (let each = 0; each < asked; each += 1) if (budget.take(now, firstAttempts)) count += 1;
  return count;
}

it('grants a share of the traffic, and the minimum beside it', () => {
  expect(granted(new TrafficBudget({ share: 0.2, minPerSecond: 0 }, 0), 5, 1000)).toBe(200);
  expect(granted(new TrafficBudget({ share: 0, minPerSecond: 3 }, 0), 5, 1000)).toBe(30);
  expect(granted(new TrafficBudget({ share: 0.2, minPerSecond: 3 }, 0), 5, 1000)).toBe(230);
});

it('refuses everything with a share and a minimum of 0', () => {
  expect(granted(new TrafficBudget({ share: 0, minPerSecond: 0 }, 0), 5, 1000)).toBe(0);
});

it('forgets traffic and repeats after ten seconds', () => {
  const budget = new TrafficBudget({ share: 0.1, minPerSecond: 0 }, 0);
  expect(granted(budget, 0, 1000)).toBe(100);
  expect(granted(budget, 9999, 1000)).toBe(0);
  expect(granted(budget, 10_000, 1000)).toBe(0);
  // 500 commands since then, in the current window.
  expect(granted(budget, 10_500, 1500)).toBe(50);
});

it('counts of a long time without repeats only the last ten seconds', () => {
  const budget = new TrafficBudget({ share: 0.1, minPerSecond: 0 }, 0);
  expect(granted(budget, 0, 0)).toBe(0);
  // 1000 a second for 100 seconds: the window holds between nine and ten seconds of it.
  const count = granted(budget, 100_500, 100_500);
  expect(count).toBeGreaterThanOrEqual(900);
  expect(count).toBeLessThanOrEqual(1000);
});

it('counts nothing of a long time before the first call but the last ten seconds', () => {
  const budget = new TrafficBudget({ share: 0.1, minPerSecond: 0 }, 500);
  const count = granted(budget, 100_500, 100_000);
  expect(count).toBeGreaterThanOrEqual(900);
  expect(count).toBeLessThanOrEqual(1000);
});

it('counts what is noted for the time of the note', () => {
  const budget = new TrafficBudget({ share: 1, minPerSecond: 0 }, 0);
  budget.note(500, 10);
  budget.note(100_000, 11);
  expect(granted(budget, 100_000, 11)).toBe(1);
  budget.note(109_000, 15);
  expect(granted(budget, 109_000, 15)).toBe(4);
});

it('never grants more than share and minimum in any ten seconds', () => {
  const step = fc.record({
    elapsedMs: fc.nat({ max: 4000 }),
    sent: fc.nat({ max: 200 }),
    asked: fc.nat({ max: 100 }),
  });
  const options = fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    minPerSecond: fc.nat({ max: 5 }),
  });
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 80 }), ({ share, minPerSecond }, steps) => {
      const budget = new TrafficBudget({ share, minPerSecond }, 0);
      const seen: { at: number; sent: number; repeats: number }[] = [];
      let now = 0;
      let total = 0;
      for (const { elapsedMs, sent, asked } of steps) {
        now += elapsedMs;
        total += sent;
        seen.push({ at: now, sent, repeats: granted(budget, now, total, asked) });
      }
      // Whatever the window, repeats are bounded by the traffic of the whole run and its length.
      const repeats = seen.reduce((sum, each) => sum + each.repeats, 0);
      const windows = Math.floor(now / 10_000) + 2;
      expect(repeats).toBeLessThanOrEqual(share * total + windows * minPerSecond * 10 + 1e-6);
    }),
  );
});

it('covers a longer window, and a share of one call', () => {
  const budget = new TrafficBudget({ share: 0.1, minPerSecond: 0 }, 0, 60);
  expect(granted(budget, 0, 1000)).toBe(100);
  expect(granted(budget, 50_000, 1000)).toBe(0);
  let more = 0;
  while (budget.take(50_000, 1000, 0.15)) more += 1;
  expect(more).toBe(50);
  expect(granted(budget, 110_000, 2000)).toBeGreaterThan(0);
});
