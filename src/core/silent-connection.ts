import type { CommandArgument } from './command-argument.js';

/**
 * Whether a connection that has been silent on this side is dead, by what its server said of it over
 * a new connection. `answer`: the reply to CLIENT LIST ID with its id; undefined: the server could
 * not be asked that, and answered something else.
 *
 * A server that is still working for the connection says that it is blocked (`b`): by a module's
 * thread, CLIENT PAUSE, WAIT. One that is not has sent its answer, or never got the command. One
 * that does not know the connection has lost it; on another server the same id may be that of a
 * client which is blocked by another command. Without that information only a command that takes
 * no time proves anything.
 *
 * `commands`: what heads the silent connection, one command or a batch.
 */
export function isDead(answer: unknown, commands: Commands): boolean {
  if (typeof answer !== 'string') return isQuick(commands);
  if (answer.trim() === '') return true;
  const flags = /\bflags=(\w+)/.exec(answer)?.[1];
  if (flags === undefined) return isQuick(commands);
  if (!flags.includes('b')) return true;
  const blockedBy = /\bcmd=(\w+)/.exec(answer)?.[1];
  return commands.length === 1 && blockedBy !== String(commands[0]?.[0]).toLowerCase();
}

type Commands = readonly (readonly CommandArgument[])[];

/** Commands that may take a server seconds, or that it does on a thread beside others. */
const SLOW =
  /^(EVAL|EVALSHA|FCALL|TFCALL|KEYS|SORT|FLUSH|SWAPDB|SAVE|DEBUG|MIGRATE|RESTORE|COPY|RENAME|UNLINK|DEL|SINTER|SUNION|SDIFF|ZINTER|ZUNION|ZDIFF|GEO|BIT|MEMORY|SCRIPT|FUNCTION|CONFIG|CLIENT|CLUSTER|WAIT|SCAN)|[._]|^[^A-Z]/;

/** Whether a server that answers others answers this command at once. */
function isQuick(commands: Commands): boolean {
  return commands.every(([name]) => !SLOW.test(String(name).toUpperCase()));
}
