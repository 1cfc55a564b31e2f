import type { CommandArgument } from '../../core/command-argument.js';
import type { Driver } from '../../drivers/driver.js';
import type { Database } from '../database.js';
import type { Command } from './command.js';
import type { CursorOrigin } from './cursor-owner.js';
import type { SentAttempt } from './sent-attempt.js';

/** Cursors that are remembered; the one that was handed out longest ago goes first. */
const MAX_CURSORS = 10_000;

/**
 * Which server handed out which cursor. A cursor means nothing, or something else, on another one,
 * also on the new master of the same database or on the same server after a restart: elements
 * would be skipped silently.
 *
 * A cursor of another database is refused before it is sent. Which server a connection leads to is
 * asked on the connection itself, ahead of the cursor, and compared when the reply is there: a page
 * of another server is discarded. So it costs nothing but for who scans, and no round trip.
 *
 * Knows SCAN, HSCAN, SSCAN, ZSCAN and FT.CURSOR READ. A cursor that was never seen here (of another
 * process) goes where commands go.
 */
export class ScanCursors {
  /** By command, key and cursor; equal cursors may have been handed out several times. */
  readonly #origins = new Map<string, readonly CursorOrigin[]>();

  /** A database beside `active` that may have handed out the cursor of `command`, if any. */
  otherThan(active: Database, command: Command): Database | undefined {
    const cursor = cursorIn(command.args);
    const origins = cursor === undefined ? undefined : this.#origins.get(cursor);
    return origins?.find(({ database }) => database !== active)?.database;
  }

  /** Has the server asked for its name ahead of a cursor, once its lane is known. */
  prepare({ command, lane }: SentAttempt): void {
    if (!lane.isWaitingRoom && cursorIn(command.args) !== undefined) void lane.server;
  }

  /** Notes what a reply hands out. False: it answers a cursor that another server handed out. */
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

  /** The cursor is used up. */
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

/** Whether the server that answered is the one, whichever it was, that handed out its cursor. */
function isHeldBy(
  { lane }: SentAttempt,
  driver: Driver,
  args: readonly CommandArgument[],
  origins: readonly CursorOrigin[],
): boolean {
  // Over all nodes of a cluster the driver scans, which knows the server of each page.
  if (driver.shards !== undefined && nameOf(args) === 'SCAN') return true;
  return origins.every(({ server }) => server.equals(lane.server));
}

/** What `args` go on with: command, key and cursor; `undefined` if they begin, or are no scan. */
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

/** The same of what the reply hands out. */
function cursorOut(
  args: readonly CommandArgument[],
  [first, second]: readonly unknown[],
): string | undefined {
  const name = nameOf(args);
  const next = name.startsWith('FT.') ? String(second) : String(first);
  if (next === '0') return undefined;
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

const nameOf = (args: readonly CommandArgument[]) => String(args[0]).toUpperCase();
const isRead = (args: readonly CommandArgument[]) => String(args[1]).toUpperCase() === 'READ';
const isWithCursor = (arg: CommandArgument) => String(arg).toUpperCase() === 'WITHCURSOR';
