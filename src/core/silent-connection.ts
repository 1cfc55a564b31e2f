import type { CommandArgument } from '../drivers/driver.js';

/**
 * Whether a connection that has been silent on this side is dead, by what its server said of it over
 * a new connection. `answer`: the reply to CLIENT LIST ID with its id; undefined: the server could
 * not be asked that, and answered something else.
 *
 * A server that is still working for the connection says that it is blocked (`b`): by a module's
 * thread, CLIENT PAUSE, WAIT. One that is not has sent its answer, or never got the command. One
 * that does not know the connection has lost it. Without that information only a command that
 * takes no time proves anything.
 */
export function isDead(answer: unknown, headIsQuick: boolean): boolean {
  if (typeof answer !== 'string') return headIsQuick;
  if (answer.trim() === '') return true;
  const flags = /\bflags=(\w+)/.exec(answer)?.[1];
  if (flags === undefined) return headIsQuick;
  return !flags.includes('b');
}

/** Commands that may take a server seconds, or that it does on a thread beside others. */
const SLOW =
  /^(EVAL|EVALSHA|FCALL|TFCALL|KEYS|SORT|FLUSH|SWAPDB|SAVE|DEBUG|MIGRATE|RESTORE|COPY|RENAME|UNLINK|DEL|SINTER|SUNION|SDIFF|ZINTER|ZUNION|ZDIFF|GEO|BIT|MEMORY|SCRIPT|FUNCTION|CONFIG|CLIENT|CLUSTER|WAIT|SCAN)|[._]|^[^A-Z]/;

/** Whether a server that answers others answers this command at once. */
export function isQuick(commands: readonly (readonly CommandArgument[])[]): boolean {
  return commands.every(([name]) => !SLOW.test(String(name).toUpperCase()));
}
