/** What the engine believes of a database, as a user sees it. */
export interface View {
  readonly id: string;
  readonly weight: number;
  readonly eligible: boolean;
  /** Eligible, or only kept from it by its gates, which never evict the active database. */
  readonly mayStay: boolean;
  readonly usable: boolean;
  /** Only its grace period keeps it from being eligible. */
  readonly inGrace: boolean;
  /** It takes writes, and lacks nothing for which it would be left for one that does not. */
  readonly keepsWrites: boolean;
  readonly drained: boolean;
  readonly readOnly: boolean;
  /** It was asked over its data connection, and should have answered by now. */
  readonly silent: boolean;
  readonly failbackCheckIntervalMs: number;
  /** Its `beforeFailback` has failed. */
  readonly unprepared: boolean;
  /** A failback may pass over it: it has not answered of late, or its `beforeFailback` has failed. */
  readonly unfit: boolean;
}
