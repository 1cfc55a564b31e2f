/** Weight of a new sample in the mean, and in the mean deviation (RFC 6298). */
const MEAN_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
/** Number of mean deviations above the mean that are still usual (RFC 6298). */
const DEVIATIONS = 4;

/**
 * The usual duration of something, as TCP estimates its retransmission timeout: a smoothed mean and a
 * smoothed mean deviation (V. Jacobson, "Congestion Avoidance and Control", 1988; RFC 6298). Constant
 * memory and time.
 *
 * Unlike in TCP, a sample above the present limit counts as the limit: a single pause changes the
 * estimate little, while a lasting change is followed within a few samples.
 */
export class SmoothedTime {
  /** In milliseconds; undefined before the first sample. */
  meanMs: number | undefined;
  #deviationMs = 0;

  /** `longestMs`: what a sample counts at most before there is a limit. */
  constructor(
    private readonly shortestMs: number,
    private readonly longestMs: number,
  ) {}

  add(ms: number): void {
    const { meanMs } = this;
    const sample = Math.min(ms, this.limitMs ?? this.longestMs);
    if (meanMs === undefined) {
      this.meanMs = sample;
      this.#deviationMs = sample / 2;
      return;
    }
    this.#deviationMs += DEVIATION_GAIN * (Math.abs(sample - meanMs) - this.#deviationMs);
    this.meanMs = meanMs + MEAN_GAIN * (sample - meanMs);
  }

  /** The duration beyond which something takes unusually long; undefined before the first sample. */
  get limitMs(): number | undefined {
    if (this.meanMs === undefined) return undefined;
    const limit = this.meanMs + DEVIATIONS * this.#deviationMs;
    return Math.min(Math.max(limit, this.shortestMs), this.longestMs);
  }
}
