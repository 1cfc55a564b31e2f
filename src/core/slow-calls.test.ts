import { expect, it } from 'vitest';
import { SlowCalls } from './slow-calls.js';

const NEVER = Number.NEGATIVE_INFINITY;

function slowCalls() {
  return new SlowCalls({
    slidingWindowType: 'time',
    slidingWindowSizeMs: 2000,
    slidingWindowSize: 100,
    minNumOfFailures: 1000,
    failureRateThreshold: 10,
    slowCallMs: 100,
    slowCallRateThreshold: 50,
    minNumOfSlowCalls: 3,
  });
}

const call = (
  sentAt: number,
  beganAt: number,
  { previousReplyAt = NEVER, blockEndedAt = NEVER } = {},
) => ({
  sentAt,
  beganAt,
  previousReplyAt,
  blockEndedAt,
});

it('a call is slow when it takes longer than the limit', () => {
  const calls = slowCalls();
  expect(calls.isSlow(call(0, 100))).toBe(false);
  expect(calls.isSlow(call(0, 101))).toBe(true);
});

it('the block time of a command ahead does not count', () => {
  expect(slowCalls().isSlow(call(0, 1000, { blockEndedAt: 950 }))).toBe(false);
  expect(slowCalls().isSlow(call(0, 1100, { blockEndedAt: 950 }))).toBe(true);
});

it('both thresholds have to be reached', () => {
  const calls = slowCalls();
  const slow = call(0, 200);
  for (let i = 0; i < 2; i++) calls.recordSlow(slow, 0);
  expect(calls.exceeds(0)).toBe(false);
  calls.recordSlow(slow, 0);
  expect(calls.exceeds(0)).toBe(true);
  for (let i = 0; i < 4; i++) calls.recordFast(1);
  expect([calls.exceeds(1), calls.metrics(1)]).toEqual([false, { slow: 3, total: 7 }]);
  expect([calls.exceeds(5000), calls.metrics(5000)]).toEqual([false, { slow: 0, total: 0 }]);
});

it('a call behind others is not surely slow, unless it took long after the reply before it', () => {
  const calls = slowCalls();
  // 1000 commands that were sent together, and answered within a second.
  for (let i = 1; i <= 1000; i++) {
    const times = call(0, i, { previousReplyAt: i - 1 });
    if (calls.isSlow(times)) calls.recordSlow(times, i);
    else calls.recordFast(i);
  }
  expect([calls.exceeds(1000), calls.surelyExceeds(1000)]).toEqual([true, false]);
  const alone = slowCalls();
  for (const at of [200, 400, 600])
    alone.recordSlow(call(0, at, { previousReplyAt: at - 200 }), at);
  expect(alone.surelyExceeds(600)).toBe(true);
});

it('timeouts count, and a reset forgets everything', () => {
  const calls = slowCalls();
  for (let i = 0; i < 3; i++) calls.recordTimeout(0);
  expect([calls.exceeds(0), calls.surelyExceeds(0)]).toEqual([true, false]);
  calls.reset(0);
  expect([calls.exceeds(0), calls.surelyExceeds(0)]).toEqual([false, false]);
});
