/** When a database counts as slow. Latencies in milliseconds. */
export interface LatencyThresholds {
  /** Share of probes, in percent, that the latency must not exceed: 95 means the 95th percentile. */
  readonly percentile: number;
  /** Number of latest probes that count. */
  readonly windowSize: number;
  /** Number of probes before a verdict. */
  readonly minProbes: number;
  /** The database becomes slow when the percentile is above this. */
  readonly slowAboveMs: number;
  /** The database becomes fast again when the percentile is at most this. */
  readonly fastBelowMs: number;
}

/**
 * The latencies of the latest probes of one database, and whether it is slow, with hysteresis.
 * Constant memory; `windowSize` steps per probe.
 */
export class ProbeLatency {
  /** Whether the database is slow by its own thresholds. */
  slow = false;
  /** The percentile of the window in milliseconds; undefined before `minProbes`. */
  percentileMs: number | undefined;
  readonly #window: number[] = [];
  #next = 0;

  constructor(private readonly thresholds: LatencyThresholds) {}

  add(latencyMs: number): void {
    const { windowSize, minProbes, percentile, slowAboveMs, fastBelowMs } = this.thresholds;
    this.#window[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % windowSize;
    if (this.#window.length < minProbes) return;
    const sorted = [...this.#window].sort((a, b) => a - b);
    const rank = Math.max(Math.ceil((percentile / 100) * sorted.length), 1);
    this.percentileMs = sorted[rank - 1] as number;
    if (this.percentileMs > slowAboveMs) this.slow = true;
    else if (this.percentileMs <= fastBelowMs) this.slow = false;
  }

  /** Whether the window is complete enough to say that the database is fast. */
  get fast(): boolean {
    const { percentileMs } = this;
    return percentileMs !== undefined && percentileMs <= this.thresholds.fastBelowMs;
  }
}
