import { backoffMs } from '../../core/backoff.js';
import type { CommandArgument } from '../../core/command-argument.js';
import { CommandTimeoutError, isMultiDbError, type MultiDbErrorDetails } from '../../errors.js';
import type { Executor } from '../command/executor.js';
import type { Lease } from './lease.js';

export interface TransactionSetting {
  /** What it is about: on a cluster they say at which node it is. */
  readonly keys: readonly CommandArgument[];
  /** How often the callback is called at most; what is repeated is only a conflict. */
  readonly maxAttempts: number;
  /** Of everything: the wait for a connection, all attempts and the pauses between them. */
  readonly timeoutMs: number;
  /** Nothing was executed, and another attempt is worth it: a watched key changed, or moved. */
  readonly isConflict: (error: unknown) => boolean;
  /** One attempt over the lease's connection, which is clean. */
  readonly perform: (lease: Lease) => Promise<unknown>;
}

/** Pauses grow up to this, in milliseconds. */
const BACKOFF = { firstMs: 2, longestMs: 128 };
/** How long is waited at most for news of where a cluster's slots are. */
const LONGEST_LOOK_MS = 500;
/** A connection may have been closed by the server while it rested. */
const MAX_STALE = 3;

/**
 * Runs an optimistic transaction over an isolated connection, again after a conflict. Settles
 * within `timeoutMs`, whatever `perform` does. A conflicting transaction keeps its connection, so
 * that not more of them compete than there are connections; one that was refused because the
 * deployment rearranges itself looks for another, which may lead elsewhere.
 */
export async function runTransaction(
  executor: Executor,
  { keys, maxAttempts, timeoutMs, isConflict, perform }: TransactionSetting,
): Promise<unknown> {
  const end = executor.begin();
  const { loop, coordinator } = executor;
  const { clock, random } = coordinator.runtime;
  const deadline = loop.time + loop.tickMs + timeoutMs;
  let lease = executor.transactionConnections.acquire(deadline, keys);
  let refusal: Error | undefined;
  let late: Error | undefined;
  const timer = loop.after(timeoutMs, () => {
    const message = `the transaction took longer than ${timeoutMs} ms`;
    const tooLong = (details: MultiDbErrorDetails) =>
      new CommandTimeoutError(message, { ...details, cause: refusal });
    const { maybeExecuted, database } = lease;
    late = tooLong({ maybeExecuted, databaseId: database?.id });
    lease.abort(tooLong);
    endPause();
  });
  const { pauses } = executor.transactionConnections;
  let endPause = () => {};
  /** Ends with the transaction's time, and with the client. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const end = () => {
        pausing.cancel();
        pauses.delete(end);
        resolve();
      };
      const pausing = clock.after(Math.ceil(ms), end, { keepAlive: true });
      pauses.add(end);
      endPause = end;
      if (late !== undefined || !executor.isAlive) end();
    });

  try {
    let stale = 0;
    let calls = 0;
    for (let turn = 1; ; turn += 1) {
      if (late !== undefined) throw late;
      if (lease.ended !== undefined)
        lease = executor.transactionConnections.acquire(deadline, keys);
      await lease.ready;
      lease.begin();
      try {
        const performed = perform(lease);
        performed.catch(() => {});
        return await Promise.race([performed, lease.aborted]);
      } catch (error) {
        if (isStale(error, lease) && stale < MAX_STALE) {
          stale += 1;
          turn -= 1;
          continue;
        }
        if (lease.entered) calls += 1;
        if (calls >= maxAttempts || !isConflict(error)) throw error;
      }
      refusal = lease.refusal;
      const { channel } = lease;
      const isClean = await lease.tidy().catch(() => false);
      // Another connection may lead elsewhere. A cluster's next one goes where its slot is by then.
      const { shards } = lease.database?.driver ?? {};
      if (refusal !== undefined || !isClean) lease.give(isClean && shards !== undefined);
      if (refusal !== undefined) {
        const look = channel?.database.driver.shards?.refresh(channel.connection.node);
        await Promise.race([look, pause(LONGEST_LOOK_MS)]);
        endPause();
      }
      await pause(random() * backoffMs(BACKOFF, turn - 1));
    }
  } finally {
    timer.cancel();
    lease.release();
    end();
  }
}

/** The connection was lost before the callback was called. */
function isStale(error: unknown, lease: Lease): boolean {
  return !lease.entered && isMultiDbError(error) && error.code === 'CONNECTION_LOST';
}
