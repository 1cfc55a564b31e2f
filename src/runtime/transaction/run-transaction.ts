import { backoffMs } from '../../core/backoff.js';
import type { CommandArgument } from '../../core/command-argument.js';
import { CommandTimeoutError, isMultiDbError, type MultiDbErrorDetails } from '../../errors.js';
import type { ClientContext } from '../command/client-context.js';
import type { Lease } from './lease.js';
import type { TransactionConnections } from './transaction-connections.js';

/** The client of a transaction. */
export interface TransactionClient extends ClientContext {
  readonly transactionConnections: TransactionConnections;
  /** Counts the transaction as pending; throws if it is refused. The returned function ends it. */
  begin(): () => void;
}

export interface TransactionSetting {
  /** The keys of the transaction; on a cluster they determine the node. */
  readonly keys: readonly CommandArgument[];
  /** Maximum number of calls of the callback; only a conflict is retried. */
  readonly maxAttempts: number;
  /**
   * Timeout in milliseconds for everything: the wait for a connection, all attempts and the pauses
   * between them.
   */
  readonly timeoutMs: number;
  /**
   * Whether the error is a conflict, such as a changed or moved key: nothing was executed, and
   * another attempt may succeed.
   */
  readonly isConflict: (error: unknown) => boolean;
  /** Makes one attempt over the lease's connection, which is clean. */
  readonly perform: (lease: Lease) => Promise<unknown>;
}

/** Growing pauses between attempts, in milliseconds. */
const BACKOFF = { firstMs: 2, longestMs: 128 };
/** Longest wait for the rediscovery of a cluster's slots, in milliseconds. */
const LONGEST_LOOK_MS = 500;
/** Maximum number of retries after the server has closed an idle connection. */
const MAX_STALE = 3;

/**
 * Runs an optimistic transaction over an isolated connection, and again after a conflict. Settles
 * within `timeoutMs`, whatever `perform` does. A conflicting transaction keeps its connection, so
 * that no more of them compete than there are connections. A transaction that was refused because
 * the deployment is being reorganised gives it up for another one, which may lead to another
 * server.
 */
export async function runTransaction(
  client: TransactionClient,
  { keys, maxAttempts, timeoutMs, isConflict, perform }: TransactionSetting,
): Promise<unknown> {
  const end = client.begin();
  const { loop, coordinator } = client;
  const { clock, random } = coordinator.runtime;
  const deadline = loop.time + loop.tickMs + timeoutMs;
  let lease = client.transactionConnections.acquire(deadline, keys);
  let refusal: Error | undefined;
  let late: Error | undefined;
  const timer = loop.after(timeoutMs, () => {
    const message = `the transaction took longer than ${timeoutMs} ms`;
    const tooLong = (details: MultiDbErrorDetails) =>
      new CommandTimeoutError(message, { ...details, cause: refusal ?? lease.refusal });
    const { maybeExecuted, database } = lease;
    late = tooLong({ maybeExecuted, databaseId: database?.id });
    lease.abort(tooLong);
    endPause();
  });
  const { pauses } = client.transactionConnections;
  let endPause = () => {};
  /** Resolves after `ms`, when the transaction's time is over, or when the client ends. */
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
      if (late !== undefined || !client.isAlive) end();
    });

  try {
    let stale = 0;
    let calls = 0;
    for (let turn = 1; ; turn += 1) {
      if (late !== undefined) throw late;
      if (lease.ended !== undefined) lease = client.transactionConnections.acquire(deadline, keys);
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
      // Another connection may lead to another server. On a cluster the next one goes to the node
      // of its slot.
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

/** Whether the connection was lost before the callback was called. */
function isStale(error: unknown, lease: Lease): boolean {
  return !lease.entered && isMultiDbError(error) && error.code === 'CONNECTION_LOST';
}
