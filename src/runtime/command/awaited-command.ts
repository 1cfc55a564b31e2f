import type { CommandArgument } from '../../core/command-argument.js';
import type { CommandTraits } from '../../core/command-risk.js';
import type { Batch } from '../../drivers/driver.js';
import { Command } from './command.js';
import type { CommandOptions } from './command-options.js';

type Settle = (value: unknown) => void;

/**
 * A command that is awaited directly: it settles the promise of an `async` function that returns
 * it, without another promise in between. It must be awaited exactly once.
 */
export class AwaitedCommand extends Command {
  /** Settles the awaiting caller; set if the command settled before it was awaited. */
  outcome: ((resolve: Settle, reject: Settle) => void) | undefined;

  constructor(
    sequence: number,
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
    traits: CommandTraits,
    deadline: number,
    batch?: Batch,
  ) {
    super(sequence, args, options, batch, traits, deadline, keepReply, keepError);
  }

  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for.
  then(resolve: Settle, reject: Settle): void {
    if (this.outcome !== undefined) {
      this.outcome(resolve, reject);
      return;
    }
    this.resolve = resolve;
    this.reject = reject;
  }
}

function keepReply(this: AwaitedCommand, reply: unknown): void {
  this.outcome = (resolve) => resolve(reply);
}

function keepError(this: AwaitedCommand, error: unknown): void {
  this.outcome = (_, reject) => reject(error);
}
