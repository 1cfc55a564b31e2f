import type { CommandArgument } from '../drivers/driver.js';
import type { Channel } from './channel.js';
import type { Command, SentAttempt } from './command.js';
import type { Database } from './database.js';

/** Cursors that are remembered; the one that was used longest ago goes first. */
const MAX_CURSORS = 10_000;

/** One run of an iterator over its pages: what gave out its latest cursor. */
export class Pass {
  #from: { readonly generation: number; readonly channel: Channel } | undefined;

  /**
   * `byConnection`: a cursor ends with its connection as well, since nobody knows whether it is the
   * same server behind the next one.
   */
  constructor(private readonly byConnection: boolean) {}

  get database(): Database | undefined {
    return this.#from?.channel.database;
  }

  note({ generation, channel }: SentAttempt): void {
    this.#from = { generation, channel };
  }

  /** Whether its cursor means anything there; without one yet it does not matter. */
  holds(generation: number, channel: Channel | undefined): boolean {
    if (this.#from === undefined) return true;
    if (this.#from.generation !== generation) return false;
    return !this.byConnection || this.#from.channel === channel;
  }
}

/**
 * Which database handed out which cursor. A cursor means nothing, or something else, on another
 * database: it would silently skip elements there.
 *
 * Knows SCAN, HSCAN, SSCAN and ZSCAN. A cursor that was never seen here (of another process) goes
 * where commands go.
 */
export class Cursors {
  /** By command, key and cursor: the databases that handed it out; two may hand out the same. */
  readonly #databases = new Map<string, ReadonlySet<Database>>();

  /** A database beside `active` that may have handed out the cursor of `command`, if any. */
  otherThan(active: Database, command: Command): Database | undefined {
    const scan = scanOf(command.args);
    if (scan === undefined) return undefined;
    const known = this.#databases.get(scan.prefix + scan.cursor);
    return [...(known ?? [])].find((each) => each !== active);
  }

  /** Notes the cursor in a reply; the one that it answers is used up. */
  note(attempt: SentAttempt, reply: readonly unknown[]): void {
    const { command } = attempt;
    const scan = scanOf(command.args);
    if (scan === undefined) return;
    const pass = command.options?.pass;
    if (pass !== undefined) {
      pass.note(attempt);
      return;
    }
    this.#databases.delete(scan.prefix + scan.cursor);
    const next = String(reply[0]);
    if (next === '0') return;
    const key = scan.prefix + next;
    const known = this.#databases.get(key) ?? [];
    this.#databases.delete(key);
    this.#databases.set(key, new Set([...known, attempt.channel.database]));
    if (this.#databases.size <= MAX_CURSORS) return;
    for (const oldest of this.#databases.keys()) {
      this.#databases.delete(oldest);
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
