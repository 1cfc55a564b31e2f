import { expect, it } from 'vitest';
import { type BreakerState, CircuitBreaker, transition } from './circuit-breaker.js';
import type { FailureDetectorOptions } from './failure-detector.js';

const OPTIONS: FailureDetectorOptions = {
  slidingWindowType: 'time',
  slidingWindowSizeMs: 2000,
  slidingWindowSize: 100,
  minNumOfFailures: 3,
  failureRateThreshold: 50,
  slowCallMs: undefined,
  slowCallRateThreshold: 50,
  minNumOfSlowCalls: 3,
};

it('opens with the failure that reaches both thresholds, and says so once', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  for (let i = 0; i < 3; i++) breaker.recordSuccess(10);
  expect(breaker.recordFailure(20)).toBeUndefined();
  expect(breaker.recordFailure(30)).toBeUndefined();
  expect(breaker.state).toEqual({ kind: 'closed' });
  expect(breaker.recordFailure(40)).toBe('opened');
  expect(breaker.state).toEqual({ kind: 'open', since: 40, failures: 3, total: 6 });
  expect(breaker.recordFailure(50)).toBeUndefined();
  expect(breaker.state).toEqual({ kind: 'open', since: 40, failures: 3, total: 6 });
});

it('knows whether what opened it goes on', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  expect(breaker.exceeds(0)).toBe(false);
  for (let i = 0; i < 3; i++) breaker.recordFailure(10);
  expect([breaker.exceeds(20), breaker.exceeds(5000)]).toEqual([true, false]);
  expect(breaker.state.kind).toBe('open');
});

it('does not open for failures that are spread over more than the window', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  for (let now = 0; now < 20_000; now += 1000) expect(breaker.recordFailure(now)).toBeUndefined();
});

it('does not open while the rate is below its threshold', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  for (let i = 0; i < 100; i++) breaker.recordSuccess(0);
  for (let i = 0; i < 99; i++) expect(breaker.recordFailure(1)).toBeUndefined();
  expect(breaker.recordFailure(1)).toBe('opened');
});

it('goes on counting while it is open', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.trip(0);
  breaker.recordSuccess(1);
  breaker.recordFailure(1);
  expect(breaker.metrics(1)).toEqual({ failures: 1, total: 2, failureRatePercent: 50 });
});

it('closes with an empty window', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  for (let i = 0; i < 3; i++) breaker.recordFailure(0);
  expect(breaker.close(100)).toBe(true);
  expect(breaker.state).toEqual({ kind: 'closed' });
  expect(breaker.metrics(100)).toEqual({ failures: 0, total: 0, failureRatePercent: 0 });
  expect(breaker.recordFailure(100)).toBeUndefined();
});

it('closing a closed breaker changes nothing, not even its window', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.recordFailure(0);
  expect(breaker.close(1)).toBe(false);
  expect(breaker.metrics(1).failures).toBe(1);
});

it('trips whatever the window holds, once', () => {
  const breaker = new CircuitBreaker(OPTIONS);
  breaker.recordSuccess(0);
  expect(breaker.trip(5)).toBe(true);
  expect(breaker.state).toEqual({ kind: 'open', since: 5, failures: 0, total: 1 });
  expect(breaker.trip(9)).toBe(false);
  expect(breaker.state).toMatchObject({ since: 5 });
});

it('allows closed -> open -> closed and nothing else', () => {
  const closed: BreakerState = { kind: 'closed' };
  const open: BreakerState = { kind: 'open', since: 0, failures: 0, total: 0 };
  expect(transition(closed, open)).toBe(open);
  expect(transition(open, closed)).toBe(closed);
  expect(() => transition(closed, closed)).toThrow('closed -> closed');
  expect(() => transition(open, open)).toThrow('open -> open');
});
