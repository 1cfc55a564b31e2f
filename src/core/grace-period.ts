/** How long a database that was left as failed stays ineligible. Both in milliseconds. */
export interface GracePeriod {
  /** Of a database that has not failed recently. */
  readonly baseMs: number;
  /** At most, after repeated failures. Equal to `baseMs`: every grace period is equally long. */
  readonly maxMs: number;
}

/** The latest grace period of a database. */
export interface GraceRecord {
  /** How often `baseMs` was doubled. */
  readonly doublings: number;
  /** Monotonic milliseconds. */
  readonly endsAt: number;
}

/**
 * The grace period of a database that is left now. Each failure within `maxMs` of the end of the
 * previous grace period doubles it, up to `maxMs`; each further `maxMs` without a failure takes one
 * doubling back. Constant time.
 */
export function nextGrace(
  { baseMs, maxMs }: GracePeriod,
  previous: GraceRecord | undefined,
  now: number,
): GraceRecord & { readonly durationMs: number } {
  const doublings = baseMs < maxMs ? doublingsAfter(previous, maxMs, now) : 0;
  // Beyond this number of doublings every base reaches every maximum.
  const counted = Math.min(doublings, Math.ceil(Math.log2(maxMs / baseMs)) || 0);
  const durationMs = Math.min(baseMs * 2 ** counted, maxMs);
  return { doublings: counted, durationMs, endsAt: now + durationMs };
}

function doublingsAfter(previous: GraceRecord | undefined, maxMs: number, now: number): number {
  if (previous === undefined) return 0;
  const quietMs = Math.max(now - previous.endsAt, 0);
  return Math.max(previous.doublings + 1 - Math.floor(quietMs / maxMs), 0);
}
