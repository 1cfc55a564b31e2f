import type { Clock } from '../../clock.js';
import type { Database } from '../database.js';
import type { HealthMonitor } from './health-monitor.js';
import { RenewalLimit } from './renewal-limit.js';

/** Called when the connections of a database are to be replaced although it is not left. */
export type RenewalListener = (database: Database, why: Error) => void;

/**
 * Replaces the connections of one database, for every client of the group, without a failover. A
 * new connection is opened beside the old one and takes its place once it is ready. Until then the
 * old one serves, and its commands in flight finish there.
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

  /** Replaces all connections: for commands, probes, subscriptions and transactions. */
  renewAll(database: Database, why: Error): void {
    const monitor = this.monitors.get(database);
    if (monitor === undefined) return;
    for (const { commands } of [monitor.lines, monitor.sideLines]) commands.supersede();
    this.#renewOthers(database, why);
  }

  /**
   * Replaces all connections except the one of a check that passed, which is new already and
   * contradicts the errors on the others: that of the full checks, or with `bySide` that of the gates and
   * of the checks of writes. Has no effect shortly after such a renewal (`RenewalLimit`).
   */
  followProbes(database: Database, why: Error, bySide = false): void {
    if (!this.#limit.allows(database)) return;
    const monitor = this.monitors.get(database);
    const others = bySide ? monitor?.lines : monitor?.sideLines;
    others?.commands.supersede();
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
