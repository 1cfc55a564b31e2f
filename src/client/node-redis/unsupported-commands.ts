import { asksForReplicas, commandTraits } from '../../core/command-category.js';
import { mayWrite } from '../../core/command-risk.js';
import { UnsupportedError } from '../../errors.js';

/**
 * Members and commands that would change the state of one connection or bypass the engine, with
 * their replacements. They are refused at once, as a method and as a raw command, because the next
 * switch would lose their effect.
 */
const PUBSUB = 'use subscribe(), pSubscribe() or sSubscribe(), which follow the active database';
const TRANSACTION = 'it applies to a single connection; use `client.transaction(keys, fn)`';
const MONITOR =
  'it shows the commands of a single server; use a separate node-redis client for that server';
const DATABASE = 'set `database` in the options of each database instead';
const NOTHING_TO_RESET = 'there is nothing to reset, because connection state is refused';
const ONE_CONNECTION = 'it applies to a single connection and would be lost at the next switch';

/** Refused methods; those in `SYNCHRONOUS` throw, the others reject. */
export const REFUSED_METHODS: Readonly<Record<string, string>> = {
  SELECT: DATABASE,
  select: DATABASE,
  WATCH: TRANSACTION,
  watch: TRANSACTION,
  UNWATCH: TRANSACTION,
  unwatch: TRANSACTION,
  setDirtyWatch: TRANSACTION,
  MONITOR,
  monitor: MONITOR,
  reset: NOTHING_TO_RESET,
  resetIfDirty: NOTHING_TO_RESET,
  reAuthenticate:
    'use a `credentialsProvider` of type streaming-credentials-provider, which updates every connection',
  createPool: "set `topology: 'pool'` in the options of each database instead",
};

export const SYNCHRONOUS: ReadonlySet<string> = new Set(['createPool', 'setDirtyWatch']);

/** Refused raw commands, by name or `NAME SUBCOMMAND`. */
const REFUSED_COMMANDS = new Map<string, string>([
  ...['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE'].map(
    (name): [string, string] => [name, PUBSUB],
  ),
  ['SELECT', DATABASE],
  ['AUTH', 'set credentials, or a credentialsProvider, in the options'],
  ['HELLO', 'set `RESP` in the options'],
  ['RESET', NOTHING_TO_RESET],
  ['QUIT', 'call `close()`'],
  ['MONITOR', MONITOR],
  ['WATCH', TRANSACTION],
  ['UNWATCH', TRANSACTION],
  ['MULTI', 'use `multi()`'],
  ['EXEC', 'use `multi()`'],
  ['DISCARD', 'use `multi()`'],
  ['READONLY', ONE_CONNECTION],
  ['READWRITE', ONE_CONNECTION],
  ['ASKING', ONE_CONNECTION],
  ['HIMPORT', 'its field sets belong to a single connection'],
  ['SCRIPT DEBUG', 'it turns a connection that is shared with other commands into a debugger'],
  ['SYNC', 'the connection is shared with other commands'],
  ['PSYNC', 'the connection is shared with other commands'],
  ['REPLCONF', 'the connection is shared with other commands'],
  ...['REPLY', 'TRACKING', 'CACHING', 'SETNAME', 'SETINFO', 'NO-EVICT', 'NO-TOUCH', 'CAPA'].map(
    (sub): [string, string] => [`CLIENT ${sub}`, ONE_CONNECTION],
  ),
]);

/** First words of the refused commands, for a fast check. */
const FIRST_WORDS: ReadonlySet<string> = new Set(
  [...REFUSED_COMMANDS.keys()].flatMap((name) => {
    const [first = ''] = name.split(' ');
    return [first, first.toLowerCase()];
  }),
);
const LONGEST = Math.max(...[...FIRST_WORDS].map((word) => word.length));

/**
 * Why a raw command is refused; `undefined` if it is not. Accepts upper, lower and mixed case, and
 * Buffers.
 */
export function refusal(args: readonly (string | Buffer)[]): UnsupportedError | undefined {
  const name = args[0];
  if (name === undefined || name.length > LONGEST) return undefined;
  if (typeof name === 'string' && !FIRST_WORDS.has(name) && isOneCase(name)) return undefined;
  const command = String(name).toUpperCase();
  const subcommand = `${command} ${String(args[1]).toUpperCase()}`;
  for (const refused of [command, subcommand]) {
    const why = REFUSED_COMMANDS.get(refused);
    if (why !== undefined) return new UnsupportedError(`${refused}: ${why}`);
  }
  return undefined;
}

/**
 * Why a batch is refused as a whole. WAIT and WAITAOF concern the earlier writes of their
 * connection: within MULTI they do not wait, and a pipeline without a write may use any connection.
 */
export function batchRefusal(
  kind: 'multi' | 'pipeline',
  commands: readonly (readonly (string | Buffer)[])[],
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
