/** What a probe round found last. */
export interface ProbeRecord {
  readonly check: string;
  readonly healthy: boolean;
  readonly cause: string | undefined;
  /** Unhealthy because there was no answer in time. */
  readonly timedOut: boolean;
  /** Wall-clock time. */
  readonly at: Date;
  readonly latencyMs: number;
}
