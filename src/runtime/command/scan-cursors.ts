import type { CommandArgument } from '../../core/command-argument.js';
import type { DatabaseAddress } from '../../drivers/driver.js';
import type { Database } from '../database.js';
import type { Command } from './command.js';
import type { CursorOrigin } from './cursor-owner.js';
import type { SentAttempt } from './sent-attempt.js';

/**
 * Maximum number of cursors that are remembered; the one that was returned longest ago is dropped
 * first.
 */
const MAX_CURSORS = 10_000;

/**
 * Records which server returned which cursor. A cursor has no meaning, or another one, on any other
 * server, including the new master of the same database and the same server after a restart:
 * elements would be skipped silently.
 *
 * A cursor of another database is refused before it is sent. The identity of the server is asked
 * for on the connection itself, ahead of the cursor, and compared when the reply arrives; a page
 * from another server is discarded. This adds no round trip, and costs nothing for commands that do
 * not scan.
 *
 * Covers SCAN, HSCAN, SSCAN, ZSCAN and FT.CURSOR READ. A cursor that was never seen here (from
 * another process) is sent like any command.
 */
export class ScanCursors {
  /** By command, key and cursor; equal cursors may have been returned several times. */
  readonly #origins = new Map<string, readonly CursorOrigin[]>();

  /**
   * Returns a database other than `active` that may have returned the cursor of `command`, if any.
   */
  otherThan(active: Database, command: Command): Database | undefined {
    const cursor = cursorIn(command.args);
    const origins = cursor === undefined ? undefined : this.#origins.get(cursor);
    return origins?.find(({ database }) => database !== active)?.database;
  }

  /** Asks for the server's identity ahead of a cursor, once the lane is known. */
  prepare({ command, lane }: SentAttempt): void {
    if (!lane.isWaitingRoom && cursorIn(command.args) !== undefined) void lane.server;
  }

  /**
   * Records the cursor in a reply. Returns false if the reply is for a cursor that another server
   * returned.
   */
  note(attempt: SentAttempt, reply: readonly unknown[]): boolean {
    const { args, options } = attempt.command;
    const { driver } = attempt.channel.database;
    const given = cursorIn(args);
    const next = cursorOut(args, reply);
    if (given === undefined && next === undefined) return true;
    const pass = options?.pass;
    const from = pass?.origin;
    const origins = pass === undefined ? this.#origins.get(given ?? '') : from && [from];
    const holds = given === undefined || isHeldBy(attempt, driver, args, origins ?? []);
    if (!holds) return false;
    if (pass !== undefined) pass.note(attempt);
    else {
      if (given !== undefined) this.#use(given, attempt);
      if (next !== undefined) this.#add(next, attempt);
    }
    return true;
  }

  /** Forgets a cursor that was used. */
  #use(cursor: string, { channel, lane }: SentAttempt): void {
    const origins = [...(this.#origins.get(cursor) ?? [])];
    const used = origins.findIndex(
      ({ database, server }) => database === channel.database && server.equals(lane.server),
    );
    if (used >= 0) origins.splice(used, 1);
    else origins.pop();
    if (origins.length === 0) this.#origins.delete(cursor);
    else this.#origins.set(cursor, origins);
  }

  #add(cursor: string, { channel, lane }: SentAttempt): void {
    const known = this.#origins.get(cursor) ?? [];
    this.#origins.delete(cursor);
    this.#origins.set(cursor, [...known, { database: channel.database, server: lane.server }]);
    if (this.#origins.size <= MAX_CURSORS) return;
    for (const oldest of this.#origins.keys()) {
      this.#origins.delete(oldest);
      return;
    }
  }
}

/** Whether the server that replied is the one that returned the cursor. */
function isHeldBy(
  { lane }: SentAttempt,
  driver: DatabaseAddress,
  args: readonly CommandArgument[],
  origins: readonly CursorOrigin[],
): boolean {
  // On a cluster the driver scans all nodes, and knows the server of each page.
  if (driver.shards !== undefined && nameOf(args) === 'SCAN') return true;
  return origins.every(({ server }) => server.equals(lane.server));
}

/**
 * Returns the command, key and cursor that `args` continue with; `undefined` if they start a scan
 * or are none.
 */
function cursorIn(args: readonly CommandArgument[]): string | undefined {
  const name = nameOf(args);
  switch (name) {
    case 'SCAN':
      return String(args[1]) === '0' ? undefined : `SCAN ${String(args[1])}`;
    case 'HSCAN':
    case 'SSCAN':
    case 'ZSCAN':
      return String(args[2]) === '0' ? undefined : `${name} ${String(args[1])} ${String(args[2])}`;
    case 'FT.CURSOR':
      return isRead(args) ? `FT.CURSOR ${String(args[2])} ${String(args[3])}` : undefined;
    default:
      return undefined;
  }
}

/** Returns the same for the cursor in the reply. */
function cursorOut(
  args: readonly CommandArgument[],
  [first, second]: readonly unknown[],
): string | undefined {
  const name = nameOf(args);
  const next = cursorText(name.startsWith('FT.') ? second : first);
  if (next === undefined || next === '0') return undefined;
  switch (name) {
    case 'SCAN':
      return `SCAN ${next}`;
    case 'HSCAN':
    case 'SSCAN':
    case 'ZSCAN':
      return `${name} ${String(args[1])} ${next}`;
    case 'FT.AGGREGATE':
      return args.some(isWithCursor) ? `FT.CURSOR ${String(args[1])} ${next}` : undefined;
    case 'FT.CURSOR':
      return isRead(args) ? `FT.CURSOR ${String(args[2])} ${next}` : undefined;
    default:
      return undefined;
  }
}

/** Replies of other commands may hold objects here, which have no text. */
function cursorText(value: unknown): string | undefined {
  return typeof value === 'object' && !(value instanceof Uint8Array) ? undefined : String(value);
}

const nameOf = (args: readonly CommandArgument[]) => String(args[0]).toUpperCase();
const isRead = (args: readonly CommandArgument[]) => String(args[1]).toUpperCase() === 'READ';
const isWithCursor = (arg: CommandArgument) => String(arg).toUpperCase() === 'WITHCURSOR';
