import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { RoundResults } from './round-results.js';

const [PING, ECHO] = ['PING', 'ECHO'].map((name) => ({ options: { name } }));
const WELL = { healthy: true, cause: undefined };
const ILL = { healthy: false, cause: 'ECHO: refused' };
const FIRST = { incarnation: 1 };
const LEFT = { incarnation: 2, left: {} };
type Check = NonNullable<typeof PING>;
const CHECKS = [PING, ECHO] as [Check, Check];

let results: RoundResults<Check>;
beforeEach(() => {
  results = new RoundResults();
});

it('passes when the latest round of each check did', () => {
  for (const check of CHECKS) results.begin(check, FIRST);
  expect(results.allPassed(CHECKS, FIRST)).toBe(false);
  for (const check of CHECKS) results.record(check, WELL, FIRST);
  expect(results.allPassed(CHECKS, FIRST)).toBe(true);
  results.record(CHECKS[1], ILL, FIRST);
  expect(results.allPassed(CHECKS, FIRST)).toBe(false);
  expect(results.failed(CHECKS, FIRST)?.cause).toBe('ECHO: refused');
});

it('a round that began before the database was left does not count, nor does its result', () => {
  results.begin(CHECKS[0], FIRST);
  expect(results.record(CHECKS[0], ILL, LEFT)).toBe(false);
  expect(results.record(CHECKS[0], ILL, FIRST)).toBe(true);
  expect(results.failed(CHECKS, LEFT)).toBeUndefined();
});

it('a check that was removed has no result', () => {
  results.begin(CHECKS[0], FIRST);
  results.record(CHECKS[0], ILL, FIRST);
  results.forget(CHECKS[0]);
  expect(results.failed(CHECKS, FIRST)).toBeUndefined();
  expect(results.record(CHECKS[0], WELL, FIRST)).toBe(false);
});

it('gates are open at start, and closed after the database was left until they have passed', () => {
  expect(results.closedGate(CHECKS, FIRST)).toBeUndefined();
  expect(results.closedGate(CHECKS, LEFT)).toMatch(/^PING: not checked again/);
  results.begin(CHECKS[0], LEFT);
  results.record(CHECKS[0], WELL, LEFT);
  expect(results.closedGate(CHECKS, LEFT)).toMatch(/^ECHO: not checked again/);
  results.begin(CHECKS[1], LEFT);
  results.record(CHECKS[1], ILL, LEFT);
  expect(results.closedGate(CHECKS, LEFT)).toBe('ECHO: refused');
});

it('whatever the order of rounds and failovers: passed, failed or unknown by the last valid round', () => {
  const step = fc.oneof(
    fc.constant('leave' as const),
    fc.record({ check: fc.constantFrom(0, 1), ends: fc.boolean(), healthy: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const all = new RoundResults<Check>();
      const started: (number | undefined)[] = [];
      let incarnation = 1;
      let last: (boolean | undefined)[] = [];
      for (const each of steps) {
        if (each === 'leave') {
          incarnation += 1;
          last = [];
          continue;
        }
        const check = CHECKS[each.check] as Check;
        if (!each.ends) {
          all.begin(check, { incarnation });
          started[each.check] = incarnation;
        } else {
          const isValid = all.record(check, { ...ILL, healthy: each.healthy }, { incarnation });
          expect(isValid).toBe(started[each.check] === incarnation);
          if (isValid) last[each.check] = each.healthy;
        }
      }
      expect(all.allPassed(CHECKS, { incarnation })).toBe(last[0] === true && last[1] === true);
      expect(all.failed(CHECKS, { incarnation }) !== undefined).toBe(last.includes(false));
    }),
  );
});
