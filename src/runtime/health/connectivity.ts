import type { Timer } from '../../clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';

export interface ConnectivityListener {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  /** The database's data connection could not be established within one probe timeout. */
  onConnectionFailed(database: Database): void;
}

/** Share of a probe's timeout after which a connection that is not there is looked into. */
const INSPECTED_AFTER = 0.25;

/**
 * Whether data connections can be established. A database whose can't, within one probe timeout,
 * can't serve, whatever its probes say.
 */
export class Connectivity {
  readonly #timers = new Map<Database, Timer>();
  readonly #inspections = new Map<Database, AbortController>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly listener: ConnectivityListener,
  ) {}

  /** Starts to wait for the connection, unless there is one or somebody waits already. */
  await(database: Database): void {
    const monitor = this.listener.monitors.get(database);
    if (monitor === undefined || database.connected || this.#timers.has(database)) return;
    database.unconnectedSince = this.runtime.clock.now();
    const timer = this.runtime.loop.after(monitor.probeTimeoutMs, () => {
      this.#over(database);
      if (!database.connected) this.#fail(database);
    });
    this.#timers.set(database, timer);
    if (!database.wasConnected) this.#inspect(database, monitor.probeTimeoutMs * INSPECTED_AFTER);
  }

  /** A mistake of configuration that only silence shows is found before the time is over. */
  #inspect(database: Database, afterMs: number): void {
    const { driver } = database;
    if (driver.inspectPort === undefined) return;
    const inspection = new AbortController();
    const { signal } = inspection;
    this.#inspections.get(database)?.abort();
    this.#inspections.set(database, inspection);
    this.runtime.loop.after(afterMs, () => {
      if (signal.aborted || database.connectionError !== undefined) return;
      driver.inspectPort?.(signal).then((found) => {
        if (found !== undefined && !signal.aborted) database.connectionError ??= found;
      });
    });
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

  /** The same, with what was known before forgotten. */
  awaitAnew(database: Database): void {
    if (database.connected) return;
    database.connectionFailed = false;
    this.await(database);
  }

  established(database: Database): void {
    this.rest(database);
    database.connectionFailed = false;
    database.connectionError = undefined;
    database.wasConnected = true;
  }

  /** It is known before the time is over that none can be. */
  fail(database: Database): void {
    if (database.connectionFailed) return;
    this.await(database);
    this.#over(database);
    this.#fail(database);
  }

  /** Nobody waits: its links rest until it is needed, or it is gone. */
  rest(database: Database): void {
    this.#over(database);
    database.unconnectedSince = undefined;
  }
}
