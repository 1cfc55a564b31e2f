import type { CommandArgument } from '../../core/command-argument.js';
import type { FindPlace } from '../../drivers/node-redis/tracing.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';

/** What the facade hands commands to. */
export interface CommandSink {
  send(args: readonly CommandArgument[], options: CommandOptions | undefined): Promise<unknown>;
  /** As `send`, awaited in an `async` function, and once. */
  answer?(
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
  ): PromiseLike<unknown>;
  sendBatch(
    kind: 'multi' | 'pipeline',
    commands: readonly (readonly CommandArgument[])[],
    options: CommandOptions | undefined,
  ): Promise<unknown>;
  /** Rejects after a turn of the event loop, or who tries again at once would stop it. */
  refuse(error: Error): Promise<never>;
  /** For node-redis's traces. */
  readonly place?: FindPlace;
}

/** The parts of a node-redis client that the facade touches. */
export interface Internals {
  _self: Internals;
  readonly _clientId?: string;
  _commandOptions: CommandOptions | undefined;
  withCommandOptions(options: object): Internals;
}

/** Own, not enumerable, and not to be replaced by accident. */
export function define(target: object, members: object): void {
  for (const key of Reflect.ownKeys(members)) {
    const descriptor = Object.getOwnPropertyDescriptor(members, key) as PropertyDescriptor;
    Object.defineProperty(target, key, { ...descriptor, enumerable: false, configurable: true });
  }
}
