import type { Timer } from '../clock.js';
import { isEligible, isUsable, selectBest, selectFailback } from '../core/selection.js';
import { CircuitOpenError } from '../errors.js';
import type { SwitchReason } from '../events.js';
import { Connectivity, type ConnectivityListener } from './connectivity.js';
import type { Database, Leaving, ProbeRecord } from './database.js';
import { Drains } from './drain.js';
import { Failback } from './failback.js';
import { GracePeriods } from './grace.js';
import type { Suspicion } from './health-check.js';
import { HealthMonitor, type HealthMonitorListener, type Verdict } from './health-monitor.js';
import type { ProbeLines } from './probe-target.js';
import type { Route } from './route.js';
import { Router } from './router.js';
import { type Runtime, timestamp } from './runtime.js';
import { Search } from './search.js';
import { Startup } from './startup.js';

interface Failure extends Pick<Leaving, 'reason' | 'cause'> {
  /** Monotonic time of its first sign. */
  readonly since: number;
}

/** A failure of the active database that it is not left for yet. */
export interface Forbearance extends Failure {
  /** Monotonic time at which it is left, unless it has healed by then. */
  readonly leaveAt: number;
}

/**
 * The only writer of a group's state. Collaborators report what they saw; the coordinator decides
 * by the pure rules of `core/`, writes, and has the router tell. Everything happens in one
 * synchronous step, so that there is never more than one failover, however many commands fail at
 * once.
 */
export class Coordinator implements HealthMonitorListener, ConnectivityListener {
  readonly databases = new Map<string, Database>();
  readonly monitors = new Map<Database, HealthMonitor>();
  readonly router: Router;
  readonly connectivity: Connectivity;
  readonly grace: GracePeriods;
  readonly drains: Drains;
  readonly failback: Failback;
  readonly search: Search;
  readonly startup: Startup;
  phase: 'new' | 'starting' | 'running' | 'ended' = 'new';
  #lastActive: Database | undefined;
  /** What made the database before be left, for the switch that follows. */
  #failure: Failure | undefined;
  /** Until the active database's failure has persisted long enough. */
  #persistTimer: Timer | undefined;
  /** Look at every change for what they wait for. */
  readonly #watchers = new Set<() => void>();

  constructor(readonly runtime: Runtime) {
    const { options, clock } = runtime;
    this.router = new Router(runtime);
    this.connectivity = new Connectivity(runtime, this);
    this.grace = new GracePeriods(runtime, () => this.evaluate());
    this.drains = new Drains(runtime, () => this.evaluate());
    this.failback = new Failback(runtime, () => this.checkFailback());
    this.search = new Search(options, clock, () => this.#probeAll());
    this.startup = new Startup(this);
  }

  get now(): number {
    return this.runtime.clock.now();
  }

  get route(): Route {
    return this.router.route;
  }

  /** In order of configuration. */
  all(): Database[] {
    return [...this.databases.values()];
  }

  /** Starts the health checks of a database of the group. */
  add(database: Database): void {
    const monitor = new HealthMonitor(database, this, this.runtime);
    this.monitors.set(database, monitor);
    this.search.await(database);
    this.connectivity.await(database);
    monitor.start();
    this.evaluate();
  }

  /** Forgets a database that is not the active one. */
  drop(database: Database): void {
    database.removed = true;
    database.incarnation += 1;
    this.databases.delete(database.id);
    this.runtime.counters.forget(database.id);
    this.#stopWatching(database);
    if (this.search.fail(database)) this.#goDown();
    this.evaluate();
  }

  end(): void {
    this.phase = 'ended';
    this.router.close();
    this.startup.end();
    this.search.end();
    this.failback.stop();
    this.#persistTimer?.cancel();
    for (const database of [...this.monitors.keys()]) this.#stopWatching(database);
    for (const watcher of [...this.#watchers]) watcher();
  }

  // What collaborators saw.

  onProbe(database: Database, record: ProbeRecord): void {
    database.lastProbe = record;
    database.counters.noteProbe(record);
    const { counters, onProbe } = this.runtime;
    onProbe?.(database.id, record, counters);
  }

  onGates(database: Database, cause: string | undefined): void {
    const wereOpen = database.gatesOpen;
    database.gatesOpen = cause === undefined;
    database.gateCause = cause;
    if (wereOpen !== database.gatesOpen) this.evaluate();
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
      // Its probe, over a new connection since it was left, proved that connections can be made.
      if (database.resting) database.connectionFailed = false;
      if (!database.connectionFailed) database.failingSince = undefined;
      if (before !== 'healthy') this.runtime.emit('database-healthy', { id, at });
    } else {
      database.failingSince ??= this.now;
      if (before !== 'unhealthy') {
        this.runtime.emit('database-unhealthy', { id, cause: cause ?? 'unhealthy', error, at });
      }
      if (this.search.fail(database)) this.#goDown();
    }
    this.evaluate();
  }

  onConnected(database: Database): void {
    if (!database.connected) return;
    this.connectivity.established(database);
    if (database.health === 'healthy') database.failingSince = undefined;
    else this.monitors.get(database)?.suspect();
    this.evaluate();
  }

  onConnectionLost(database: Database, error: Error): void {
    database.lastError = error;
    this.connectivity.await(database);
    this.suspect(database, { fresh: true });
    this.evaluate();
  }

  /** One connection of several: not a failed database, but a reason to ask. */
  onLaneLost(database: Database, error: Error): void {
    database.lastError = error;
    this.suspect(database, { fresh: true });
  }

  /** A client has left the group: what only it lacked is no failure any more. */
  onMemberLeft(): void {
    for (const database of this.databases.values()) {
      if (database.connected && !database.resting) this.connectivity.established(database);
      else this.connectivity.await(database);
    }
    this.evaluate();
  }

  onConnectionFailed(database: Database): void {
    if (this.phase === 'ended') return;
    if (this.search.fail(database)) this.#goDown();
    this.evaluate();
  }

  /**
   * Announced maintenance is no failure: for `forMs` the active database is not left for it. At
   * its end one probe decides anew.
   */
  onMaintenance(database: Database, forMs: number): void {
    const monitor = this.monitors.get(database);
    database.maintenanceEndsAt = this.now + (forMs || (monitor?.probeTimeoutMs ?? 0));
    if (forMs === 0 && database.health === 'unhealthy') monitor?.suspect({ fresh: true });
    this.evaluate();
  }

  onBreakerOpened(database: Database): void {
    const { failures, total } = database.circuit.metrics(this.now);
    const { id, lastError: cause } = database;
    database.failingSince ??= this.now;
    database.lastError = new CircuitOpenError(`${failures} of ${total} commands failed`, {
      databaseId: id,
      cause,
    });
    database.counters.breakerOpened += 1;
    this.grace.begin(database);
    this.runtime.emit('breaker-open', { id, at: timestamp(this.runtime), failures, total });
    this.suspect(database, { fresh: true });
    this.evaluate();
  }

  /** A sign of failure: starts, or hurries, a probe round. */
  suspect(
    database: Database,
    suspicion: Suspicion & { readonly stateWord?: string | undefined },
  ): void {
    const monitor = this.monitors.get(database);
    if (monitor?.hasChecks) database.failingSince ??= this.now;
    monitor?.suspect(suspicion);
  }

  // What collaborators ask.

  linesBeside(database: Database): readonly ProbeLines[] {
    return [...this.monitors].flatMap(([other, { lines }]) => (other === database ? [] : [lines]));
  }

  oneProbeIsEnough(database: Database): boolean {
    const { health, maintenanceEndsAt } = database;
    if (health === 'unknown' || this.route.database === undefined) return true;
    return health === 'unhealthy' && maintenanceEndsAt > this.now;
  }

  /** What the active database fails at while it is given time to heal; undefined: it is well. */
  get forbearance(): Forbearance | undefined {
    const active = this.phase === 'running' ? this.route.database : undefined;
    const failure = active && this.#failureOf(active);
    return failure && { ...failure, leaveAt: leaveAt(active, failure) };
  }

  /** Resolves when it is known whether `database` can serve. */
  firstVerdict(database: Database): Promise<void> {
    return this.#until(
      database,
      () => database.health === 'unhealthy' || database.connectionFailed || isUsable(database),
    );
  }

  /** Resolves when it is known whether a sign of failure was one: it is well, or not active. */
  whenSettled(database: Database): Promise<void> {
    return this.#until(
      database,
      () => database.failingSince === undefined || this.route.database !== database,
    );
  }

  /** Resolves when its data connection is ready, or could not be made within a probe timeout. */
  whenConnected(database: Database): Promise<void> {
    this.connectivity.awaitAnew(database);
    return this.#until(database, () => database.connected || database.connectionFailed);
  }

  /** Somebody who verified it wants it: what it was left for is forgotten. */
  pardon(database: Database): void {
    const wasHealthy = database.health === 'healthy';
    database.health = 'healthy';
    database.verifiedFor = database.incarnation;
    database.cause = undefined;
    database.failingSince = undefined;
    if (!wasHealthy) {
      const at = timestamp(this.runtime);
      this.runtime.emit('database-healthy', { id: database.id, at });
    }
    this.grace.end(database);
    this.drains.end(database);
  }

  // Decisions.

  /** Looks at everything again and acts; called after whatever changed. */
  evaluate(): void {
    if (this.router.changing) {
      this.runtime.clock.afterTurn(() => this.evaluate());
      return;
    }
    for (const watcher of [...this.#watchers]) watcher();
    if (this.phase === 'starting') this.startup.evaluate();
    if (this.phase !== 'running') return;
    const active = this.route.database;
    if (active === undefined) {
      this.#takeAny();
      return;
    }
    const failure = this.#failureOf(active);
    if (failure === undefined) this.#considerBetter(active);
    else if (this.#persists(active, failure)) this.#leave(active, failure);
  }

  /** Begins normal service. */
  run(database: Database, cause: string, lastResort: boolean): void {
    this.phase = 'running';
    this.failback.start();
    this.switchTo(database, 'initial', cause, { lastResort });
    // A listener may have closed the client.
    if (this.route.database === undefined) return;
    this.runtime.emit('ready');
    this.evaluate();
  }

  /** Makes `database` the active one, by one assignment. */
  switchTo(
    database: Database,
    reason: SwitchReason,
    cause: string,
    { lastResort = false, failed = false }: { lastResort?: boolean; failed?: boolean } = {},
  ): void {
    const { downSince } = this.search;
    const from = this.#lastActive;
    const since = this.#failure?.since;
    this.search.end();
    this.#failure = undefined;
    this.#lastActive = database;
    database.wasEligible = true;
    this.router.change({ database, lastResort, state: 'serving' }, failed);
    this.connectivity.awaitAnew(database);
    // Left, looked for another one, and found well after all: nothing has changed.
    if (from !== database) this.router.tell({ from, to: database, reason, cause, since });
    if (downSince === undefined) return;
    const downForMs = this.now - downSince;
    const at = timestamp(this.runtime);
    this.runtime.emit('recovered', { id: database.id, at, downForMs });
  }

  /** Looks for a better database; every `failbackCheckIntervalMs`. */
  checkFailback(): void {
    const { route } = this;
    if (this.phase !== 'running' || route.database === undefined || !this.failback.allowed) return;
    const better = selectFailback(this.databases.values(), route.database.id, this.now);
    if (better === undefined) return;
    this.switchTo(better as Database, 'failback', `${better.id} is well again`);
  }

  /** What keeps the active database from serving, if anything does. */
  #failureOf(active: Database): Failure | undefined {
    const { health, cause = 'unhealthy', driver, failingSince: since = this.now } = active;
    if (health === 'unhealthy') return { reason: 'health-check', cause, since };
    if (active.connectionFailed) {
      return { reason: 'health-check', cause: `no data connection to ${driver.address}`, since };
    }
    const { state } = active.circuit;
    if (state.kind === 'closed' || this.route.lastResort) return undefined;
    return { reason: 'circuit-breaker', cause: 'the circuit breaker opened', since: state.since };
  }

  /** It has lasted for `unhealthyAfterMs`, and no announced maintenance excuses it. */
  #persists(active: Database, failure: Failure): boolean {
    const { now } = this;
    const dueAt = leaveAt(active, failure);
    if (now >= dueAt) return !this.#hasHealed(active, failure, dueAt);
    this.#persistTimer ??= this.runtime.clock.after(Math.ceil(dueAt - now), () => {
      this.#persistTimer = undefined;
      this.evaluate();
    });
    return false;
  }

  /**
   * What opened the breaker is over: it was given time, and the commands of late have not failed.
   * Its probes never said that it is unhealthy, or do not any more.
   */
  #hasHealed(active: Database, failure: Failure, dueAt: number): boolean {
    if (failure.reason !== 'circuit-breaker' || dueAt <= failure.since) return false;
    if (active.circuit.exceeds(this.now)) return false;
    this.grace.end(active);
    return true;
  }

  #leave(active: Database, failure: Failure): void {
    const { now } = this;
    active.left = { reason: failure.reason, cause: failure.cause, at: now };
    active.incarnation += 1;
    active.wasEligible = true;
    this.grace.begin(active);
    this.failback.heldUntil = 0;
    const monitor = this.monitors.get(active);
    monitor?.closeGates();
    // What it was left for must be checked from now on; a failed round begins anew by itself.
    if (active.health === 'healthy') monitor?.suspect({ fresh: true });
    const next = selectBest(this.databases.values(), now);
    if (next?.view === active) {
      // Nobody else can serve, and it still answers its probes: an outage is worse.
      this.router.setLastResort(true);
      return;
    }
    const { reason, cause } = failure;
    this.#failure = failure;
    if (next === undefined) {
      this.router.change({ database: undefined, lastResort: false, state: 'searching' }, true);
      this.#beginSearch(active);
    } else {
      const { lastResort } = next;
      const why = `${active.id}: ${cause}`;
      this.switchTo(next.view as Database, reason, why, { lastResort, failed: true });
    }
  }

  /** Nothing is left to send to: every other database is asked anew before that is the verdict. */
  #beginSearch(left: Database): void {
    const others = this.all().filter((database) => database !== left);
    this.search.begin(others);
    if (this.search.concludeIfEmpty()) {
      this.#goDown();
      return;
    }
    for (const database of others) {
      if (!database.resting) this.connectivity.awaitAnew(database);
      this.monitors.get(database)?.suspect({ fresh: true });
    }
  }

  #goDown(): void {
    if (this.phase !== 'running' || this.route.state === 'down') return;
    const { reason = 'health-check', cause = 'no database can serve', since } = this.#failure ?? {};
    const from = this.#lastActive;
    this.#lastActive = undefined;
    this.router.change({ database: undefined, lastResort: false, state: 'down' }, true);
    this.router.tell({ from, to: undefined, reason, cause, since });
    this.runtime.emit('all-databases-down', {
      at: timestamp(this.runtime),
      failures: this.all().map(({ id, cause, driver }) => ({
        id,
        cause: cause ?? `no data connection to ${driver.address}`,
      })),
    });
  }

  /** There is no active database: any that can serve will do. */
  #takeAny(): void {
    const best = selectBest(this.databases.values(), this.now);
    if (best === undefined) return;
    const { view, lastResort } = best;
    if (this.route.state === 'down') {
      this.switchTo(view as Database, 'recovered', `${view.id} is well again`, { lastResort });
    } else {
      const { reason = 'health-check', cause = 'unhealthy' } = this.#failure ?? {};
      this.switchTo(view as Database, reason, cause, { lastResort, failed: true });
    }
  }

  /** The active one serves: is there a reason to leave it all the same? */
  #considerBetter(active: Database): void {
    const { now } = this;
    if (this.route.lastResort) {
      const best = selectBest(this.databases.values(), now, active.id);
      if (isEligible(active, now)) this.router.setLastResort(false);
      else if (best !== undefined && !best.lastResort) {
        this.switchTo(best.view as Database, 'failback', `${best.view.id} is eligible again`);
        return;
      }
    }
    const newcomers = this.all().filter((each) => !each.wasEligible && isEligible(each, now));
    for (const newcomer of newcomers) newcomer.wasEligible = true;
    const newcomer = selectFailback([active, ...newcomers], active.id, now);
    if (newcomer === undefined || !this.failback.allowed) return;
    const better = selectFailback(this.databases.values(), active.id, now) ?? newcomer;
    this.switchTo(better as Database, 'failback', `${better.id} has become available`);
  }

  #probeAll(): void {
    for (const monitor of this.monitors.values()) monitor.suspect({ fresh: true });
  }

  #until(database: Database, isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isTrue() && !database.removed && this.phase !== 'ended') return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #stopWatching(database: Database): void {
    this.monitors.get(database)?.close();
    this.monitors.delete(database);
    this.grace.forget(database);
    this.drains.forget(database);
    this.connectivity.rest(database);
  }
}

function leaveAt({ options, maintenanceEndsAt }: Database, { since }: Failure): number {
  return Math.max(since + options.unhealthyAfterMs, maintenanceEndsAt);
}
