import type { Timer } from '../../clock.js';
import { evaluateInitializationPolicy } from '../../core/initialization-policy.js';
import { isBetter, isUsable, type Prefer, selectBest } from '../../core/selection.js';
import { InitializationFailedError, type InitializationFailure } from '../../errors.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Connectivity } from '../health/connectivity.js';

/** Owns the databases to start with, and is told the first active one. */
export interface StartupHost {
  phase: 'new' | 'starting' | 'running' | 'ended';
  readonly health: {
    readonly connectivity: Connectivity;
    askAnew(database: Database): void;
  };
  all(): Database[];
  run(database: Database, cause: string, lastResort: boolean): void;
  readonly preference: { readonly prefer: Prefer | undefined };
  /** Steering determines which database comes first. */
  readonly steering: { readonly isOn: boolean; readonly isKnown: boolean };
}

/** Interval between two checks of databases that are not up yet, in milliseconds. */
const RETRY_MS = 500;

/**
 * From `connect()` to the first active database. It ends as soon as the initialization policy is
 * met, but waits until `initialWaitMs` for a better database whose verdict is pending, for whether a
 * database of `writable: 'auto'` takes writes, and for the first answer of each steering source. It does not wait for a database that is known to be down.
 * While the policy can't be met, databases are asked again until `keepConnectingMs` is over.
 */
export class Initialization {
  #startedAt = 0;
  #timer: Timer | undefined;
  /** The next check while the policy can't be met. */
  #retry: Timer | undefined;
  #settle: ((error?: InitializationFailedError) => void) | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: StartupHost,
  ) {}

  begin(settle: (error?: InitializationFailedError) => void): void {
    this.#startedAt = this.runtime.clock.now();
    this.#settle = settle;
    this.host.phase = 'starting';
  }

  evaluate(): void {
    if (this.host.phase !== 'starting') return;
    const databases = this.host.all();
    const { options } = this.runtime;
    const { verdict } = evaluateInitializationPolicy(options.initializationPolicy, {
      available: databases.filter(isUsable).length,
      unavailable: databases.filter(isDead).length,
      total: databases.length,
    });
    if (verdict === 'fail') this.#failOrRetry(databases);
    else if (verdict === 'success') this.#choose(databases);
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#settle = undefined;
  }

  #choose(databases: readonly Database[]): void {
    const { clock, options } = this.runtime;
    const best = selectBest(databases, clock.now(), { prefer: this.host.preference.prefer });
    if (best === undefined) {
      if (databases.every((database) => isUsable(database) || isDead(database))) {
        this.#failOrRetry(databases);
      }
      return;
    }
    const chosen = best.view as Database;
    if (chosen.links.some((link) => link.requiredForAvailability && link.idle)) {
      // A lazy database is ready when its connection is.
      for (const link of chosen.links) link.open();
      this.host.health.connectivity.await(chosen);
      return;
    }
    const better = databases.filter(
      (database) => isBetter(database, best.view) && !isUsable(database) && !isDead(database),
    );
    const waitedMs = clock.now() - this.#startedAt;
    const { initialWaitMs } = options;
    const { isOn, isKnown } = this.host.steering;
    const mayBeReplica = chosen.options.writable === 'auto' && !chosen.writabilityKnown;
    const isOpen = better.length > 0 || mayBeReplica || (isOn && !isKnown);
    if (isOpen && waitedMs < initialWaitMs) {
      this.#timer ??= clock.after(Math.ceil(initialWaitMs - waitedMs), () => {
        this.#timer = undefined;
        this.evaluate();
      });
      return;
    }
    const settle = this.#settle;
    this.end();
    const skipped = databases.filter((database) => isBetter(database, best.view));
    const cause =
      skipped.length === 0
        ? 'highest weight'
        : `${skipped.map((database) => database.id).join(', ')} not available`;
    this.host.run(chosen, cause, best.lastResort);
    settle?.();
  }

  /** Keeps the databases that are up, and asks the others again. */
  #failOrRetry(databases: readonly Database[]): void {
    if (this.#retry !== undefined) return;
    const { clock, options } = this.runtime;
    const leftMs = this.#startedAt + options.keepConnectingMs - clock.now();
    if (leftMs <= 0) {
      this.#fail(databases);
      return;
    }
    this.#retry = clock.after(Math.ceil(Math.min(RETRY_MS, leftMs)), () => {
      this.#retry = undefined;
      if (leftMs > RETRY_MS) {
        for (const database of this.host.all()) {
          if (isDead(database)) this.host.health.askAnew(database);
        }
      }
      this.evaluate();
    });
  }

  #fail(databases: readonly Database[]): void {
    const failures = databases.filter((database) => !isUsable(database)).map(initializationFailure);
    const list = failures.map(({ databaseId, reason }) => `${databaseId}: ${reason}`).join('; ');
    const settle = this.#settle;
    this.end();
    settle?.(
      new InitializationFailedError(`not enough databases are available: ${list}`, failures),
    );
  }
}

function isDead(database: Database): boolean {
  return database.health === 'unhealthy' || database.connectionFailed;
}

/** A description of what keeps the database from serving. */
export function initializationFailure(database: Database): InitializationFailure {
  const { health, cause = 'unhealthy', connectionFailed, unconnected } = database;
  const wasTried = connectionFailed || database.connectionError !== undefined;
  const otherwise = wasTried ? unconnected : 'its health is not known yet';
  const reason = health === 'unhealthy' ? cause : otherwise;
  return { databaseId: database.id, reason, cause: database.lastError ?? database.connectionError };
}
