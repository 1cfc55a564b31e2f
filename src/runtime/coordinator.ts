import type { Clock, Random, Timer } from '../clock.js';
import { isEligible, isUsable, selectBest, selectFailback } from '../core/selection.js';
import { CircuitOpenError } from '../errors.js';
import type { SwitchEvent, SwitchReason } from '../events.js';
import type { ResolvedOptions } from '../options/types.js';
import type { Database, ProbeRecord } from './database.js';
import type { Emit } from './emit.js';
import type { Suspicion } from './health-check.js';
import { HealthMonitor, type HealthMonitorListener, type Verdict } from './health-monitor.js';
import { History } from './history.js';
import type { LoopClock } from './loop-clock.js';
import type { ProbeLines } from './probe-target.js';
import type { Route } from './route.js';
import { Search } from './search.js';
import { Startup } from './startup.js';

export interface Runtime {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly loop: LoopClock;
  readonly random: Random;
  readonly emit: Emit;
}

/** A route was replaced by another. */
export interface RouteChange {
  readonly from: Route;
  readonly to: Route;
  /** `from.database` was left because it failed; what it does from now on is not to be trusted. */
  readonly failed: boolean;
}

export type RouteListener = (change: RouteChange) => void;

interface Failure {
  readonly reason: 'health-check' | 'circuit-breaker';
  readonly cause: string;
}

type Phase = 'new' | 'starting' | 'running' | 'ended';

const NOWHERE: Route = Object.freeze({
  generation: 0,
  database: undefined,
  lastResort: false,
  state: 'searching',
});

/**
 * The only writer of a group's state. Collaborators report what they saw; the coordinator decides
 * by the pure rules of `core/`, writes, and tells: first the executors, by the new route, then the
 * listeners of events. Everything happens in one synchronous step, so that there is never more
 * than one failover, however many commands fail at once.
 */
export class Coordinator implements HealthMonitorListener {
  readonly databases = new Map<string, Database>();
  readonly monitors = new Map<Database, HealthMonitor>();
  readonly history = new History();
  readonly search: Search;
  readonly startup: Startup;
  route: Route = NOWHERE;
  /** Monotonic time until which failback and weights are ignored; Infinity: until told. */
  heldUntil = 0;
  /** Monotonic time of the next look for a better database. */
  nextFailbackCheckAt = 0;
  phase: Phase = 'new';
  #lastActive: Database | undefined;
  /** What made the database before be left, for the switch that follows. */
  #failure: (Failure & { readonly since: number }) | undefined;
  #failbackTimer: Timer | undefined;
  /** Until the active database's failure has persisted for `unhealthyAfterMs`. */
  #persistTimer: Timer | undefined;
  #wakeTimers = new Map<Database, Timer>();
  #connectTimers = new Map<Database, Timer>();
  /** Look at every change for what they wait for. */
  readonly #watchers = new Set<() => void>();
  /** A switch is being made: what it leads to is looked at when it is complete. */
  #switching = false;
  #evaluateAgain = false;
  readonly #routeListeners = new Set<RouteListener>();

  constructor(readonly runtime: Runtime) {
    this.search = new Search(runtime.options, runtime.clock, () => this.#probeAll());
    this.startup = new Startup(this);
  }

  get now(): number {
    return this.runtime.clock.now();
  }

  /** In order of configuration. */
  all(): Database[] {
    return [...this.databases.values()];
  }

  onRouteChange(listener: RouteListener): () => void {
    this.#routeListeners.add(listener);
    return () => this.#routeListeners.delete(listener);
  }

  /** Starts the health checks of a database of the group. */
  add(database: Database): void {
    const monitor = new HealthMonitor(database, this, this.runtime);
    this.monitors.set(database, monitor);
    this.search.await(database);
    this.noteUnconnected(database);
    monitor.start();
    this.evaluate();
  }

  /** Forgets a database that is not the active one. */
  drop(database: Database): void {
    database.removed = true;
    database.incarnation += 1;
    this.databases.delete(database.id);
    this.#stopWatching(database);
    if (this.search.fail(database)) this.#goDown();
    this.evaluate();
  }

  end(): void {
    this.phase = 'ended';
    this.route = NOWHERE;
    this.startup.end();
    this.search.end();
    this.#failbackTimer?.cancel();
    this.#persistTimer?.cancel();
    for (const database of [...this.monitors.keys()]) this.#stopWatching(database);
    for (const watcher of [...this.#watchers]) watcher();
  }

  // What collaborators saw.

  onProbe(database: Database, record: ProbeRecord): void {
    database.lastProbe = record;
  }

  onGates(database: Database, cause: string | undefined): void {
    const wereOpen = database.gatesOpen;
    database.gatesOpen = cause === undefined;
    database.gateCause = cause;
    if (wereOpen !== database.gatesOpen) this.evaluate();
  }

  linesBeside(database: Database): readonly ProbeLines[] {
    return [...this.monitors].flatMap(([other, { lines }]) => (other === database ? [] : [lines]));
  }

  oneProbeIsEnough(database: Database): boolean {
    return database.health === 'unknown' || this.route.database === undefined;
  }

  onHealthVerdict(database: Database, verdict: Verdict): void {
    if (verdict.error !== undefined) database.lastError = verdict.error;
    const before = database.health;
    const at = new Date(this.runtime.clock.wallTime());
    database.health = verdict.healthy ? 'healthy' : 'unhealthy';
    database.cause = verdict.cause;
    if (verdict.healthy) {
      // Its probe, over a new connection since it was left, proved that connections can be made.
      if (database.resting) database.connectionFailed = false;
      if (!database.connectionFailed) database.failingSince = undefined;
      if (before !== 'healthy') this.runtime.emit('database-healthy', { id: database.id, at });
    } else {
      database.failingSince ??= this.now;
      if (before !== 'unhealthy') {
        const { cause, error } = verdict;
        this.runtime.emit('database-unhealthy', {
          id: database.id,
          cause: cause ?? 'unhealthy',
          error,
          at,
        });
      }
      if (this.search.fail(database)) this.#goDown();
    }
    this.evaluate();
  }

  onConnected(database: Database): void {
    if (!database.connected) return;
    this.#connectTimers.get(database)?.cancel();
    this.#connectTimers.delete(database);
    database.unconnectedSince = undefined;
    database.connectionFailed = false;
    if (database.health === 'healthy') database.failingSince = undefined;
    else this.monitors.get(database)?.suspect();
    this.evaluate();
  }

  onConnectionLost(database: Database, error: Error): void {
    database.lastError = error;
    this.noteUnconnected(database);
    this.suspect(database, { fresh: true });
    this.evaluate();
  }

  /** A data connection that can't be established within one probe timeout can't serve. */
  noteUnconnected(database: Database): void {
    const monitor = this.monitors.get(database);
    if (monitor === undefined || database.connected || this.#connectTimers.has(database)) return;
    database.unconnectedSince = this.now;
    const timer = this.runtime.loop.after(monitor.probeTimeoutMs, () => {
      this.#connectTimers.delete(database);
      if (database.connected || this.phase === 'ended') return;
      database.connectionFailed = true;
      database.failingSince ??= database.unconnectedSince;
      if (this.search.fail(database)) this.#goDown();
      this.evaluate();
    });
    this.#connectTimers.set(database, timer);
  }

  /** Announced maintenance is no failure: for `forMs` the active database is not left for it. */
  onMaintenance(database: Database, forMs: number): void {
    database.maintenanceEndsAt = this.now + forMs;
    this.evaluate();
  }

  /** Its links rest until it is needed: nothing is known of its data connection. */
  noteResting(database: Database): void {
    this.#connectTimers.get(database)?.cancel();
    this.#connectTimers.delete(database);
    database.unconnectedSince = undefined;
  }

  suspect(
    database: Database,
    suspicion: Suspicion & { readonly stateWord?: string | undefined },
  ): void {
    const monitor = this.monitors.get(database);
    if (monitor?.hasChecks) database.failingSince ??= this.now;
    monitor?.suspect(suspicion);
  }

  onBreakerOpened(database: Database): void {
    const { now } = this;
    const { failures, total } = database.circuit.metrics(now);
    database.failingSince ??= now;
    database.lastError = new CircuitOpenError(`${failures} of ${total} commands failed`, {
      databaseId: database.id,
      cause: database.lastError,
    });
    database.graceEndsAt = now + this.runtime.options.gracePeriodMs;
    this.#wakeAt(database, database.graceEndsAt);
    const at = new Date(this.runtime.clock.wallTime());
    this.runtime.emit('breaker-open', { id: database.id, at, failures, total });
    this.suspect(database, { fresh: true });
    this.evaluate();
  }

  /** Resolves when it is known whether `database` can serve. */
  firstVerdict(database: Database): Promise<void> {
    return this.#until(
      database,
      () => database.health === 'unhealthy' || database.connectionFailed || isUsable(database),
    );
  }

  /** Resolves when its data connection is ready, or could not be made within a probe timeout. */
  whenConnected(database: Database): Promise<void> {
    if (!database.connected) database.connectionFailed = false;
    this.noteUnconnected(database);
    return this.#until(database, () => database.connected || database.connectionFailed);
  }

  /** Somebody who verified it wants it: what it was left for is forgotten. */
  pardon(database: Database): void {
    const { now } = this;
    const wasHealthy = database.health === 'healthy';
    database.health = 'healthy';
    database.cause = undefined;
    database.failingSince = undefined;
    if (!wasHealthy) {
      const at = new Date(this.runtime.clock.wallTime());
      this.runtime.emit('database-healthy', { id: database.id, at });
    }
    database.graceEndsAt = Math.min(database.graceEndsAt, now);
    this.#endGrace(database);
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

  // Decisions.

  /** Looks at everything again and acts; called after whatever changed. */
  evaluate(): void {
    if (this.#switching) {
      this.#evaluateAgain = true;
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
    else if (this.#persists(active)) this.#leave(active, failure);
  }

  /** Makes `database` the active one, by one assignment. */
  switchTo(
    database: Database,
    reason: SwitchReason,
    cause: string,
    { lastResort = false, failed = false }: { lastResort?: boolean; failed?: boolean } = {},
  ): void {
    const downSince = this.search.downSince;
    const from = this.#lastActive;
    const since = this.#failure?.since;
    this.search.end();
    this.#failure = undefined;
    this.#lastActive = database;
    database.wasEligible = true;
    this.#setRoute({ database, lastResort, state: 'serving' }, failed);
    if (!database.connected) {
      database.connectionFailed = false;
      this.noteUnconnected(database);
    }
    // Left, looked for another one, and found well after all: nothing has changed.
    if (from !== database) this.#tell(from, database, reason, cause, since);
    if (downSince !== undefined) {
      const at = new Date(this.runtime.clock.wallTime());
      const downForMs = this.now - downSince;
      this.runtime.emit('recovered', { id: database.id, at, downForMs });
    }
  }

  /** Begins normal service with `database`, or without any if there is none yet. */
  run(database: Database, cause: string, lastResort: boolean): void {
    this.phase = 'running';
    this.#scheduleFailback();
    this.switchTo(database, 'initial', cause, { lastResort });
    // A listener may have closed the client.
    if (this.route.database === undefined) return;
    this.runtime.emit('ready');
    this.evaluate();
  }

  /** Looks for a better database now; the timer does it every `failbackCheckIntervalMs`. */
  checkFailback(): void {
    const { now, route } = this;
    if (this.phase !== 'running' || route.database === undefined) return;
    if (!this.runtime.options.failbackSupported || now < this.heldUntil) return;
    const better = selectFailback(this.databases.values(), route.database.id, now);
    if (better !== undefined) {
      this.switchTo(better as Database, 'failback', `${better.id} is well again`);
    }
  }

  /** Looks again when the database's grace period ends. */
  #wakeAt(database: Database, at: number): void {
    this.#wakeTimers.get(database)?.cancel();
    const delayMs = Math.min(Math.max(at - this.now, 0), 2 ** 31 - 1);
    const timer = this.runtime.clock.after(Math.ceil(delayMs), () => {
      this.#wakeTimers.delete(database);
      this.#endGrace(database);
      this.evaluate();
    });
    this.#wakeTimers.set(database, timer);
  }

  /** What keeps the active database from serving, if anything does. */
  #failureOf(active: Database): Failure | undefined {
    if (active.health === 'unhealthy') {
      return { reason: 'health-check', cause: active.cause ?? 'unhealthy' };
    }
    if (active.connectionFailed) {
      const cause = `no data connection to ${active.driver.address}`;
      return { reason: 'health-check', cause };
    }
    if (active.breaker === 'open' && !this.route.lastResort) {
      return { reason: 'circuit-breaker', cause: 'the circuit breaker opened' };
    }
    return undefined;
  }

  #persists(active: Database): boolean {
    const { unhealthyAfterMs } = this.runtime.options;
    const { now } = this;
    const leaveAt = Math.max(
      (active.failingSince ?? now) + unhealthyAfterMs,
      active.maintenanceEndsAt,
    );
    if (now >= leaveAt) return true;
    this.#persistTimer ??= this.runtime.clock.after(Math.ceil(leaveAt - now), () => {
      this.#persistTimer = undefined;
      this.evaluate();
    });
    return false;
  }

  #leave(active: Database, failure: Failure): void {
    const { now } = this;
    active.left = { ...failure, at: now };
    active.graceEndsAt = now + this.runtime.options.gracePeriodMs;
    active.incarnation += 1;
    active.wasEligible = true;
    this.heldUntil = 0;
    this.monitors.get(active)?.closeGates();
    if (active.connectionFailed) this.monitors.get(active)?.suspect({ fresh: true });
    this.#wakeAt(active, active.graceEndsAt);
    this.#failure = { ...failure, since: active.failingSince ?? now };
    const next = selectBest(this.databases.values(), now);
    if (next?.view === active) {
      // Nobody else can serve, and it still answers its probes: an outage is worse.
      this.#failure = undefined;
      this.route = Object.freeze({ ...this.route, lastResort: true });
    } else if (next !== undefined) {
      const { lastResort } = next;
      const options = { lastResort, failed: true };
      this.switchTo(next.view as Database, failure.reason, this.#why(active, failure), options);
    } else {
      this.#setRoute({ database: undefined, lastResort: false, state: 'searching' }, true);
      this.#beginSearch(active);
    }
  }

  /** Nothing is left to send to: every other database is asked anew before that is the verdict. */
  #beginSearch(left: Database): void {
    this.search.begin(this.all().filter((database) => database !== left));
    if (this.search.concludeIfEmpty()) {
      this.#goDown();
      return;
    }
    for (const database of this.all()) {
      if (database === left) continue;
      if (!database.resting) {
        database.connectionFailed = false;
        this.noteUnconnected(database);
      }
      this.monitors.get(database)?.suspect({ fresh: true });
    }
  }

  #goDown(): void {
    if (this.phase !== 'running' || this.route.state === 'down') return;
    const failure = this.#failure;
    this.#setRoute({ database: undefined, lastResort: false, state: 'down' }, true);
    const cause = failure?.cause ?? 'no database can serve';
    this.#tell(
      this.#lastActive,
      undefined,
      failure?.reason ?? 'health-check',
      cause,
      failure?.since,
    );
    this.#lastActive = undefined;
    this.runtime.emit('all-databases-down', {
      at: new Date(this.runtime.clock.wallTime()),
      failures: this.all().map((database) => ({
        id: database.id,
        cause: database.cause ?? `no data connection to ${database.driver.address}`,
      })),
    });
  }

  #takeAny(): void {
    const best = selectBest(this.databases.values(), this.now);
    if (best === undefined) return;
    const wasDown = this.route.state === 'down';
    const reason = wasDown ? 'recovered' : (this.#failure?.reason ?? 'health-check');
    const cause = wasDown ? `${best.view.id} is well again` : (this.#failure?.cause ?? 'unhealthy');
    const { lastResort } = best;
    this.switchTo(best.view as Database, reason, cause, { lastResort, failed: !wasDown });
  }

  /** The active one serves: is there a reason to leave it all the same? */
  #considerBetter(active: Database): void {
    const { now, route } = this;
    if (route.lastResort) {
      if (isEligible(active, now)) this.route = Object.freeze({ ...route, lastResort: false });
      else {
        const best = selectBest(this.databases.values(), now, active.id);
        if (best !== undefined && !best.lastResort) {
          this.switchTo(best.view as Database, 'failback', `${best.view.id} is eligible again`);
          return;
        }
      }
    }
    const newcomers = this.all().filter((each) => !each.wasEligible && isEligible(each, now));
    for (const newcomer of newcomers) newcomer.wasEligible = true;
    const best = selectFailback([active, ...newcomers], active.id, now);
    if (best === undefined || now < this.heldUntil) return;
    if (!this.runtime.options.failbackSupported) return;
    this.switchTo(best as Database, 'failback', `${best.id} has become available`);
  }

  #endGrace(database: Database): void {
    const { now } = this;
    if (database.graceEndsAt === 0) return;
    if (database.graceEndsAt > now) {
      this.#wakeAt(database, database.graceEndsAt);
      return;
    }
    database.graceEndsAt = 0;
    if (database.circuit.close(now)) {
      if (database.health === 'healthy') database.failingSince = undefined;
      const at = new Date(this.runtime.clock.wallTime());
      this.runtime.emit('breaker-closed', { id: database.id, at, failures: 0, total: 0 });
    }
  }

  #setRoute(next: Omit<Route, 'generation'>, failed: boolean): void {
    const from = this.route;
    const to: Route = Object.freeze({ ...next, generation: from.generation + 1 });
    this.route = to;
    const isOutermost = !this.#switching;
    this.#switching = true;
    for (const listener of [...this.#routeListeners]) listener({ from, to, failed });
    if (!isOutermost) return;
    this.#switching = false;
    if (!this.#evaluateAgain) return;
    this.#evaluateAgain = false;
    this.runtime.clock.afterTurn(() => this.evaluate());
  }

  #tell(
    from: Database | undefined,
    to: Database | undefined,
    reason: SwitchReason,
    cause: string,
    since: number | undefined,
  ): void {
    const event: SwitchEvent = Object.freeze({
      from: from?.id,
      to: to?.id,
      reason,
      cause,
      at: new Date(this.runtime.clock.wallTime()),
      generation: this.route.generation,
      durationMs: since === undefined ? 0 : this.now - since,
    });
    this.history.add(event);
    this.runtime.emit('switch', event);
    if (reason === 'health-check' || reason === 'circuit-breaker') {
      if (to !== undefined) this.runtime.emit('failover', event);
    } else if (reason === 'failback') this.runtime.emit('failback', event);
  }

  #why(left: Database, failure: Failure): string {
    return `${left.id}: ${failure.cause}`;
  }

  #scheduleFailback(): void {
    const { failbackCheckIntervalMs, failbackJitter } = this.runtime.options;
    const delayMs = failbackCheckIntervalMs * (1 - failbackJitter * this.runtime.random());
    this.nextFailbackCheckAt = this.now + delayMs;
    this.#failbackTimer = this.runtime.clock.after(delayMs, () => {
      this.#scheduleFailback();
      this.checkFailback();
    });
  }

  #probeAll(): void {
    for (const monitor of this.monitors.values()) monitor.suspect({ fresh: true });
  }

  #stopWatching(database: Database): void {
    this.monitors.get(database)?.close();
    this.monitors.delete(database);
    this.#wakeTimers.get(database)?.cancel();
    this.#wakeTimers.delete(database);
    this.#connectTimers.get(database)?.cancel();
    this.#connectTimers.delete(database);
  }
}
