import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { RouteSource } from '../route.js';
import type { Connectivity, ConnectivityListener } from './connectivity.js';
import type { Suspicion } from './health-check.js';
import type { HealthListener } from './health-listener.js';
import type { HealthMonitor } from './health-monitor.js';
import type { Reachability, ReachabilityListener } from './reachability.js';
import type { Verification } from './verification.js';

/** What the state of connections concerns. */
export interface ConnectionReportsHost {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  readonly connectivity: Connectivity;
  readonly reachability: Reachability;
  readonly verification: Pick<Verification, 'onAnswered'>;
  readonly isSearching: boolean;
  suspect(database: Database, suspicion: Suspicion): void;
}

/**
 * Records in each database what its connections show: that they are ready, were lost, rest or can't
 * be established. A lost connection makes the database suspect.
 */
export class ConnectionReports implements ConnectivityListener, ReachabilityListener {
  /** While no database serves: the databases that accept connections. */
  readonly #reached = new Set<Database>();

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock'>,
    router: RouteSource,
    private readonly host: ConnectionReportsHost,
    private readonly listener: HealthListener,
  ) {
    router.listen(({ to }) => {
      if (to.database !== undefined) return;
      this.#reached.clear();
      host.reachability.search();
    });
  }

  onReady(database: Database): void {
    database.reachedAt = this.#now;
    if (!database.connected) return;
    this.host.connectivity.established(database);
    if (database.health === 'healthy') database.failingSince = undefined;
    else this.host.monitors.get(database)?.suspect();
    this.listener.changed(database);
  }

  /** A connection was lost (`wasReady`), or could not be established. */
  onLost(database: Database, error: Error, { wasReady }: { readonly wasReady: boolean }): void {
    database.lastError = error;
    database.connectionError = error;
    // Without health checks, a refusal is the verdict.
    if (wasReady || database.isChecked || database.driver.isCut(error)) {
      this.host.connectivity.await(database);
    } else this.host.connectivity.fail(database);
    this.host.suspect(database, { fresh: true });
    this.listener.changed(database);
  }

  /** One lane was lost: not a failure of the database, but a reason to probe it. */
  onLaneLost(database: Database, error: Error): void {
    database.lastError = error;
    this.host.suspect(database, { fresh: true });
  }

  /**
   * A new connection was established by an attempt that began at `startedAt` (monotonic). While no
   * database serves, this wakes everything that waits for the database.
   */
  onReached(database: Database, startedAt: number): void {
    database.reachedAt = this.#now;
    this.onAnswered(database);
    if (database.resting) {
      this.host.connectivity.established(database);
      if (database.health === 'healthy') database.failingSince = undefined;
    }
    if (this.host.isSearching) {
      const isFirst = !this.#reached.has(database);
      this.#reached.add(database);
      for (const link of [...database.links]) link.hurry(startedAt);
      const monitor = database.health === 'healthy' ? undefined : this.host.monitors.get(database);
      if (isFirst) monitor?.restart();
      else monitor?.suspect();
    }
    this.listener.changed(database);
  }

  /** The server of the database has answered over a connection that carries no commands of callers. */
  onAnswered(database: Database): void {
    this.host.verification.onAnswered(database);
  }

  onUnreachable(database: Database, error: Error): void {
    this.#reached.delete(database);
    if (!database.resting) return;
    database.lastError = error;
    database.connectionError = error;
    this.host.connectivity.fail(database);
  }

  /** The connections of the database rest until it is needed. */
  onResting(database: Database): void {
    this.host.connectivity.rest(database);
    this.host.reachability.look(database);
  }

  onConnectionFailed(database: Database): void {
    this.listener.changed(database, 'unavailable');
  }

  /** A client has left: connections that only it lacked are no failure any more. */
  onMemberLeft(): void {
    for (const database of this.host.monitors.keys()) {
      if (database.connected && !database.resting) this.host.connectivity.established(database);
      else this.host.connectivity.await(database);
    }
    this.listener.changed();
  }

  onSilent(database: Database, since: number, error: Error): void {
    database.lastError = error;
    database.connectionError = error;
    database.failingSince ??= since;
    this.host.connectivity.fail(database);
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}
