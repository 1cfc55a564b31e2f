import { ClientClosedError } from '../../errors.js';
import type { Database } from '../database.js';
import type { SubscriberConnection } from './subscriber-connection.js';

/**
 * One client's subscriber connections: one per database, and its successor beside it while it is
 * being replaced. Iterates over both.
 */
export class SubscriberConnections {
  readonly #lines = new Map<Database, SubscriberConnection>();
  readonly #successors = new Map<Database, SubscriberConnection>();

  constructor(private readonly make: (database: Database) => SubscriberConnection) {}

  get size(): number {
    return this.#lines.size;
  }

  /** Returns the connection whose messages are delivered. */
  get(database: Database): SubscriberConnection | undefined {
    return this.#lines.get(database);
  }

  *[Symbol.iterator](): Iterator<SubscriberConnection> {
    yield* this.#lines.values();
    yield* this.#successors.values();
  }

  /** Opens a connection, unless there is one. */
  open(database: Database): void {
    if (!this.#lines.has(database)) this.#lines.set(database, this.make(database));
  }

  /** Opens another connection beside a ready one. */
  renew(database: Database): void {
    const isReady = this.#lines.get(database)?.sync !== undefined;
    if (isReady && !this.#successors.has(database)) {
      this.#successors.set(database, this.make(database));
    }
  }

  /**
   * Lets the successor replace the current connection if it has everything that is wanted, or if
   * the current one is lost. Returns true if `line` was the successor and replaced it.
   */
  considerSuccessor(line: SubscriberConnection): boolean {
    const { database } = line;
    if (this.#successors.get(database) !== line) return false;
    const present = this.#lines.get(database);
    const hasAll = line.sync?.held.subscribing === 0;
    if (!hasAll && present?.sync !== undefined) return false;
    this.#successors.delete(database);
    this.#lines.set(database, line);
    present?.close(new ClientClosedError('the connection was replaced'));
    return true;
  }

  successor(database: Database): SubscriberConnection | undefined {
    return this.#successors.get(database);
  }

  close(database: Database, error: Error): void {
    for (const lines of [this.#lines, this.#successors]) {
      lines.get(database)?.close(error);
      lines.delete(database);
    }
  }

  closeAll(error: Error): void {
    for (const line of this) line.close(error);
    this.#lines.clear();
    this.#successors.clear();
  }

  /** Databases that have a connection. */
  databases(): Database[] {
    return [...this.#lines.keys()];
  }
}
