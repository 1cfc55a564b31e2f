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
