import { describe, expect, it } from 'vitest';
import { decideRetry, type RetryQuestion, retryWaitMs } from './retry.js';

describe('retryWaitMs', () => {
  const options = { waitDurationMs: 500, exponentialBackoffMultiplier: 2, jitter: 0 };

  it('doubles from the second attempt on', () => {
    expect([1, 2, 3, 4].map((attempt) => retryWaitMs(attempt, options, 0.5))).toEqual([
      0, 500, 1000, 2000,
    ]);
  });

  it('is shortened by at most the share of jitter, and never lengthened', () => {
    const jittered = { ...options, jitter: 0.2 };
    expect(retryWaitMs(2, jittered, 0)).toBe(400);
    expect(retryWaitMs(2, jittered, 0.5)).toBe(450);
    expect(retryWaitMs(2, jittered, 0.999)).toBeCloseTo(500, 0);
    expect(retryWaitMs(2, { ...options, jitter: 1 }, 0)).toBe(0);
  });

  it('stays what a timer can keep, whatever the attempt', () => {
    expect(retryWaitMs(40, options, 0)).toBe(2 ** 31 - 1);
    expect(retryWaitMs(5000, options, 0)).toBe(2 ** 31 - 1);
    expect(retryWaitMs(5000, { ...options, waitDurationMs: 0 }, 0.5)).toBe(0);
  });
});

type Outcome = RetryQuestion['classification'];

describe('decideRetry', () => {
  const NEVER_SENT: Outcome = {
    kind: 'never-sent',
    executed: 'no',
  };
  const UNKNOWN: Outcome = {
    kind: 'unknown-outcome',
    executed: 'perhaps',
  };
  const STATE: Outcome = { kind: 'state-reply', executed: 'no' };
  const REPLY: Outcome = {
    kind: 'application-reply',
    executed: 'yes',
  };
  const ACCESS: Outcome = { kind: 'access', executed: 'no' };
  const INSIDE: Outcome = {
    kind: 'state-word-inside',
    executed: 'perhaps',
  };
  const CALLER: Outcome = { kind: 'caller', executed: 'no' };

  function decide(over: Partial<RetryQuestion>) {
    return decideRetry({
      classification: NEVER_SENT,
      category: 'read',
      safety: 'read',
      attempt: 1,
      maxAttempts: 3,
      included: undefined,
      ignored: false,
      ...over,
    });
  }

  it('never goes past maxAttempts', () => {
    expect(decide({ attempt: 2 })).toBe('retry');
    expect(decide({ attempt: 3 })).toBe('fail');
    expect(decide({ attempt: 1, maxAttempts: 1 })).toBe('fail');
    expect(decide({ attempt: 3, included: true })).toBe('fail');
  });

  it.each(['connection', 'read', 'accumulating', 'admin', 'never'] as const)(
    'retries what was not executed, a command of category %s too',
    (category) => {
      expect(decide({ category })).toBe('retry');
      expect(decide({ category, classification: STATE })).toBe('retry');
    },
  );

  it('leaves database-bound commands to the executor', () => {
    expect(decide({ category: 'database-bound' })).toBe('fail');
  });

  it.each([
    ['an unknown outcome', UNKNOWN],
    ['a state word from inside a script', INSIDE],
  ])('retries %s only within safety', (_, classification) => {
    const unknown = { classification };
    expect(decide({ ...unknown, category: 'connection' })).toBe('retry');
    expect(decide({ ...unknown, category: 'read' })).toBe('retry');
    expect(decide({ ...unknown, category: 'checked-write' })).toBe('fail');
    expect(decide({ ...unknown, category: 'accumulating' })).toBe('fail');
    expect(decide({ ...unknown, category: 'accumulating', safety: 'accumulating' })).toBe('retry');
    expect(decide({ ...unknown, category: 'never', safety: 'admin' })).toBe('fail');
    expect(decide({ ...unknown, category: 'accumulating', included: true })).toBe('fail');
  });

  it.each([
    ['application reply', REPLY],
    ['access', ACCESS],
  ])('does not retry by itself: %s', (_, classification) => {
    expect(decide({ classification })).toBe('fail');
    expect(decide({ classification, included: true })).toBe('retry');
  });

  it('repeats what was executed only when the user selected it and within safety', () => {
    const selected = { classification: REPLY, included: true } as const;
    expect(decide({ ...selected, category: 'read' })).toBe('retry');
    expect(decide({ ...selected, category: 'last-write-wins' })).toBe('fail');
    expect(decide({ ...selected, category: 'last-write-wins', safety: 'admin' })).toBe('retry');
    expect(decide({ classification: REPLY, included: false })).toBe('fail');
    const executed: Outcome = { kind: 'state-reply', executed: 'yes' };
    expect(decide({ classification: executed })).toBe('fail');
  });

  it("follows the user's selectors", () => {
    expect(decide({ included: false })).toBe('fail');
    expect(decide({ ignored: true })).toBe('fail');
    expect(decide({ included: true, ignored: true })).toBe('fail');
  });

  it('never retries what the caller caused', () => {
    expect(decide({ classification: CALLER })).toBe('fail');
    expect(decide({ classification: CALLER, included: true })).toBe('fail');
  });
});
