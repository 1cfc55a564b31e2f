import type { CommandArgument } from './command-argument.js';

/**
 * What a server says of one of its connections, by the reply to CLIENT LIST ID over another one.
 *
 * - `gone`: it knows no connection with that id
 * - `untold`: it was not asked, refuses to tell, or has another format
 */
export type ConnectionView =
  | {
      readonly kind: 'listed';
      /** By a blocking command, a module's thread, CLIENT PAUSE, WAIT. */
      readonly isBlocked: boolean;
      /** The name of its latest command, in lower case. */
      readonly command: string | undefined;
      /** How much has arrived of a command that is not complete; undefined: nothing. */
      readonly arriving: string | undefined;
    }
  | { readonly kind: 'gone' | 'untold' };

type Commands = readonly (readonly CommandArgument[])[];

const UNTOLD: ConnectionView = { kind: 'untold' };

/** `answer`: the reply to CLIENT LIST ID with `id`, or the error that came instead. */
export function connectionView(answer: unknown, id: string | undefined): ConnectionView {
  if (typeof answer !== 'string' || id === undefined) return UNTOLD;
  if (answer.trim() === '') return { kind: 'gone' };
  // A server that does not know the filter lists all of its connections.
  const entry = answer.split('\n').find((line) => line.startsWith(`id=${id} `)) ?? '';
  const flags = /\bflags=(\w+)/.exec(entry)?.[1];
  if (flags === undefined) return UNTOLD;
  const command = /\bcmd=([\w.]+)/.exec(entry)?.[1];
  const [buffered, parsed] = ['qbuf', 'argv-mem'].map((name) => numberOf(entry, name));
  const isArriving = buffered !== '0' || parsed !== '0';
  const arriving = isArriving ? `${buffered} ${parsed} ${numberOf(entry, 'multi-mem')}` : undefined;
  return { kind: 'listed', isBlocked: flags.includes('b'), command, arriving };
}

function numberOf(entry: string, field: string): string {
  return new RegExp(` ${field}=(\\d+)`).exec(entry)?.[1] ?? '0';
}

/**
 * Whether a connection that is silent on this side is dead, by what its server reports over a new
 * connection. `answer` is the reply to CLIENT LIST ID; undefined if the server could not be asked
 * and answered something else.
 *
 * A server that still works for the connection reports it as blocked (`b`): by a thread of a
 * module, CLIENT PAUSE or WAIT. Otherwise it has sent its answer or never received the command. A
 * server that does not know the connection has lost it; on another server, the same id may belong
 * to a client that another command blocks. Without that report, only a command that takes no time
 * proves anything.
 *
 * `commands`: the first command, or batch, of the silent connection.
 */
export function isDead(view: ConnectionView, commands: Commands, arrivedBefore?: string): boolean {
  if (view.kind !== 'listed') return view.kind === 'gone' || isQuick(commands);
  if (view.isBlocked) {
    const [first] = commands;
    return commands.length === 1 && view.command !== String(first?.[0]).toLowerCase();
  }
  return view.arriving === undefined || view.arriving === arrivedBefore;
}

/**
 * Whether nothing blocks where a blocking command should: the server has answered it, never got it,
 * or knows no such connection. A server that does not tell proves nothing.
 */
export function blocksNothing(view: ConnectionView): boolean {
  return view.kind === 'gone' || (view.kind === 'listed' && !view.isBlocked);
}

/** Commands that may take seconds, or that the server executes on a thread beside others. */
const SLOW =
  /^(EVAL|EVALSHA|FCALL|TFCALL|KEYS|SORT|FLUSH|SWAPDB|SAVE|DEBUG|MIGRATE|RESTORE|COPY|RENAME|UNLINK|DEL|SINTER|SUNION|SDIFF|ZINTER|ZUNION|ZDIFF|GEO|BIT|MEMORY|SCRIPT|FUNCTION|CONFIG|CLIENT|CLUSTER|WAIT|SCAN)|[._]|^[^A-Z]/;

/** Whether a server that answers other clients answers this command at once. */
function isQuick(commands: Commands): boolean {
  return commands.every(([name]) => !SLOW.test(String(name).toUpperCase()));
}
