/** Length of one bucket in milliseconds. */
export const BUCKET_MS = 100;

/** What is counted about one database in every bucket. */
export interface DatabaseSeries {
  /** Work that arrived, in units. */
  readonly units: Float64Array;
  /** Commands of callers that arrived, in simulated commands. */
  readonly commands: Float64Array;
  readonly probes: Float64Array;
  /** Connection attempts that arrived. */
  readonly connects: Float64Array;
  /** Arrivals that were dropped because the queue was full. */
  readonly drops: Float64Array;
  /** Longest queue, in milliseconds of work. */
  readonly queueMs: Float64Array;
  /** Processes for which the database is the active one, at the end of the bucket. */
  readonly active: Float64Array;
}

/** What happens in a fleet, in buckets of `BUCKET_MS`. */
export class Measurements {
  readonly #databases = new Map<string, DatabaseSeries>();
  readonly started: Float64Array;
  readonly succeeded: Float64Array;
  readonly failed: Float64Array;
  /** Sum of the durations of the requests that succeeded, in milliseconds. */
  readonly latency: Float64Array;
  readonly #count: number;

  constructor(
    ids: readonly string[],
    durationMs: number,
    private readonly now: () => number,
  ) {
    const count = Math.ceil(durationMs / BUCKET_MS) + 1;
    const series = () => new Float64Array(count);
    this.#count = count;
    for (const id of ids) {
      this.#databases.set(id, {
        units: series(),
        commands: series(),
        probes: series(),
        connects: series(),
        drops: series(),
        queueMs: series(),
        active: series(),
      });
    }
    this.started = series();
    this.succeeded = series();
    this.failed = series();
    this.latency = series();
  }

  of(id: string): DatabaseSeries {
    const series = this.#databases.get(id);
    if (series === undefined) throw new Error(`no database ${id}`);
    return series;
  }

  /** Index of the present bucket, or of the one at `time`. */
  bucket(time = this.now()): number {
    return Math.min(Math.floor(time / BUCKET_MS), this.#count - 1);
  }

  add(series: Float64Array, amount = 1): void {
    const bucket = this.bucket();
    series[bucket] = series[bucket]! + amount;
  }

  onWork(id: string, units: number, queueMs: number): void {
    const series = this.of(id);
    const bucket = this.bucket();
    series.units[bucket] = series.units[bucket]! + units;
    series.queueMs[bucket] = Math.max(series.queueMs[bucket]!, queueMs);
  }

  /** Sum of a series over [fromMs, toMs). */
  sum(series: Float64Array, fromMs: number, toMs: number): number {
    let sum = 0;
    for (let each = this.bucket(fromMs); each < this.bucket(toMs); each += 1) sum += series[each]!;
    return sum;
  }

  /** Highest value of a bucket in [fromMs, toMs). */
  max(series: Float64Array, fromMs: number, toMs: number): number {
    let max = 0;
    for (let each = this.bucket(fromMs); each < this.bucket(toMs); each += 1)
      max = Math.max(max, series[each]!);
    return max;
  }
}
