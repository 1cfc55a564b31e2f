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
  /** By command, key and cursor: the databases that handed it out; two may hand out the same. */
  readonly #databaseIds = new Map<string, ReadonlySet<string>>();

  /** A database beside `activeId` that may have handed out the cursor of `command`, if any. */
  otherThan(activeId: string, command: Command): string | undefined {
    const scan = scanOf(command.args);
    if (scan === undefined) return undefined;
    const known = this.#databaseIds.get(scan.prefix + scan.cursor);
    return [...(known ?? [])].find((id) => id !== activeId);
  }

  /** Notes the cursor in a reply; the one that it answers is used up. */
  note(command: Command, reply: readonly unknown[]): void {
    const scan = scanOf(command.args);
    if (scan === undefined || command.databaseId === undefined) return;
    this.#databaseIds.delete(scan.prefix + scan.cursor);
    const next = String(reply[0]);
    if (next === '0') return;
    const key = scan.prefix + next;
    const known = this.#databaseIds.get(key) ?? [];
    this.#databaseIds.delete(key);
    this.#databaseIds.set(key, new Set([...known, command.databaseId]));
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
