import { WatchError } from '@redis/client';
import type { CommandArgument } from '../../core/command-argument.js';
import type { Batch } from '../../drivers/driver.js';
import { ClientClosedError, InvalidOptionError } from '../../errors.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { Lease } from '../../runtime/transaction/lease.js';
import { runTransaction } from '../../runtime/transaction/run-transaction.js';
import { conflictOf, keysOf, prefixed, settingOf } from '../transaction-call.js';
import { closed, type Face } from './face.js';
import type { Transport } from './send-command.js';

/** Members that would outlive a transaction, or concern its client. */
export const OF_THE_CLIENT: readonly string[] = [
  ...['connect', 'close', 'destroy', 'disconnect', 'end', 'quit', 'ref', 'unref'],
  ...['duplicate', 'transaction', 'monitor'],
];

/** `transaction()`: the keys without their prefix, the callback, and its options. */
export type TransactionCall = [keys: unknown, fn: (tx: unknown) => unknown, options?: unknown];

/**
 * Runs an optimistic transaction. `createView` returns a client whose commands go over the leased
 * connection.
 */
export async function performTransaction(
  face: Face,
  [keys, fn, options]: TransactionCall,
  createView: (connection: Transport) => unknown,
): Promise<unknown> {
  const given = keysOf(keys);
  if (typeof fn !== 'function') throw new InvalidOptionError('fn', 'a function', fn);
  const { maxAttempts, timeoutMs } = settingOf(options);
  const { session, errors, redis } = face;
  if (face.isBetween) await new Promise<void>((resolve) => face.whenDecided(resolve));
  const { executor } = session;
  if (executor === undefined) throw closed();
  const keyPrefix = redis.options.keyPrefix as CommandArgument | undefined;
  const watched = keyPrefix ? given.map((key) => prefixed(keyPrefix, key)) : given;
  try {
    return await runTransaction(executor, {
      keys: watched,
      maxAttempts,
      timeoutMs: timeoutMs ?? executor.coordinator.runtime.options.commandDeadlineMs,
      isConflict: (error) => error instanceof WatchError,
      perform: async (lease) => {
        const connection = new LeasedConnection(lease);
        try {
          const tx = createView(connection);
          if (watched.length > 0) await connection.send(['WATCH', ...watched]);
          lease.entered = true;
          const result = await fn(tx);
          const value = isPipeline(result) ? await result.exec() : result;
          // `exec()` of ioredis answers null where node-redis throws.
          if (connection.isInConflict) throw new WatchError();
          return value;
        } finally {
          connection.isOpen = false;
        }
      },
    });
  } catch (error) {
    throw errors.of(error);
  }
}

/** The connection of one attempt of a transaction. */
class LeasedConnection implements Transport {
  isOpen = true;
  /** The latest EXEC was refused because a watched key had changed. */
  isInConflict = false;

  constructor(private readonly lease: Lease) {}

  async send(
    args: readonly CommandArgument[],
    options?: CommandOptions,
    batch?: Batch,
  ): Promise<unknown> {
    const { lease } = this;
    if (!this.isOpen) {
      return lease.refuse(lease.ended ?? new ClientClosedError('the transaction is over'));
    }
    try {
      const reply = await lease.send(args, options, batch);
      if (batch?.kind === 'multi') this.isInConflict = reply === null;
      return reply;
    } catch (error) {
      throw lease.isRefusal(error as Error) ? conflictOf(lease, error as Error) : error;
    }
  }

  answer(args: readonly CommandArgument[], options?: CommandOptions): Promise<unknown> {
    return this.send(args, options);
  }
}

/** A `multi()` or `pipeline()` that the callback returns without executing it. */
function isPipeline(value: unknown): value is { exec(): Promise<unknown> } {
  const { exec, isPipeline: is } = (value ?? {}) as Record<string, unknown>;
  return is === true && typeof exec === 'function';
}
