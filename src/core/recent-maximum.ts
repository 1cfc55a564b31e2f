/**
 * The largest of the values of the latest `buckets * bucketMs` milliseconds, at most one bucket less.
 * Constant memory. Times are monotonic milliseconds.
 */
export class RecentMaximum {
  readonly #largest: number[];
  /** Number of the bucket of each entry since time 0. */
  readonly #bucketOf: number[];

  constructor(
    private readonly bucketMs: number,
    private readonly buckets: number,
  ) {
    this.#largest = new Array(buckets).fill(0);
    this.#bucketOf = new Array(buckets).fill(Number.NEGATIVE_INFINITY);
  }

  add(value: number, now: number): void {
    const bucket = Math.floor(now / this.bucketMs);
    const index = bucket % this.buckets;
    if (this.#bucketOf[index] !== bucket) {
      this.#bucketOf[index] = bucket;
      this.#largest[index] = value;
    } else if (value > (this.#largest[index] as number)) this.#largest[index] = value;
  }

  /** 0 without values. Time by the number of buckets. */
  largest(now: number): number {
    const oldest = Math.floor(now / this.bucketMs) - this.buckets;
    let largest = 0;
    for (const [index, bucket] of this.#bucketOf.entries()) {
      if (bucket > oldest) largest = Math.max(largest, this.#largest[index] as number);
    }
    return largest;
  }
}
