import type { CommandArgument } from '../../core/command-argument.js';
import type { Batch } from '../driver.js';

/** A batch as a driver sends it; what the engine gives has neither of these. */
export interface WireBatch extends Batch {
  /** Behind ASKING, which holds for what follows it: one command, or a transaction. */
  readonly asking?: boolean;
  /** The reply is how each command ended, also if some failed. */
  readonly each?: boolean;
}

/** Commands back to back on one connection, and what they mean together. */
export interface Chain {
  readonly commands: readonly {
    readonly args: readonly CommandArgument[];
    readonly typeMapping: unknown;
  }[];
  /** With the writing of this one the whole counts as written. */
  readonly telling: number;
  /** The reply of the whole: that of the last command, all replies, or how each ended. */
  readonly answer: 'last' | 'all' | 'each';
}

/**
 * A transaction counts as written only when its EXEC was: the server discards one that it did not
 * see the end of. A pipeline counts as written with its first command.
 */
export function chainOf(batch: WireBatch, typeMapping: unknown): Chain {
  const { kind, asking = false } = batch;
  const mapped = (args: readonly CommandArgument[]) => ({ args, typeMapping });
  const commands = batch.commands.map(mapped);
  const before = asking ? [mapped(['ASKING'])] : [];
  if (kind === 'pipeline') {
    const answer = batch.each ? 'each' : asking ? 'last' : 'all';
    return { commands: [...before, ...commands], telling: before.length, answer };
  }
  const all = [...before, mapped(['MULTI']), ...commands];
  // As node-redis does, EXEC's reply is not mapped.
  const exec = { args: ['EXEC'], typeMapping: undefined };
  return { commands: [...all, exec], telling: all.length, answer: 'last' };
}

/** The reply of the whole; throws the first error, unless each counts. */
export function answerOf(chain: Chain, results: readonly PromiseSettledResult<unknown>[]): unknown {
  if (chain.answer === 'each') return results;
  const replies = results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  return chain.answer === 'last' ? replies.at(-1) : replies;
}
