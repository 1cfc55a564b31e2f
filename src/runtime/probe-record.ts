/** What a probe round found last. */
export interface ProbeRecord {
  /** The name of the health check. */
  readonly check: string;
  /** Whether the probe found the database healthy. */
  readonly healthy: boolean;
  /** What failed, in words; undefined for a healthy probe. */
  readonly cause: string | undefined;
  /** Unhealthy because there was no answer in time. */
  readonly timedOut: boolean;
  /** Wall-clock time. */
  readonly at: Date;
  /** How long the probe took, in milliseconds. */
  readonly latencyMs: number;
}
