import type { Clock } from '../../clock.js';
import type { Database } from '../database.js';
import type { HealthMonitor } from './health-monitor.js';
import { RenewalLimit } from './renewal-limit.js';

/** A database's connections are to be replaced, while it is not left. */
export type RenewalListener = (database: Database, why: Error) => void;

/**
 * Replaces the connections of one database, of every client of the group, without a failover. A new
 * connection is opened beside the old one and takes its place once it is ready; what is in flight
 * on the old one finishes there. Until a new one is ready the old one serves.
 */
export class ConnectionRenewal {
  readonly #listeners = new Set<RenewalListener>();
  readonly #limit: RenewalLimit;

  constructor(
    clock: Clock,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
  ) {
    this.#limit = new RenewalLimit(clock);
  }

  /** All connections: for commands, probes, subscriptions and transactions. */
  renewAll(database: Database, why: Error): void {
    const monitor = this.monitors.get(database);
    if (monitor === undefined) return;
    for (const { commands } of [monitor.lines, monitor.sideLines]) commands.supersede();
    this.#renewOthers(database, why);
  }

  /**
   * All but those of the probes, which are new already: a check passes over them, and what was seen
   * on the others contradicts it. Nothing happens where that has led to a renewal a moment ago.
   */
  followProbes(database: Database, why: Error): void {
    if (!this.#limit.allows(database)) return;
    // Gates have a connection of their own, which nothing has contradicted.
    this.monitors.get(database)?.sideLines.commands.supersede();
    this.#renewOthers(database, why);
  }

  /** Calls back for each renewal, until the returned function is called. */
  listen(listener: RenewalListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #renewOthers(database: Database, why: Error): void {
    const monitor = this.monitors.get(database);
    for (const lines of [monitor?.lines, monitor?.sideLines]) lines?.subscriptions.renew();
    for (const listener of [...this.#listeners]) listener(database, why);
  }
}
