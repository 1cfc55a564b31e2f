import type { Timer } from '../../clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';

export interface ConnectivityListener {
  /** The database's data connection could not be established within one probe timeout. */
  onConnectionFailed(database: Database): void;
}

/** Share of a probe's timeout after which a missing connection is inspected. */
const INSPECTED_AFTER = 0.25;

/**
 * Tracks whether data connections can be established. A database to which none can be, within one
 * probe timeout, can't serve, whatever its probes say.
 */
export class Connectivity {
  readonly #timers = new Map<Database, Timer>();
  readonly #inspections = new Map<Database, AbortController>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
    private readonly listener: ConnectivityListener,
  ) {}

  /** Starts to wait for the connection, unless it is ready or is already waited for. */
  await(database: Database): void {
    const monitor = this.monitors.get(database);
    if (monitor === undefined || database.connected || this.#timers.has(database)) return;
    database.unconnectedSince = this.runtime.clock.now();
    // What only repeats a known failure may be early: loop time would tick throughout an outage.
    const { clock, loop } = this.runtime;
    const time = database.connectionFailed ? clock : loop;
    const timer = time.after(monitor.probeTimeoutMs, () => {
      this.#over(database);
      if (!database.connected) this.#fail(database);
    });
    this.#timers.set(database, timer);
    if (database.wasConnected || database.connectionFailed) return;
    this.#inspect(database, monitor.probeTimeoutMs * INSPECTED_AFTER);
  }

  /** Detects a configuration mistake that only shows as silence, before the time is over. */
  #inspect(database: Database, afterMs: number): void {
    const { driver } = database;
    if (driver.inspectPort === undefined) return;
    const inspection = new AbortController();
    const { signal } = inspection;
    this.#inspections.get(database)?.abort();
    this.#inspections.set(database, inspection);
    const timer = this.runtime.loop.after(afterMs, () => {
      if (database.connectionError !== undefined) return;
      driver.inspectPort?.(signal).then((found) => {
        if (found !== undefined && !signal.aborted) database.connectionError ??= found;
      });
    });
    signal.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  #over(database: Database): void {
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
    this.#inspections.get(database)?.abort();
    this.#inspections.delete(database);
  }

  #fail(database: Database): void {
    database.connectionFailed = true;
    database.failingSince ??= database.unconnectedSince;
    this.listener.onConnectionFailed(database);
  }

  /** Like `await`, but discards earlier results. */
  awaitAnew(database: Database): void {
    if (database.connected) return;
    // A wait that only repeats the failure has begun earlier.
    if (database.connectionFailed) this.#over(database);
    database.connectionFailed = false;
    this.await(database);
  }

  established(database: Database): void {
    this.rest(database);
    database.connectionFailed = false;
    database.connectionError = undefined;
    database.wasConnected = true;
  }

  /** No connection can be established; known before the time is over. */
  fail(database: Database): void {
    if (database.connectionFailed) return;
    this.await(database);
    this.#over(database);
    this.#fail(database);
  }

  /** Stops waiting: the links of the database rest until it is needed, or it is removed. */
  rest(database: Database): void {
    this.#over(database);
    database.unconnectedSince = undefined;
  }
}
