import type { Sample } from '../report/model.js';

/** Length of a time slice, in milliseconds. */
export const SAMPLE_MS = 200;

/** The outcomes of callers by time slice. Memory only grows with time. */
export class Series {
  readonly samples: Sample[] = [];
  maxLatencyMs = 0;
  /** Successes so far. */
  answered = 0;
  #slice = emptySlice();
  #at = 0;

  constructor(private readonly now: () => number) {}

  success(latencyMs: number): void {
    this.#advance();
    this.#slice.latencies.push(latencyMs);
    this.answered += 1;
    if (latencyMs > this.maxLatencyMs) this.maxLatencyMs = latencyMs;
  }

  error(kind: 'reader' | 'writer' | 'unavailable'): void {
    this.#advance();
    this.#slice[SLOT[kind]] += 1;
  }

  /** Closes finished slices. The current one is left out, because it would show as a drop. */
  flush(): void {
    this.#advance();
  }

  /** Replies per second and the worst slice's latency in the last second. */
  get recent(): { perSecond: number; p99Ms: number | undefined } {
    this.#advance();
    const last = this.samples.slice(-1000 / SAMPLE_MS);
    const succeeded = last.reduce((sum, sample) => sum + sample.succeeded, 0);
    const worst = Math.max(...last.map((sample) => sample.p99Ms ?? -1));
    return {
      perSecond: last.length === 0 ? 0 : (succeeded * 1000) / (last.length * SAMPLE_MS),
      p99Ms: worst < 0 ? undefined : worst,
    };
  }

  #advance(): void {
    const now = this.now();
    while (now >= this.#at + SAMPLE_MS) this.#close();
  }

  #close(): void {
    const { latencies, ...errors } = this.#slice;
    latencies.sort((a, b) => a - b);
    this.samples.push({
      at: this.#at,
      succeeded: latencies.length,
      ...errors,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    });
    this.#at += SAMPLE_MS;
    this.#slice = emptySlice();
  }
}

const SLOT = {
  reader: 'readerErrors',
  writer: 'writerErrors',
  unavailable: 'unavailable',
} as const;

function emptySlice() {
  return { latencies: [] as number[], readerErrors: 0, writerErrors: 0, unavailable: 0 };
}

/** Nearest rank. `sorted` is ascending. */
export function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
