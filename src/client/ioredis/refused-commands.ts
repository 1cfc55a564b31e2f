import type { UnsupportedError } from '../../errors.js';
import { refusalOf, SUBSCRIPTION_COMMANDS } from '../refusals.js';

const TRANSACTION = 'it applies to a single connection; use `transaction(keys, fn)`';
/** Why MONITOR and `monitor()` are refused. */
export const MONITOR =
  'it shows the commands of a single server; use a separate ioredis client for it';
const ONE_CONNECTION = 'it applies to a single connection and would be lost at the next switch';
const SHARED = 'the connection is shared with other commands';

/**
 * Commands that would change the state of one connection, by name or `NAME SUBCOMMAND`. They are
 * refused, because the next switch would lose their effect.
 */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['AUTH', 'set `username` and `password` in the options'],
  ['HELLO', 'set `protocol` and `replyMapping` in the options'],
  ['SELECT', 'set `db` in the options of each database instead'],
  ['RESET', 'there is nothing to reset, because connection state is refused'],
  ['MONITOR', MONITOR],
  ['WATCH', TRANSACTION],
  ['UNWATCH', TRANSACTION],
  ['MULTI', 'use `multi()`, which gathers the commands until `exec()`'],
  ['EXEC', 'use `multi()`, which gathers the commands until `exec()`'],
  ['DISCARD', 'use `multi()`, which gathers the commands until `exec()`'],
  ['READONLY', ONE_CONNECTION],
  ['READWRITE', ONE_CONNECTION],
  ['ASKING', ONE_CONNECTION],
  ['HIMPORT', 'its field sets belong to a single connection'],
  ['SCRIPT DEBUG', 'it turns a connection that is shared with other commands into a debugger'],
  ...['SYNC', 'PSYNC', 'REPLCONF'].map((name): [string, string] => [name, SHARED]),
  ...['REPLY', 'TRACKING', 'CACHING', 'CAPA'].map((sub): [string, string] => [
    `CLIENT ${sub}`,
    ONE_CONNECTION,
  ]),
]);

/** The names of refused commands, for tests and documentation. */
export const REFUSED_NAMES: readonly string[] = [...REFUSED.keys()];

/**
 * Commands that take another way outside of transactions. In MULTI they would reach the connection
 * that is shared with other commands, and make it a subscriber or close it.
 */
const REFUSED_IN_MULTI: ReadonlyMap<string, string> = new Map(
  [...SUBSCRIPTION_COMMANDS, 'QUIT'].map((name): [string, string] => [
    name,
    'not available in a transaction; call it on the client',
  ]),
);

const refusalByName = refusalOf(REFUSED);
const refusalByNameInMulti = refusalOf(REFUSED_IN_MULTI);

/** Why a command is refused; `undefined` if it is not. */
export function refusal(args: readonly (string | Buffer)[]): UnsupportedError | undefined {
  const refused = refusalByName(args);
  return refused === undefined || isInvalidSelect(args) ? undefined : refused;
}

/** The same for a command of a `multi()`. */
export function refusalInMulti(args: readonly (string | Buffer)[]): UnsupportedError | undefined {
  return refusal(args) ?? refusalByNameInMulti(args);
}

/** A SELECT that selects nothing; the server answers it as it answers ioredis. */
function isInvalidSelect(args: readonly (string | Buffer)[]): boolean {
  if (String(args[0]).toUpperCase() !== 'SELECT') return false;
  return args.length !== 2 || !/^-?\d+$/.test(String(args[1]));
}
