import type { CommandArgument } from '../drivers/driver.js';
import type { Command } from './command.js';

/** Cursors that are remembered; the one that was used longest ago goes first. */
const MAX_CURSORS = 10_000;

/**
 * Which database handed out which cursor. A cursor means nothing, or something else, on another
 * database: it would silently skip elements there.
 *
 * Knows SCAN, HSCAN, SSCAN and ZSCAN. A cursor that was never seen here (of another process) goes
 * where commands go.
 */
export class Cursors {
  readonly #databaseIds = new Map<string, string>();

  /** The database that handed out the cursor with which `command` goes on, if that is known. */
  databaseOf(command: Command): string | undefined {
    const scan = scanOf(command.args);
    return scan === undefined ? undefined : this.#databaseIds.get(scan.prefix + scan.cursor);
  }

  /** Notes the cursor in a reply; a scan that has ended is forgotten. */
  note(command: Command, reply: readonly unknown[]): void {
    const scan = scanOf(command.args);
    if (scan === undefined || command.databaseId === undefined) return;
    this.#databaseIds.delete(scan.prefix + scan.cursor);
    const next = String(reply[0]);
    if (next === '0') return;
    this.#databaseIds.set(scan.prefix + next, command.databaseId);
    if (this.#databaseIds.size <= MAX_CURSORS) return;
    for (const oldest of this.#databaseIds.keys()) {
      this.#databaseIds.delete(oldest);
      return;
    }
  }
}

interface Scan {
  readonly prefix: string;
  readonly cursor: string;
}

function scanOf(args: readonly CommandArgument[]): Scan | undefined {
  const name = String(args[0]).toUpperCase();
  switch (name) {
    case 'SCAN':
      return { prefix: 'SCAN ', cursor: String(args[1]) };
    case 'HSCAN':
    case 'SSCAN':
    case 'ZSCAN':
      return { prefix: `${name} ${String(args[1])} `, cursor: String(args[2]) };
    default:
      return undefined;
  }
}
