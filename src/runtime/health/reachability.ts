import type { Timer } from '../../clock.js';
import { isError } from '../../is-error.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';

export interface ReachabilityListener {
  /** Whether no database serves, so that each is tried several times a second. */
  readonly isSearching: boolean;
  /** How long opening a connection may take, in milliseconds. */
  probeTimeoutMs(database: Database): number;
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  /** A new connection was established by an attempt that began at `startedAt` (monotonic). */
  onReached(database: Database, startedAt: number): void;
  /** No connection could be established. */
  onUnreachable(database: Database, error: Error): void;
}

/**
 * Pause between two attempts while no database serves, in milliseconds; shorter by a random part.
 */
const SEARCH_PAUSE_MS = 300;
/** Pause between two attempts to reach a lazy standby that has no health check, in milliseconds. */
const DEFAULT_PAUSE_MS = 5000;
const JITTER = 0.3;
/** Maximum number of unanswered attempts in progress at the same time. */
const MAX_UNDER_WAY = 4;

interface Watch {
  timer: Timer | undefined;
  readonly underWay: Set<AbortController>;
}

/**
 * Finds out whether new connections to a database can be established, by opening one and closing
 * it.
 *
 * - While no database serves, each is tried about four times a second, so that the first one that
 *   accepts connections again is noticed at once, however long the delays of the clients have
 *   grown. An unanswered attempt does not hold up the next one.
 * - A lazy standby has no data connection that would show its state. It is tried until it was
 *   reached, and after that at the interval of its checks if they use no connection.
 */
export class Reachability {
  readonly #watches = new Map<Database, Watch>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly listener: ReachabilityListener,
  ) {}

  watch(database: Database): void {
    this.#watches.set(database, { timer: undefined, underWay: new Set() });
    this.look(database);
  }

  forget(database: Database): void {
    const watch = this.#watches.get(database);
    this.#watches.delete(database);
    watch?.timer?.cancel();
    for (const abort of watch?.underWay ?? []) abort.abort(new Error('no longer needed'));
  }

  /** Checks whether the database needs to be tried now. */
  look(database: Database): void {
    const watch = this.#watches.get(database);
    if (watch === undefined || !this.#isWanted(database)) return;
    watch.timer?.cancel();
    this.#try(database, watch);
  }

  /** No database serves any more: probes start at once, attempts follow with random offsets. */
  search(): void {
    for (const [database, watch] of this.#watches) {
      watch.timer?.cancel();
      this.#next(database, watch, SEARCH_PAUSE_MS * this.runtime.random());
    }
  }

  /** Resolves to whether a new connection could be made within the probe timeout. */
  attempt(database: Database): Promise<boolean> {
    const watch = this.#watches.get(database);
    if (watch === undefined) return Promise.resolve(false);
    const { clock, loop } = this.runtime;
    const abort = new AbortController();
    watch.underWay.add(abort);
    const startedAt = clock.now();
    const timeoutMs = this.listener.probeTimeoutMs(database);
    const timer = loop.after(timeoutMs, () =>
      abort.abort(new Error(`no connection within ${timeoutMs} ms`)),
    );
    const end = () => {
      timer.cancel();
      watch.underWay.delete(abort);
      return this.#watches.get(database) === watch;
    };
    return database.driver.openProbe(abort.signal).then(
      (connection) => {
        connection.destroy();
        if (!end()) return false;
        this.listener.onReached(database, startedAt);
        return true;
      },
      (error) => {
        // A later attempt may have succeeded.
        if (end() && startedAt >= (database.reachedAt ?? 0)) this.#fail(database, error);
        return false;
      },
    );
  }

  #fail(database: Database, cause: unknown): void {
    // An accepted and then cut connection proves nothing yet: a proxy restarts like that.
    if (!database.driver.isCut(cause)) {
      const error = isError(cause) ? cause : new Error(String(cause));
      this.listener.onUnreachable(database, error);
    }
    const watch = this.#watches.get(database);
    const isOver = watch === undefined || watch.timer !== undefined || !this.#isWanted(database);
    if (!isOver) this.#next(database, watch, this.#pauseMs(database));
  }

  #try(database: Database, watch: Watch): void {
    if (watch.underWay.size < MAX_UNDER_WAY) void this.attempt(database);
    this.#next(database, watch, this.#pauseMs(database));
  }

  #next(database: Database, watch: Watch, delayMs: number): void {
    watch.timer = this.runtime.clock.after(delayMs, () => {
      watch.timer = undefined;
      if (this.#isWanted(database)) this.#try(database, watch);
    });
  }

  #isWanted(database: Database): boolean {
    if (this.listener.isSearching) return true;
    return database.resting && !this.#isProven(database);
  }

  /** Whether the database was reached and its checks, if any, hold a connection that shows more. */
  #isProven(database: Database): boolean {
    if (database.reachedAt === undefined || database.connectionFailed) return false;
    const { monitors } = this.listener;
    return !database.isChecked || monitors.get(database)?.lines.commands.connected === true;
  }

  #pauseMs(database: Database): number {
    const { random } = this.runtime;
    const intervals = database.healthChecks.map(({ intervalMs }) => intervalMs);
    const pauseMs = this.listener.isSearching
      ? SEARCH_PAUSE_MS
      : Math.min(...intervals, DEFAULT_PAUSE_MS);
    return pauseMs * (1 - JITTER * random());
  }
}
