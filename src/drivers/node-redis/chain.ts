import type { CommandArgument } from '../../core/command-argument.js';
import { noteBatchErrors } from '../batch-errors.js';
import type { Batch } from '../driver.js';

/** A batch as a driver sends it. The driver adds these two properties; the engine sets neither. */
export interface WireBatch extends Batch {
  /** Sent behind ASKING, which applies to what follows it: one command, or one transaction. */
  readonly asking?: boolean;
  /** The reply is the settled result of each command, even if some failed. */
  readonly each?: boolean;
}

/** Whether the batch is one command that is sent as it is. */
export function isPlain({ kind, asking }: WireBatch): boolean {
  return kind === 'single' && asking !== true;
}

/** Commands that are sent back to back on one connection, and how their replies are combined. */
export interface Chain {
  readonly commands: readonly {
    readonly args: readonly CommandArgument[];
    readonly typeMapping: unknown;
  }[];
  /** Index of the command whose writing makes the whole chain count as written. */
  readonly telling: number;
  /** The reply of the chain: that of the last command, all replies, or each settled result. */
  readonly answer: 'last' | 'all' | 'each';
}

/**
 * A transaction counts as written only when its EXEC was written: the server discards a transaction
 * whose end it did not see. A pipeline counts as written with its first command.
 */
export function chainOf(batch: WireBatch, typeMapping: unknown): Chain {
  const { kind, asking = false } = batch;
  const mapped = (args: readonly CommandArgument[]) => ({ args, typeMapping });
  const commands = batch.commands.map(mapped);
  const before = asking ? [mapped(['ASKING'])] : [];
  if (kind !== 'multi') {
    const answer = batch.each ? 'each' : asking ? 'last' : 'all';
    return { commands: [...before, ...commands], telling: before.length, answer };
  }
  const all = [...before, mapped(['MULTI']), ...commands];
  const exec = { args: ['EXEC'], typeMapping: batch.execTypeMapping };
  return { commands: [...all, exec], telling: all.length, answer: 'last' };
}

/** Returns the reply of the chain. Throws the first error, unless each result is wanted. */
export function answerOf(chain: Chain, results: readonly PromiseSettledResult<unknown>[]): unknown {
  if (chain.answer === 'each') return results;
  const replies = results.map((result) => {
    if (result.status === 'fulfilled') return result.value;
    noteBatchErrors(result.reason, results);
    throw result.reason;
  });
  return chain.answer === 'last' ? replies.at(-1) : replies;
}
