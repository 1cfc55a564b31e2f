import { CommandTimeoutError, isMultiDbError } from '../errors.js';
import type { Executor } from './executor.js';
import type { Lease } from './lease.js';

export interface TransactionSetting {
  /** Including the first; what is repeated is only a conflict. */
  readonly maxAttempts: number;
  /** Of everything: the wait for a connection, all attempts and the pauses between them. */
  readonly timeoutMs: number;
  /** Some watched key changed, so that nothing was executed. */
  readonly isConflict: (error: unknown) => boolean;
  /** One attempt over the lease's connection, which is clean. */
  readonly perform: (lease: Lease) => Promise<unknown>;
}

/** Pauses grow up to this, in milliseconds. */
const LONGEST_PAUSE_MS = 128;
/** A connection may have been closed by the server while it rested. */
const MAX_STALE = 3;

/**
 * Runs an optimistic transaction over an isolated connection, again after a conflict. Settles
 * within `timeoutMs`, whatever `perform` does. A conflicting transaction keeps its connection, so
 * that not more of them compete than there are connections.
 */
export async function runTransaction(
  executor: Executor,
  { maxAttempts, timeoutMs, isConflict, perform }: TransactionSetting,
): Promise<unknown> {
  const end = executor.begin();
  const { loop, coordinator } = executor;
  const { clock, random } = coordinator.runtime;
  const deadline = loop.time + loop.tickMs + timeoutMs;
  let lease = executor.isolation.acquire(deadline);
  let isLate = false;
  const timer = loop.after(timeoutMs, () => {
    isLate = true;
    const message = `the transaction took longer than ${timeoutMs} ms`;
    lease.abort((details) => new CommandTimeoutError(message, details));
  });

  try {
    let stale = 0;
    for (let attempt = 1; ; attempt += 1) {
      if (lease.ended !== undefined && !isLate) lease = executor.isolation.acquire(deadline);
      await lease.ready;
      lease.parked = false;
      lease.committed = false;
      try {
        const performed = perform(lease);
        performed.catch(() => {});
        return await Promise.race([performed, lease.aborted]);
      } catch (error) {
        if (isStale(error, lease) && stale < MAX_STALE) {
          stale += 1;
          attempt -= 1;
          continue;
        }
        if (attempt >= maxAttempts || !isConflict(error)) throw error;
      }
      if (!(await lease.tidy().catch(() => false))) lease.give();
      const pauseMs = random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS);
      await new Promise<void>((resolve) => {
        clock.after(Math.ceil(pauseMs), resolve, { keepAlive: true });
      });
      if (isLate) throw lease.ended;
    }
  } finally {
    timer.cancel();
    lease.release();
    end();
  }
}

/** The connection was gone before anything but WATCH was sent. */
function isStale(error: unknown, lease: Lease): boolean {
  return lease.isUnused && isMultiDbError(error) && error.code === 'CONNECTION_LOST';
}
