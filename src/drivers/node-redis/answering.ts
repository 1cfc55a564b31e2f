import { channel } from 'node:diagnostics_channel';
import type { CommandOptions } from '../../runtime/command.js';
import type { CommandArgument } from '../driver.js';
import type { Internals } from './facade.js';

/** What node-redis's methods call with an encoded command. */
type Execute = (
  this: Internals,
  command: unknown,
  parser: { readonly redisArgs: readonly CommandArgument[] },
  commandOptions: CommandOptions | undefined,
  transformReply: unknown,
) => unknown;

type Answer = (
  view: Internals,
  args: readonly CommandArgument[],
  options: CommandOptions | undefined,
) => unknown;

/** On it node-redis publishes every reply. */
const REPLIES = channel('node-redis:command:reply');

/**
 * node-redis's `_executeCommand`, through which all its methods go, awaits `sendCommand` and
 * transforms the reply. Where there is nothing to transform, and nobody listens to the replies,
 * `answer` does: it saves each command a promise and a turn of the microtask queue.
 */
export function answeringMembers(facade: Internals, answer: Answer): { _executeCommand: Execute } {
  const { _executeCommand: execute } = facade as unknown as { _executeCommand: Execute };
  return {
    _executeCommand(command, parser, commandOptions, transformReply) {
      const args = parser.redisArgs;
      // HIMPORT has a registry of its own on the client.
      if (transformReply !== undefined || REPLIES.hasSubscribers || args[0] === 'HIMPORT') {
        return execute.call(this, command, parser, commandOptions, transformReply);
      }
      return answer(this, args, commandOptions);
    },
  };
}
