import type { Timer } from '../../clock.js';
import { isError } from '../../is-error.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';

export interface ReachabilityHost {
  /** Whether no database serves, so that each is tried several times a second. */
  readonly isSearching: boolean;
  /** How long opening a connection may take, in milliseconds. */
  probeTimeoutMs(database: Database): number;
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
}

export interface ReachabilityListener {
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
/**
 * While no database serves, the pause is at least this many times the time that the server took to
 * accept the latest connection. A server that accepts late has more connections to accept than it can:
 * those of thousands of processes that gave up too early and ask again would keep it there.
 */
const PAUSE_PER_ANSWER = 4;
/**
 * Share of the time without any database that an unanswered attempt is followed by. In a long outage the
 * servers are asked less often, and their return is noticed hardly later in proportion.
 */
const PAUSE_PER_SEARCH = 1 / 60;
const LONGEST_PAUSE_MS = 10_000;
/** Maximum number of unanswered attempts in progress at the same time. */
const MAX_UNDER_WAY = 4;

interface Watch {
  timer: Timer | undefined;
  /** An attempt that goes on although its time is over, to find out how late the answer is. */
  patient: AbortController | undefined;
  /** Time that the server took to accept the latest connection, in milliseconds. */
  answerMs: number;
  /** Whether the latest attempt was refused, which costs the server nothing. */
  refused: boolean;
  readonly underWay: Set<AbortController>;
}

/**
 * Finds out whether new connections to a database can be established, by opening one and closing
 * it.
 *
 * - While no database serves, each is tried about four times a second, so that the first one that
 *   accepts connections again is noticed at once, however long the delays of the clients have
 *   grown. An unanswered attempt does not hold up the next one. A server that accepts connections
 *   late is asked less often.
 * - A lazy standby has no data connection that would show its state. It is tried until it was
 *   reached, and after that at the interval of its checks if they use no connection.
 */
export class Reachability {
  readonly #watches = new Map<Database, Watch>();
  /** Monotonic time at which the search began. */
  #searchingSince = 0;

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: ReachabilityHost,
    private readonly listener: ReachabilityListener,
  ) {}

  watch(database: Database): void {
    this.#watches.set(database, {
      timer: undefined,
      patient: undefined,
      answerMs: 0,
      refused: false,
      underWay: new Set(),
    });
    this.look(database);
  }

  forget(database: Database): void {
    const watch = this.#watches.get(database);
    this.#watches.delete(database);
    watch?.timer?.cancel();
    const attempts = [...(watch?.underWay ?? []), watch?.patient];
    for (const abort of attempts) abort?.abort(new Error('no longer needed'));
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
    this.#searchingSince = this.runtime.clock.now();
    for (const [database, watch] of this.#watches) {
      watch.timer?.cancel();
      watch.answerMs = 0;
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
    const timeoutMs = this.host.probeTimeoutMs(database);
    const tooLate = () => new Error(`no connection within ${timeoutMs} ms`);
    const { connectTimeoutMs } = database.driver;
    return new Promise((resolve) => {
      const fail = (error: unknown) => {
        resolve(false);
        if (this.#watches.get(database) !== watch) return;
        // A later attempt may have succeeded.
        if (startedAt >= (database.reachedAt ?? 0)) this.#fail(database, error);
      };
      let timer = loop.after(timeoutMs, () => {
        const isPatient = this.host.isSearching && watch.patient === undefined;
        if (!isPatient || connectTimeoutMs <= timeoutMs) {
          abort.abort(tooLate());
          return;
        }
        watch.underWay.delete(abort);
        watch.patient = abort;
        timer = loop.after(connectTimeoutMs - timeoutMs, () => abort.abort(tooLate()));
        fail(tooLate());
      });
      const end = () => {
        timer.cancel();
        watch.underWay.delete(abort);
        const isLate = watch.patient === abort;
        if (isLate) watch.patient = undefined;
        return isLate;
      };
      database.driver.openProbe(abort.signal).then(
        (connection) => {
          connection.destroy();
          end();
          watch.refused = false;
          watch.answerMs = clock.now() - startedAt;
          if (this.#watches.get(database) === watch) this.listener.onReached(database, startedAt);
          resolve(true);
        },
        (error) => {
          const isLate = end();
          watch.refused = !abort.signal.aborted;
          if (watch.refused) watch.answerMs = 0;
          if (!isLate) fail(error);
        },
      );
    });
  }

  #fail(database: Database, cause: unknown): void {
    // An accepted and then cut connection proves nothing yet: a proxy restarts like that.
    if (!database.driver.isCut(cause)) {
      const error = isError(cause) ? cause : new Error(String(cause));
      this.listener.onUnreachable(database, error);
    }
    const watch = this.#watches.get(database);
    const isOver = watch === undefined || watch.timer !== undefined || !this.#isWanted(database);
    if (!isOver) this.#next(database, watch, this.#pauseMs(database, watch));
  }

  #try(database: Database, watch: Watch): void {
    if (watch.underWay.size < MAX_UNDER_WAY) void this.attempt(database);
    this.#next(database, watch, this.#pauseMs(database, watch));
  }

  #next(database: Database, watch: Watch, delayMs: number): void {
    watch.timer = this.runtime.clock.after(delayMs, () => {
      watch.timer = undefined;
      if (this.#isWanted(database)) this.#try(database, watch);
    });
  }

  #isWanted(database: Database): boolean {
    if (this.host.isSearching) return true;
    return database.resting && !this.#isProven(database);
  }

  /** Whether the database was reached and its checks, if any, hold a connection that shows more. */
  #isProven(database: Database): boolean {
    if (database.reachedAt === undefined || database.connectionFailed) return false;
    const { monitors } = this.host;
    return !database.isChecked || monitors.get(database)?.lines.commands.connected === true;
  }

  #pauseMs(database: Database, watch: Watch): number {
    const { random } = this.runtime;
    const intervals = database.healthChecks.map(({ intervalMs }) => intervalMs);
    const pauseMs = this.host.isSearching
      ? this.#searchPauseMs(watch)
      : Math.min(...intervals, DEFAULT_PAUSE_MS);
    return pauseMs * (1 - JITTER * random());
  }

  #searchPauseMs({ refused, answerMs }: Watch): number {
    if (refused) return SEARCH_PAUSE_MS;
    const searchMs = this.runtime.clock.now() - this.#searchingSince;
    const pauseMs = Math.max(answerMs * PAUSE_PER_ANSWER, searchMs * PAUSE_PER_SEARCH);
    return Math.min(Math.max(pauseMs, SEARCH_PAUSE_MS), LONGEST_PAUSE_MS);
  }
}
