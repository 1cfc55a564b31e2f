import { asksForReplicas, commandTraits } from '../core/command-category.js';
import { mayWrite } from '../core/command-risk.js';
import { UnsupportedError } from '../errors.js';

type Arguments = readonly (string | Buffer)[];

/** Commands that begin or end a subscription. */
export const SUBSCRIPTION_COMMANDS: readonly string[] = [
  ...['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE'],
  ...['UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE'],
];

/**
 * Returns a function that tells why a raw command is refused; `undefined` if it is not. `reasons` is
 * by name, or `NAME SUBCOMMAND`, in upper case. The function accepts upper, lower and mixed case, and
 * Buffers.
 */
export function refusalOf(
  reasons: ReadonlyMap<string, string>,
): (args: Arguments) => UnsupportedError | undefined {
  /** First words of the refused commands, for a fast check. */
  const firstWords: ReadonlySet<string> = new Set(
    [...reasons.keys()].flatMap((name) => {
      const [first = ''] = name.split(' ');
      return [first, first.toLowerCase()];
    }),
  );
  const longest = Math.max(...[...firstWords].map((word) => word.length));

  return (args) => {
    const name = args[0];
    if (name === undefined || name.length > longest) return undefined;
    if (typeof name === 'string' && !firstWords.has(name) && isOneCase(name)) return undefined;
    const command = String(name).toUpperCase();
    const subcommand = `${command} ${String(args[1]).toUpperCase()}`;
    for (const refused of [command, subcommand]) {
      const why = reasons.get(refused);
      if (why !== undefined) return new UnsupportedError(`${refused}: ${why}`);
    }
    return undefined;
  };
}

/**
 * Why a batch is refused as a whole. WAIT and WAITAOF concern the earlier writes of their
 * connection: within MULTI they do not wait, and a pipeline without a write may use any connection.
 */
export function batchRefusal(
  kind: 'multi' | 'pipeline',
  commands: readonly Arguments[],
): UnsupportedError | undefined {
  const at = commands.findIndex(asksForReplicas);
  if (at < 0) return undefined;
  const name = String(commands[at]?.[0]).toUpperCase();
  if (kind === 'multi') {
    return new UnsupportedError(`${name}: it does not wait inside MULTI; send it after exec()`);
  }
  const isBehindWrite = commands
    .slice(0, at)
    .some((args) => mayWrite(commandTraits(args).category));
  if (isBehindWrite) return undefined;
  return new UnsupportedError(`${name}: in a pipeline it must follow a write`);
}

/** Whether a name is all upper or all lower case; names in mixed case are checked in full. */
function isOneCase(name: string): boolean {
  const first = name.charCodeAt(0) & 0x20;
  for (let index = 1; index < name.length; index += 1) {
    const code = name.charCodeAt(index);
    const isLetter = (code | 0x20) >= 97 && (code | 0x20) <= 122;
    if (isLetter && (code & 0x20) !== first) return false;
  }
  return true;
}
