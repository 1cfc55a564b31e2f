/**
 * Decides by the outcomes of commands whether a database has failed. Each database has its own. All
 * members are synchronous, and called for every command that counts.
 */
export interface FailureDetector {
  /** One outcome. `error`: undefined for a success. `now`: monotonic milliseconds. */
  record(error: Error | undefined, now: number): void;
  /** Whether the database has failed; asked after each failure. Only `true` opens the circuit breaker. */
  hasFailed(now: number): boolean;
  /** The circuit breaker closes: forgets all outcomes. */
  reset(now: number): void;
}

/** The resolved options of the failure detector, which opens the circuit breaker of a database. */
export interface FailureDetectorOptions {
  /** `time`: the last `slidingWindowSizeMs`; `count`: the last `slidingWindowSize` outcomes. */
  readonly slidingWindowType: 'time' | 'count';
  /** 1 to 2^31-1 ms; read when the type is `time`. */
  readonly slidingWindowSizeMs: number;
  /** Outcomes, 1 to 1000000, one byte each; read when the type is `count`. */
  readonly slidingWindowSize: number;
  /** Failures in the window, 0 or more; with 0 only the rate decides. */
  readonly minNumOfFailures: number;
  /** Percentage of failures in the window, 0 to 100; with 0 only the number decides. */
  readonly failureRateThreshold: number;
  /** A call that takes longer is slow, 1 to 2^31-1 ms; `undefined`: no call is. */
  readonly slowCallMs: number | undefined;
  /** Percentage of slow calls in the window, 0 to 100; with 0 only the number decides. */
  readonly slowCallRateThreshold: number;
  /** Slow calls in the window, 0 or more; with 0 only the rate decides. */
  readonly minNumOfSlowCalls: number;
  /** Creates the detector of a database; `undefined`: the thresholds decide. */
  readonly detector?: ((databaseId: string) => FailureDetector) | undefined;
  /** Errors that count as failures; `undefined` uses the classification. */
  readonly includedErrors?: ((error: Error) => boolean) | undefined;
  /** Errors that do not count even if they are included; `undefined` for none. */
  readonly ignoredErrors?: ((error: Error) => boolean) | undefined;
}

/**
 * Whether both thresholds are reached (Jedis 7: the number of failures and their share). Without
 * a failure neither is, whatever the thresholds.
 */
export function thresholdsReached(
  failures: number,
  total: number,
  options: Pick<FailureDetectorOptions, 'minNumOfFailures' | 'failureRateThreshold'>,
): boolean {
  return (
    failures > 0 &&
    failures >= options.minNumOfFailures &&
    failures * 100 >= options.failureRateThreshold * total
  );
}
