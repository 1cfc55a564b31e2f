import { REDIRECTS } from '../../core/connect-diagnosis.js';
import type { DatabaseFailure } from '../../core/database-failure.js';
import { ProbeLatency } from '../../core/probe-latency.js';
import { isUsable } from '../../core/selection.js';
import { CircuitOpenError, firstCause, UnsupportedError } from '../../errors.js';
import type { DatabaseHealthyEvent, MultiDbEvents } from '../../events.js';
import { ownError } from '../../foreign/own-error.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { ProbeRecord } from '../probe-record.js';
import type { RouteSource } from '../route.js';
import { ConditionWaiters } from './condition-waiters.js';
import { ConnectionRenewal } from './connection-renewal.js';
import { Connectivity, type ConnectivityListener } from './connectivity.js';
import { GracePeriods } from './grace-periods.js';
import type { Suspicion } from './health-check.js';
import {
  DEFAULT_TIMEOUT_MS,
  HealthMonitor,
  type HealthMonitorListener,
  type Verdict,
} from './health-monitor.js';
import type { ProbeLines } from './probe-target.js';
import { Reachability, type ReachabilityListener } from './reachability.js';
import { Slowness, type SlownessHost } from './slowness.js';
import { Verification, type VerificationHost } from './verification.js';
import { Writability } from './writability.js';

/** The latency by which databases of equal weight are chosen. */
const MEDIAN = {
  percentile: 50,
  windowSize: 9,
  minProbes: 1,
  slowAboveMs: Number.POSITIVE_INFINITY,
  fastBelowMs: 0,
};

/** Decides on the basis of the recorded health. */
export interface HealthListener {
  /**
   * There is new information about `database`. `unavailable`: a verdict says that it can't serve
   * for now.
   */
  changed(database?: Database, verdict?: 'unavailable'): void;
  /** The latency of a database has changed, by which databases are chosen. */
  onLatency(): void;
  /** Like `SlownessHost.leaveSlow`. */
  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean;
}

/**
 * The recorded health of the databases of a group. Monitors, connections and breakers report their
 * observations, which are recorded here before the listener evaluates them. This class decides
 * nothing.
 */
export class GroupHealth
  implements
    HealthMonitorListener,
    ConnectivityListener,
    ReachabilityListener,
    VerificationHost,
    SlownessHost
{
  readonly monitors = new Map<Database, HealthMonitor>();
  readonly connectivity: Connectivity;
  readonly reachability: Reachability;
  readonly verification: Verification;
  readonly grace: GracePeriods;
  readonly slowness: Slowness;
  readonly renewal: ConnectionRenewal;
  readonly writability: Writability;
  readonly watchers = new ConditionWaiters();
  /** While no database serves: the databases that accept connections. */
  readonly #reached = new Set<Database>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly router: RouteSource,
    private readonly listener: HealthListener,
  ) {
    this.connectivity = new Connectivity(runtime, this);
    this.reachability = new Reachability(runtime, this);
    this.verification = new Verification(runtime, this);
    this.renewal = new ConnectionRenewal(runtime.clock, this.monitors);
    this.slowness = new Slowness(runtime, this);
    this.writability = new Writability(runtime, this);
    this.grace = new GracePeriods(runtime, () => listener.changed());
    router.listen(({ to }) => {
      if (to.database !== undefined) return;
      this.#reached.clear();
      this.reachability.search();
    });
  }

  /** Starts the health checks of a database, and the wait for its data connection. */
  watch(database: Database): void {
    const monitor = new HealthMonitor(database, this, this.runtime);
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
    this.watchers.end();
  }

  // Observations.

  onProbe(database: Database, record: ProbeRecord): void {
    database.lastProbe = record;
    database.counters.noteProbe(record);
    this.#noteLatency(database, record);
    const { counters, onProbe } = this.runtime;
    if (database.membership === 'member') onProbe?.(database.id, record, counters);
  }

  /** Only the first full check: the probes of others do something else. */
  #noteLatency(database: Database, { healthy, check, latencyMs }: ProbeRecord): void {
    const { probeLatency, healthChecks } = database;
    if (probeLatency === undefined || !healthy) return;
    if (healthChecks.find(({ role }) => role === 'full')?.name !== check) return;
    probeLatency.add(latencyMs);
    this.listener.onLatency();
  }

  onOutdated(database: Database, why: Error): void {
    this.renewal.followProbes(database, why);
  }

  onRefuted(database: Database, stateWord: string, bySide = false): void {
    const message = `a command was refused (${stateWord}), and a check over a new connection passes`;
    this.renewal.followProbes(database, ownError(message), bySide);
  }

  onMoved(database: Database, why: Error): void {
    this.renewal.renewAll(database, why);
  }

  onGates(database: Database, cause: string | undefined): void {
    const wereOpen = database.gatesOpen;
    noteGates(database, cause);
    if (wereOpen !== database.gatesOpen) this.listener.changed(database);
  }

  onHealthVerdict(database: Database, { healthy, cause, error }: Verdict): void {
    if (error !== undefined) database.lastError = error;
    const before = database.health;
    const { id } = database;
    const at = timestamp(this.runtime);
    database.health = healthy ? 'healthy' : 'unhealthy';
    database.verifiedFor = database.incarnation;
    database.cause = cause;
    if (healthy) {
      if (!database.connectionFailed) database.failingSince = undefined;
      if (before !== 'healthy') {
        // Links that wait before a reconnect need not wait any longer.
        for (const link of [...database.links]) link.hurry(0);
        this.#tell(database, 'database-healthy', this.#healthyEvent(database));
      }
    } else {
      database.failingSince ??= this.verification.unansweredSince(database) ?? this.#now;
      if (before !== 'unhealthy') {
        const why = cause ?? 'unhealthy';
        this.#tell(database, 'database-unhealthy', { id, cause: why, error, at });
      }
    }
    this.listener.changed(database, healthy ? undefined : 'unavailable');
  }

  onConnected(database: Database): void {
    database.reachedAt = this.#now;
    if (!database.connected) return;
    this.connectivity.established(database);
    if (database.health === 'healthy') database.failingSince = undefined;
    else this.monitors.get(database)?.suspect();
    this.listener.changed(database);
  }

  /** A connection was lost (`wasReady`), or could not be established. */
  onConnectionLost(
    database: Database,
    error: Error,
    { wasReady }: { readonly wasReady: boolean },
  ): void {
    database.lastError = error;
    database.connectionError = error;
    // Without health checks, a refusal is the verdict.
    if (wasReady || database.isChecked || database.driver.isCut(error)) {
      this.connectivity.await(database);
    } else this.connectivity.fail(database);
    this.suspect(database, { fresh: true });
    this.listener.changed(database);
  }

  /** One lane was lost: not a failure of the database, but a reason to probe it. */
  onLaneLost(database: Database, error: Error): void {
    database.lastError = error;
    this.suspect(database, { fresh: true });
  }

  /**
   * A new connection was established by an attempt that began at `startedAt` (monotonic). While no
   * database serves, this wakes everything that waits for the database.
   */
  onReached(database: Database, startedAt: number): void {
    database.reachedAt = this.#now;
    if (database.resting) {
      this.connectivity.established(database);
      if (database.health === 'healthy') database.failingSince = undefined;
    }
    if (this.isSearching) {
      const isFirst = !this.#reached.has(database);
      this.#reached.add(database);
      for (const link of [...database.links]) link.hurry(startedAt);
      const monitor = database.health === 'healthy' ? undefined : this.monitors.get(database);
      if (isFirst) monitor?.restart();
      else monitor?.suspect();
    }
    this.listener.changed(database);
  }

  onUnreachable(database: Database, error: Error): void {
    this.#reached.delete(database);
    if (!database.resting) return;
    database.lastError = error;
    database.connectionError = error;
    this.connectivity.fail(database);
  }

  /** The connections of the database rest until it is needed. */
  onResting(database: Database): void {
    this.connectivity.rest(database);
    this.reachability.look(database);
  }

  onConnectionFailed(database: Database): void {
    this.listener.changed(database, 'unavailable');
  }

  /** A client has left: connections that only it lacked are no failure any more. */
  onMemberLeft(): void {
    for (const database of this.monitors.keys()) {
      if (database.connected && !database.resting) this.connectivity.established(database);
      else this.connectivity.await(database);
    }
    this.listener.changed();
  }

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

  onSilent(database: Database, since: number, error: Error): void {
    database.lastError = error;
    database.connectionError = error;
    database.failingSince ??= since;
    this.connectivity.fail(database);
  }

  onWritability(database: Database): void {
    this.listener.changed(database);
  }

  onSpeed(database: Database): void {
    this.listener.changed(database);
  }

  // Decisions.

  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean {
    return this.listener.leaveSlow(active, faster, failure);
  }

  /**
   * The active database is left for its failure: its earlier results are void. The caller goes on
   * to select a database; nothing is reported here, or the database would be left twice.
   */
  onLeft(database: Database, { reason, cause }: DatabaseFailure): void {
    database.left = { reason, cause, at: this.#now };
    database.incarnation += 1;
    database.reachedAt = undefined;
    database.wasEligible = true;
    this.grace.begin(database);
    if (reason === 'slow') this.slowness.onLeft(database);
    const monitor = this.monitors.get(database);
    noteGates(database, monitor?.gateCause);
    // The reason for leaving must be checked from now on; a failed round restarts by itself.
    if (database.health === 'healthy') monitor?.suspect({ fresh: true });
  }

  /** Clears the failure state, after the database was verified for a manual switch. */
  clearFailureState(database: Database): void {
    const wasHealthy = database.health === 'healthy';
    database.health = 'healthy';
    database.verifiedFor = database.incarnation;
    database.cause = undefined;
    database.failingSince = undefined;
    database.latestGrace = undefined;
    this.slowness.forget(database);
    this.grace.end(database);
    if (!wasHealthy) this.runtime.emit('database-healthy', this.#healthyEvent(database));
  }

  /** A manual switch takes the database unchecked: its grace period and its open breaker end. */
  excuse(database: Database): void {
    database.latestGrace = undefined;
    this.slowness.forget(database);
    this.grace.end(database);
  }

  /** `successor`, which is healthy, has replaced `old`, whose reported health is void. */
  onReplaced(old: Database, successor: Database): void {
    this.grace.end(old);
    if (old.health === 'healthy') return;
    this.#tell(successor, 'database-healthy', this.#healthyEvent(successor));
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

  linesBeside(database: Database): readonly ProbeLines[] {
    return [...this.monitors]
      .filter(([other]) => other !== database && other.membership === 'member')
      .map(([, { sideLines }]) => sideLines);
  }

  oneProbeIsEnough(database: Database): boolean {
    const { health, maintenanceEndsAt } = database;
    if (health === 'unknown' || this.router.route.database === undefined) return true;
    return health === 'unhealthy' && maintenanceEndsAt > this.#now;
  }

  /** Resolves when it is known whether `database` can serve. */
  firstVerdict(database: Database): Promise<void> {
    return this.watchers.until(
      database,
      () => database.health === 'unhealthy' || database.connectionFailed || isUsable(database),
    );
  }

  /** Resolves when the database is healthy, used unchecked, or not active any more. */
  whenSettled(database: Database): Promise<void> {
    return this.watchers.until(
      database,
      () =>
        database.failingSince === undefined ||
        database.unchecked ||
        this.router.route.database !== database,
    );
  }

  /** Resolves when the data connection is ready, or failed within a probe timeout. */
  whenConnected(database: Database): Promise<void> {
    this.connectivity.awaitAnew(database);
    return this.watchers.until(database, () => database.connected || database.connectionFailed);
  }

  #healthyEvent({ id, graceEndsAt }: Database): DatabaseHealthyEvent {
    const at = timestamp(this.runtime);
    const graceLeftMs = Math.max(graceEndsAt - this.#now, 0);
    return { id, at, eligibleAt: new Date(at.getTime() + graceLeftMs) };
  }

  /** Emits the event for members only. */
  #tell<Name extends 'database-healthy' | 'database-unhealthy'>(
    { membership }: Database,
    name: Name,
    ...event: MultiDbEvents[Name]
  ): void {
    if (membership === 'member') this.runtime.emit(name, ...event);
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}

function noteGates(database: Database, cause: string | undefined): void {
  database.gatesOpen = cause === undefined;
  database.gateCause = cause;
}
