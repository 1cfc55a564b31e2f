/** Lower bound of the first bucket above zero, in milliseconds. */
const SHORTEST_MS = 0.25;
/** Buckets per doubling: the estimate is at most a fifth too high. */
const PER_DOUBLING = 4;
/** 0.25 ms to an hour. */
const BUCKETS = 24 * PER_DOUBLING;
/** Durations after which the older half of the window is dropped. */
const HALF_WINDOW = 1000;
/** Durations without which there is no estimate. */
const FEWEST = 100;

/**
 * Estimates a percentile of the latest 1000 to 2000 durations, in buckets that grow by a fifth.
 * Constant memory; adding takes constant time.
 */
export class LatencyPercentile {
  #current = new Uint32Array(BUCKETS);
  #previous = new Uint32Array(BUCKETS);
  #currentCount = 0;
  #previousCount = 0;

  constructor(
    /** Above 0, below 1. */
    private readonly percentile: number,
  ) {}

  add(ms: number): void {
    if (this.#currentCount === HALF_WINDOW) {
      const oldest = this.#previous;
      this.#previous = this.#current;
      this.#previousCount = this.#currentCount;
      this.#current = oldest.fill(0);
      this.#currentCount = 0;
    }
    const bucket = Math.ceil(Math.log2(Math.max(ms, SHORTEST_MS) / SHORTEST_MS) * PER_DOUBLING);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#current[index] = (this.#current[index] as number) + 1;
    this.#currentCount += 1;
  }

  /** In milliseconds; `undefined` before 100 durations are known. Time by the number of buckets. */
  get ms(): number | undefined {
    const count = this.#currentCount + this.#previousCount;
    if (count < FEWEST) return undefined;
    let above = count - Math.ceil(count * this.percentile);
    for (let index = BUCKETS - 1; index >= 0; index -= 1) {
      above -= (this.#current[index] as number) + (this.#previous[index] as number);
      if (above < 0) return SHORTEST_MS * 2 ** (index / PER_DOUBLING);
    }
    return SHORTEST_MS;
  }
}
