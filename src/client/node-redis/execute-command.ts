import { channel } from 'node:diagnostics_channel';
import type { CommandArgument } from '../../core/command-argument.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { Internals } from './internals.js';

/** Members that the methods of node-redis call with an encoded command. */
type Execute = (
  this: Internals,
  command: unknown,
  parser: { readonly redisArgs: readonly CommandArgument[]; readonly preserve?: unknown },
  commandOptions: CommandOptions | undefined,
  transformReply: TransformReply | undefined,
) => unknown;

type TransformReply = (reply: unknown, preserve: unknown, typeMapping: unknown) => unknown;

type Answer = (
  view: Internals,
  args: readonly CommandArgument[],
  options: CommandOptions | undefined,
) => PromiseLike<unknown>;

/** Channel on which node-redis publishes every reply. */
const REPLIES = channel('node-redis:command:reply');

/**
 * Replaces `_executeCommand` of node-redis, which all its methods call (those of commands have direct
 * methods instead, see `direct-methods.ts`) and which awaits `sendCommand` and transforms the reply. If nobody listens to replies, `answer` is awaited instead,
 * which saves each command a promise and a turn of the microtask queue. It handles replies with and
 * without a transformation, so that callers get replies in order.
 */
export function answeringMembers(facade: Internals, answer: Answer): { _executeCommand: Execute } {
  const { _executeCommand: execute } = facade as unknown as { _executeCommand: Execute };
  return {
    _executeCommand(command, parser, commandOptions, transformReply) {
      const args = parser.redisArgs;
      // HIMPORT has a registry of its own on the client.
      if (REPLIES.hasSubscribers || args[0] === 'HIMPORT') {
        return execute.call(this, command, parser, commandOptions, transformReply);
      }
      const answered = answer(this, args, commandOptions);
      if (transformReply === undefined) return answered;
      return transformed(answered, (reply) =>
        transformReply(reply, parser.preserve, commandOptions?.typeMapping),
      );
    },
  };
}

/** To be awaited once, as `answered` is. */
function transformed(answered: PromiseLike<unknown>, transform: (reply: unknown) => unknown) {
  return {
    // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for.
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
      answered.then(transforming(transform, resolve, reject), reject);
    },
  };
}

/** Receives a reply and settles a promise with what becomes of it. */
export function transforming(
  transform: (reply: unknown) => unknown,
  resolve: (value: unknown) => void,
  reject: (error: unknown) => void,
): (reply: unknown) => void {
  return (reply) => {
    let value: unknown;
    try {
      value = transform(reply);
    } catch (error) {
      // A transformation of the application, of a module or function. Nothing else may get the reply.
      reject(error);
      return;
    }
    resolve(value);
  };
}
