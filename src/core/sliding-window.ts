import type { FailureDetectorOptions } from './failure-detector.js';

/**
 * Counts recent outcomes. `now` is monotonic milliseconds; a value before an earlier one counts as
 * the earlier one. Constant memory, allocated at construction. Queries change nothing.
 */
export interface SlidingWindow {
  record(failed: boolean, now: number): void;
  failures(now: number): number;
  /** Successes and failures. */
  total(now: number): number;
  /** Removes all outcomes. */
  reset(now: number): void;
}

export function createSlidingWindow(
  options: Pick<
    FailureDetectorOptions,
    'slidingWindowType' | 'slidingWindowSizeMs' | 'slidingWindowSize'
  >,
): SlidingWindow {
  return options.slidingWindowType === 'time'
    ? new TimeWindow(options.slidingWindowSizeMs)
    : new CountWindow(options.slidingWindowSize);
}

const BUCKETS = 10;

/**
 * The last `sizeMs`, in ten buckets of a fixed length, counted from the first outcome.
 *
 * An outcome counts while its bucket is one of the last ten: all that is younger than nine tenths
 * of `sizeMs` counts, nothing that is `sizeMs` old does. Moving on clears min(elapsed, 10)
 * buckets, so that an idle hour forgets everything (resilience4j, `SlidingTimeWindowMetrics`).
 *
 * `record` costs one increment inside the present bucket and at most ten clearings beyond it;
 * queries add up ten buckets.
 */
export class TimeWindow implements SlidingWindow {
  readonly #bucketMs: number;
  readonly #successes = new Uint32Array(BUCKETS);
  readonly #failures = new Uint32Array(BUCKETS);
  #present = 0;
  #presentSince = Number.NaN;
  /** Start of the current bucket; before the first outcome every time is beyond it. */
  #presentEnds = Number.NEGATIVE_INFINITY;

  constructor(sizeMs: number) {
    this.#bucketMs = sizeMs / BUCKETS;
  }

  record(failed: boolean, now: number): void {
    if (now >= this.#presentEnds) this.#moveOn(now);
    const counts = failed ? this.#failures : this.#successes;
    counts[this.#present] = (counts[this.#present] ?? 0) + 1;
  }

  failures(now: number): number {
    return this.#sum(this.#failures, now);
  }

  total(now: number): number {
    return this.#sum(this.#successes, now) + this.#sum(this.#failures, now);
  }

  reset(_now: number): void {
    this.#successes.fill(0);
    this.#failures.fill(0);
    this.#presentEnds = Number.NEGATIVE_INFINITY;
  }

  #moveOn(now: number): void {
    if (this.#presentEnds === Number.NEGATIVE_INFINITY) {
      this.#presentSince = now;
    } else {
      const elapsed = this.#bucketsSince(now);
      for (let step = Math.min(elapsed, BUCKETS); step > 0; step--) {
        this.#present = (this.#present + 1) % BUCKETS;
        this.#successes[this.#present] = 0;
        this.#failures[this.#present] = 0;
      }
      this.#presentSince += elapsed * this.#bucketMs;
    }
    this.#presentEnds = this.#presentSince + this.#bucketMs;
  }

  /** Number of buckets from the current one to that of `now`. */
  #bucketsSince(now: number): number {
    return Math.max(0, Math.floor((now - this.#presentSince) / this.#bucketMs));
  }

  #sum(counts: Uint32Array, now: number): number {
    if (this.#presentEnds === Number.NEGATIVE_INFINITY) return 0;
    let sum = 0;
    for (let age = BUCKETS - 1 - this.#bucketsSince(now); age >= 0; age--) {
      sum += counts[(this.#present + BUCKETS - age) % BUCKETS] ?? 0;
    }
    return sum;
  }
}

/**
 * The last `size` outcomes, regardless of time; one byte each, all operations take constant time.
 */
export class CountWindow implements SlidingWindow {
  readonly #failed: Uint8Array;
  #next = 0;
  #total = 0;
  #failures = 0;

  constructor(size: number) {
    this.#failed = new Uint8Array(size);
  }

  record(failed: boolean, _now: number): void {
    const outcome = failed ? 1 : 0;
    // A place that was never used holds 0.
    this.#failures += outcome - (this.#failed[this.#next] ?? 0);
    this.#failed[this.#next] = outcome;
    this.#next = this.#next + 1 === this.#failed.length ? 0 : this.#next + 1;
    if (this.#total < this.#failed.length) this.#total++;
  }

  failures(_now: number): number {
    return this.#failures;
  }

  total(_now: number): number {
    return this.#total;
  }

  reset(_now: number): void {
    this.#failed.fill(0);
    this.#next = 0;
    this.#total = 0;
    this.#failures = 0;
  }
}
