/** Upper bounds of the buckets in milliseconds; one more bucket holds longer durations. */
export const LATENCY_BUCKETS_MS = Object.freeze([
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
] as const);

/** Content of a histogram at one moment. */
export interface LatencySnapshot {
  /** Number of durations up to `LATENCY_BUCKETS_MS` of the same index: cumulative. */
  readonly buckets: readonly number[];
  /** How many durations were recorded. */
  readonly count: number;
  /** In milliseconds. */
  readonly sumMs: number;
}

/** Durations in buckets of fixed bounds: constant memory, and time by the number of buckets. */
export class LatencyHistogram {
  readonly #counts = new Array<number>(LATENCY_BUCKETS_MS.length + 1).fill(0);
  #sumMs = 0;

  add(ms: number): void {
    const index = LATENCY_BUCKETS_MS.findIndex((bound) => ms <= bound);
    const bucket = index < 0 ? LATENCY_BUCKETS_MS.length : index;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sumMs += ms;
  }

  snapshot(): LatencySnapshot {
    let count = 0;
    const cumulative = this.#counts.map((each) => {
      count += each;
      return count;
    });
    return Object.freeze({
      buckets: Object.freeze(cumulative.slice(0, -1)),
      count,
      sumMs: this.#sumMs,
    });
  }
}
