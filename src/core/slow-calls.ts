import { type FailureDetectorOptions, thresholdsReached } from './failure-detector.js';
import { createSlidingWindow, type SlidingWindow } from './sliding-window.js';

/** Times of one answered call, in loop time. Replies of one path arrive in order. */
export interface CallTimes {
  /** When the call was written. */
  readonly sentAt: number;
  /** When the latest blocking command ahead of it was answered; -Infinity without one. */
  readonly blockEndedAt: number;
  /** When the previous reply of the same path arrived; -Infinity without one. */
  readonly previousReplyAt: number;
  /** When the reply began to arrive. */
  readonly beganAt: number;
}

/** The slow calls in the sliding window. */
export interface SlowCallMetrics {
  readonly slow: number;
  /** Slow and fast calls. */
  readonly total: number;
}

/** The options of the detection of slow calls, which is on. */
export type SlowCallOptions = Omit<FailureDetectorOptions, 'slowCallMs'> & {
  readonly slowCallMs: number;
};

/**
 * Counts the calls of one database that took longer than `slowCallMs`, in the windows of the circuit
 * breaker. Constant memory and constant time.
 *
 * The duration of a call that was sent behind others can mean two things: the database answers late,
 * or it works on the commands ahead. Replies alone do not show which one, because the throughput,
 * the number of calls in flight and their duration are bound by Little's law in both cases. Such a
 * call counts as `slow`, but not as `surely` slow: the probes of the database have to confirm it.
 */
export class SlowCalls {
  readonly #all: SlidingWindow;
  readonly #sure: SlidingWindow;
  readonly #thresholds: Parameters<typeof thresholdsReached>[2];

  constructor(readonly options: SlowCallOptions) {
    this.#all = createSlidingWindow(options);
    this.#sure = createSlidingWindow(options);
    this.#thresholds = {
      minNumOfFailures: options.minNumOfSlowCalls,
      failureRateThreshold: options.slowCallRateThreshold,
    };
  }

  /** Whether a call with these times is slow. */
  isSlow({ sentAt, blockEndedAt, beganAt }: CallTimes): boolean {
    return beganAt - Math.max(sentAt, blockEndedAt) > this.options.slowCallMs;
  }

  recordFast(now: number): void {
    this.#all.record(false, now);
    this.#sure.record(false, now);
  }

  recordSlow({ sentAt, previousReplyAt, blockEndedAt, beganAt }: CallTimes, now: number): void {
    this.#all.record(true, now);
    const aloneMs = beganAt - Math.max(sentAt, blockEndedAt, previousReplyAt);
    if (aloneMs > this.options.slowCallMs) this.#sure.record(true, now);
  }

  /** A call that got no reply at all within its timeout: perhaps its connection is dead. */
  recordTimeout(now: number): void {
    this.#all.record(true, now);
  }

  /** Whether the window currently holds too many slow calls. */
  exceeds(now: number): boolean {
    return thresholdsReached(this.#all.failures(now), this.#all.total(now), this.#thresholds);
  }

  /** The same for the calls that were not sent behind others. */
  surelyExceeds(now: number): boolean {
    return thresholdsReached(this.#sure.failures(now), this.#sure.total(now), this.#thresholds);
  }

  metrics(now: number): SlowCallMetrics {
    return { slow: this.#all.failures(now), total: this.#all.total(now) };
  }

  reset(now: number): void {
    this.#all.reset(now);
    this.#sure.reset(now);
  }
}
