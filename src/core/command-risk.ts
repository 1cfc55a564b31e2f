/**
 * From harmless to dangerous:
 *
 * - `connection`: concerns the connection alone (PING, HELLO)
 * - `read`: changes nothing, or nothing that a repeat would change again (GET, EVAL_RO)
 * - `checked-write`: a repeat finds what the first run left and does nothing, though it may answer
 *   differently (SET NX, XADD with an explicit id)
 * - `last-write-wins`: a repeat leaves the same state, but overwrites what others wrote in between
 *   (SET, DEL, HSET, EXPIRE)
 * - `accumulating`: a repeat leaves another state, or hands out other data (INCR, LPUSH, scripts)
 * - `admin`: concerns the server or all its data (CONFIG SET, FLUSHALL, SHUTDOWN)
 * - `never`: not repeated under any option (EXEC, blocking pops)
 *
 * Beside them `database-bound`: means something on one database only (a cursor, WAIT), so that
 * it must not be sent to another.
 */
export type CommandCategory =
  | 'connection'
  | 'read'
  | 'checked-write'
  | 'last-write-wins'
  | 'accumulating'
  | 'admin'
  | 'never'
  | 'database-bound';

/** Values of `commandRetry.safety`. */
export type RetrySafety = Exclude<CommandCategory, 'never' | 'database-bound'>;

/** In order of increasing risk. */
export const RETRY_SAFETIES: readonly RetrySafety[] = Object.freeze([
  'connection',
  'read',
  'checked-write',
  'last-write-wins',
  'accumulating',
  'admin',
] as const);

/**
 * Whether a command with an unknown outcome may be sent again. A command that was certainly not
 * executed may always be sent again. Always false for `never` and `database-bound`.
 */
export function mayRepeat(category: CommandCategory, safety: RetrySafety): boolean {
  return RISK[category] <= RISK[safety];
}

/** Whether a command of this category may change data. */
export function mayWrite(category: CommandCategory): boolean {
  return category !== 'read' && category !== 'connection' && category !== 'database-bound';
}

export const RISK: Readonly<Record<CommandCategory, number>> = Object.freeze({
  connection: 0,
  read: 1,
  'checked-write': 2,
  'last-write-wins': 3,
  accumulating: 4,
  admin: 5,
  never: Number.POSITIVE_INFINITY,
  'database-bound': Number.POSITIVE_INFINITY,
});

export interface CommandTraits {
  readonly category: CommandCategory;
  /**
   * `undefined`: does not block. Otherwise the longest time in ms that the server may wait before
   * it answers, above 2^31-1 too; Infinity: indefinitely; 0: a timeout that the server will reject.
   */
  readonly blockMs: number | undefined;
  /** What the command concerns besides data; absent for all others. */
  readonly concerns?: CommandConcern | undefined;
}

/**
 * - `script`: calls a script by its digest (EVALSHA)
 * - `script-cache`: changes which scripts a server knows (SCRIPT LOAD, SCRIPT FLUSH)
 * - `connection-setting`: sets what is to hold for all connections of a client (CLIENT SETNAME)
 */
export type CommandConcern = 'script' | 'script-cache' | 'connection-setting';
