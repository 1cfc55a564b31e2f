/** Timings for tests. In a file of its own, because `support.ts` ends every server after each test. */
import type { MultiDbClientOptions } from 'redis-multidb';

/**
 * Timings that make a test short; what decides is left at its default. A server of a busy machine may need
 * more than a quarter of a second for an answer: the timeout of a health check is longer than that. It is
 * shorter than the time after which tests expect a verdict. `connect()` waits for the first verdict on the
 * preferred database, which a busy machine may deliver after the one on another database.
 */
export const QUICK = {
  initialWaitMs: 10_000,
  healthCheck: { intervalMs: 250, timeoutMs: 500, delayInBetweenProbesMs: 20 },
  suspectAfterMs: 100,
  gracePeriodMs: 300,
  failbackCheckIntervalMs: 50,
  delayInBetweenFailoverAttemptsMs: 100,
} as const satisfies Partial<MultiDbClientOptions>;

/**
 * A grace period that outlasts the test. The long timeout of the health check keeps a busy machine from
 * counting as a failure, after which the client would not return. For servers that are killed, not frozen.
 */
export const LONG_GRACE = {
  gracePeriodMs: 3_600_000,
  healthCheck: { ...QUICK.healthCheck, timeoutMs: 10_000 },
} as const satisfies Partial<MultiDbClientOptions>;
