import type { CommandArgument } from '../../core/command-argument.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { TraceSource } from '../traced-call.js';

/** The receiver of the facade's commands. */
export interface CommandSink {
  send(args: readonly CommandArgument[], options: CommandOptions | undefined): Promise<unknown>;
  /** Like `send`, for a single `await` in an `async` function. */
  answer?(
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
  ): PromiseLike<unknown>;
  /** Like `send`, for a caller that has the functions of a promise. */
  call?(
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ): void;
  sendBatch(
    kind: 'multi' | 'pipeline',
    commands: readonly (readonly CommandArgument[])[],
    options: CommandOptions | undefined,
  ): Promise<unknown>;
  /**
   * Rejects after a turn of the event loop, so that a caller that retries at once does not block
   * it.
   */
  refuse(error: Error): Promise<never>;
  /** Validates what `withHedging()` was given. Absent: nothing is hedged. */
  hedgingOf?(value: unknown): CommandOptions['hedging'];
  /** For the traces of node-redis. Absent: a facade without a client is not traced. */
  readonly source?: TraceSource;
}

/** The parts of a node-redis client that the facade touches. */
export interface Internals {
  _self: Internals;
  readonly _clientId?: string;
  _commandOptions: CommandOptions | undefined;
  withCommandOptions(options: object): Internals;
}
