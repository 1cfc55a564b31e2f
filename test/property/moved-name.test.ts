import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasMovedFrom,
  MAX_AGREEING_ANSWERS,
  MIN_AGREEING_ANSWERS,
  type NameHistory,
  withAnswer,
} from '../../src/core/moved-name.js';

const INTERVAL_MS = 30_000;
const address = fc.integer({ min: 1, max: 30 }).map((n) => `10.0.0.${n}`);
const answer = fc.uniqueArray(address, { maxLength: 8 });

/** A connection that follows the rule: how often it is renewed while the answers come in. */
function renewals(answers: readonly (readonly string[])[], connected: string): number {
  let history: NameHistory | undefined;
  let at = connected;
  let count = 0;
  for (const [index, found] of answers.entries()) {
    history = withAnswer(history, found, index * INTERVAL_MS, INTERVAL_MS / 2);
    if (history === undefined || !hasMovedFrom(history, [at])) continue;
    count += 1;
    at = found[0] ?? at;
  }
  return count;
}

describe('when a name has moved', () => {
  it('needs three answers in a row that agree and lack the address', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 40 }), address, (answers, connected) => {
        let history: NameHistory | undefined;
        const counted: string[] = [];
        for (const [index, found] of answers.entries()) {
          history = withAnswer(history, found, index * INTERVAL_MS, INTERVAL_MS / 2);
          if (found.length > 0) counted.push([...found].sort().join());
          if (history === undefined || !hasMovedFrom(history, [connected])) continue;
          const last = counted.slice(-MIN_AGREEING_ANSWERS);
          expect(last.length).toBe(MIN_AGREEING_ANSWERS);
          expect(new Set(last).size).toBe(1);
          expect(last[0]?.split(',')).not.toContain(connected);
        }
      }),
    );
  });

  it('is found after at most 20 answers of the new address, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 60 }), (before) => {
        const moved = Array(MAX_AGREEING_ANSWERS).fill(['10.1.0.1']);
        expect(renewals([...before, ...moved], '10.1.0.9')).toBeGreaterThanOrEqual(1);
        // And after three, where the name has never rotated.
        const fresh = [['10.0.0.1'], ...moved.slice(0, MIN_AGREEING_ANSWERS)];
        expect(renewals(fresh, '10.0.0.1')).toBe(1);
      }),
    );
  });

  it('ignores answers that are empty, and copies that come too soon', () => {
    const one = withAnswer(undefined, ['10.0.0.1'], 0, 100);
    expect(withAnswer(one, [], 1000, 100)).toBe(one);
    expect(withAnswer(one, ['10.0.0.2'], 99, 100)).toBe(one);
    expect(withAnswer(undefined, [], 0, 100)).toBeUndefined();
  });

  it('is not when one of several possible addresses is still there', () => {
    let history: NameHistory | undefined;
    for (let i = 0; i < 5; i += 1) history = withAnswer(history, ['b', 'c'], i * 1000, 100);
    expect(hasMovedFrom(history as NameHistory, ['a', 'b'])).toBe(false);
    expect(hasMovedFrom(history as NameHistory, ['a'])).toBe(true);
    expect(hasMovedFrom(history as NameHistory, [])).toBe(false);
  });

  it('moves there and back: both are found', () => {
    const day = (found: string) => Array(100).fill([found]);
    expect(renewals([...day('a'), ...day('b'), ...day('a'), ...day('b')], 'a')).toBe(3);
  });
});

describe('names that rotate do not churn', () => {
  const picks = (count: number, of: number) =>
    fc.array(
      fc.shuffledSubarray(
        Array.from({ length: of }, (_, i) => `10.0.0.${i}`),
        { minLength: count, maxLength: count },
      ),
      { minLength: 2000, maxLength: 2000 },
    );

  it('order alone means nothing', () => {
    fc.assert(
      fc.property(picks(4, 4), (answers) => {
        expect(renewals(answers, '10.0.0.0')).toBe(0);
      }),
      { numRuns: 5 },
    );
  });

  it('a changing subset, as of a load balancer: 8 of 100 addresses, and 3 of 6', () => {
    for (const [count, of] of [
      [8, 100],
      [3, 6],
    ] as const) {
      fc.assert(
        fc.property(picks(count, of), (answers) => {
          expect(renewals(answers, '10.0.0.0')).toBeLessThanOrEqual(1);
        }),
        { numRuns: 5 },
      );
    }
  });

  it('one of 2 to 8 addresses by chance: a few times until it has shown, in 16 hours', () => {
    for (const of of [2, 3, 8]) {
      fc.assert(
        fc.property(picks(1, of), (answers) => {
          expect(renewals(answers, '10.0.0.0')).toBeLessThanOrEqual(4);
        }),
        { numRuns: 10 },
      );
    }
  });

  it('one address at a time in turn, each kept for the life of a cached answer: one round at most', () => {
    for (const [addresses, kept] of [
      [2, 4],
      [4, 3],
      [8, 2],
      [3, 6],
    ] as const) {
      const answers = Array.from({ length: 2000 }, (_, i) => [
        `10.0.0.${Math.floor(i / kept) % addresses}`,
      ]);
      expect(renewals(answers, '10.0.0.0'), `${addresses} kept ${kept}`).toBeLessThanOrEqual(
        addresses,
      );
    }
  });
});
