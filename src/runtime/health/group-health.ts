import { REDIRECTS } from '../../core/connect-diagnosis.js';
import { ProbeLatency } from '../../core/probe-latency.js';
import { CircuitOpenError, firstCause, UnsupportedError } from '../../errors.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { RouteSource } from '../route.js';
import { ConditionWaiters } from './condition-waiters.js';
import { ConnectionRenewal } from './connection-renewal.js';
import { ConnectionReports } from './connection-reports.js';
import { Connectivity } from './connectivity.js';
import { FailureState } from './failure-state.js';
import { GracePeriods } from './grace-periods.js';
import type { Suspicion } from './health-check.js';
import type { HealthListener } from './health-listener.js';
import { DEFAULT_TIMEOUT_MS, HealthMonitor } from './health-monitor.js';
import { HealthVerdicts } from './health-verdicts.js';
import { Reachability } from './reachability.js';
import { Slowness } from './slowness.js';
import { Verification } from './verification.js';
import { Writability } from './writability.js';

/** The latency by which databases of equal weight are chosen. */
const MEDIAN = {
  percentile: 50,
  windowSize: 9,
  minProbes: 1,
  slowAboveMs: Number.POSITIVE_INFINITY,
  fastBelowMs: 0,
};

/**
 * The recorded health of the databases of a group. Monitors, connections and breakers report their
 * observations, which are recorded here and in the parts before the listener evaluates them. Nothing
 * is decided here.
 */
export class GroupHealth {
  readonly monitors = new Map<Database, HealthMonitor>();
  readonly verdicts: HealthVerdicts;
  readonly connections: ConnectionReports;
  readonly connectivity: Connectivity;
  readonly reachability: Reachability;
  readonly verification: Verification;
  readonly grace: GracePeriods;
  readonly failureState: FailureState;
  readonly slowness: Slowness;
  readonly renewal: ConnectionRenewal;
  readonly writability: Writability;
  readonly conditions: ConditionWaiters;

  constructor(
    private readonly runtime: EngineContext,
    private readonly router: RouteSource,
    private readonly listener: HealthListener,
  ) {
    this.verdicts = new HealthVerdicts(runtime, router, this, listener);
    this.connections = new ConnectionReports(runtime, router, this, listener);
    this.connectivity = new Connectivity(runtime, this.monitors, this.connections);
    this.reachability = new Reachability(runtime, this, this.connections);
    this.conditions = new ConditionWaiters(router, this.connectivity);
    this.verification = new Verification(runtime, this);
    this.renewal = new ConnectionRenewal(runtime.clock, this.monitors);
    this.slowness = new Slowness(runtime, this, listener);
    this.writability = new Writability(runtime, this, listener);
    this.grace = new GracePeriods(runtime, () => listener.changed());
    this.failureState = new FailureState(runtime, this);
  }

  /** Starts the health checks of a database, and the wait for its data connection. */
  watch(database: Database): void {
    const monitor = new HealthMonitor(database, this.verdicts, this.connections, this.runtime);
    this.monitors.set(database, monitor);
    if (this.runtime.options.selection !== 'first') {
      database.probeLatency = new ProbeLatency(MEDIAN);
    }
    this.connectivity.await(database);
    monitor.start();
    this.writability.watch(database);
    this.reachability.watch(database);
  }

  addCheck(database: Database, check: ResolvedHealthCheck): void {
    this.monitors.get(database)?.add(check);
    this.reachability.look(database);
    this.listener.changed(database);
  }

  /** Ends the checks of this name; what the others say counts alone. */
  removeChecks(database: Database, name: string): void {
    this.monitors.get(database)?.remove(name);
    this.reachability.look(database);
    this.listener.changed(database);
  }

  unwatch(database: Database): void {
    this.monitors.get(database)?.close();
    this.monitors.delete(database);
    this.reachability.forget(database);
    this.grace.forget(database);
    this.slowness.forget(database);
    this.writability.forget(database);
    this.connectivity.rest(database);
  }

  end(): void {
    for (const database of [...this.monitors.keys()]) this.unwatch(database);
    this.slowness.end();
    this.verification.end();
    this.conditions.end();
  }

  // Observations.

  /**
   * Announced maintenance is not a failure: for `forMs` milliseconds the active database is not
   * left for it. At its end one probe decides again.
   */
  onMaintenance(database: Database, forMs: number): void {
    const monitor = this.monitors.get(database);
    database.maintenanceEndsAt = this.#now + (forMs || (monitor?.probeTimeoutMs ?? 0));
    if (forMs === 0 && database.health === 'unhealthy') monitor?.suspect({ fresh: true });
    this.listener.changed(database);
  }

  /** Reported once: no health check would show why some commands fail. */
  onRedirected(database: Database): void {
    if (database.redirects || database.options.topology === 'cluster') return;
    database.redirects = true;
    this.runtime.emit('error', new UnsupportedError(`${database.id}: ${REDIRECTS}`));
  }

  onBreakerOpened(database: Database): void {
    const { failures, total } = database.circuit.metrics(this.#now);
    const { id } = database;
    database.failingSince ??= this.#now;
    database.lastError = new CircuitOpenError(`${failures} of ${total} commands failed`, {
      databaseId: id,
      cause: firstCause(database.lastError, 'CIRCUIT_OPEN'),
    });
    database.counters.breakerOpened += 1;
    this.grace.begin(database);
    this.runtime.emit('breaker-open', { id, at: timestamp(this.runtime), failures, total });
    this.suspect(database, { fresh: true });
    this.listener.changed(database);
  }

  /** Notes a sign of failure: starts a probe round, or hurries the current one. */
  suspect(
    database: Database,
    suspicion: Suspicion & { readonly stateWord?: string | undefined },
  ): void {
    if (suspicion.stateWord === 'READONLY' && database.mayBeReadOnly) {
      this.writability.onRefused(database);
      return;
    }
    const monitor = this.monitors.get(database);
    if (monitor?.hasChecks) database.failingSince ??= this.#now;
    monitor?.suspect(suspicion);
    if (this.isActive(database)) this.verification.askStandbys(database);
  }

  /** Asks again whether the database can serve; its verdict is pending. */
  askAnew(database: Database): void {
    if (database.resting) database.reachedAt = undefined;
    this.connectivity.awaitAnew(database);
    this.reachability.look(database);
    this.monitors.get(database)?.suspect({ fresh: true });
  }

  probeAll(): void {
    for (const monitor of this.monitors.values()) monitor.suspect({ fresh: true });
  }

  // Queries.

  /** Whether no database serves any more. */
  get isSearching(): boolean {
    const { database, generation } = this.router.route;
    return database === undefined && generation > 0;
  }

  isActive(database: Database): boolean {
    return this.router.route.database === database;
  }

  probeTimeoutMs(database: Database): number {
    return this.monitors.get(database)?.probeTimeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}
