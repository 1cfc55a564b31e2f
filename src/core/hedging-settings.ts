/** When reads are sent to a second database. */
export interface HedgingSettings {
  /** Milliseconds; `p99`: as measured. */
  readonly afterMs: number | 'p99';
  /** Largest share of reads, 0 to 1. */
  readonly maxShare: number;
}
