import { refusalOf, SUBSCRIPTION_COMMANDS } from '../refusals.js';

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
  ...SUBSCRIPTION_COMMANDS.map((name): [string, string] => [name, PUBSUB]),
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
  ...['REPLY', 'TRACKING', 'CACHING', 'CAPA'].map((sub): [string, string] => [
    `CLIENT ${sub}`,
    ONE_CONNECTION,
  ]),
]);

/**
 * Why a raw command is refused; `undefined` if it is not. Accepts upper, lower and mixed case, and
 * Buffers.
 */
export const refusal = refusalOf(REFUSED_COMMANDS);
