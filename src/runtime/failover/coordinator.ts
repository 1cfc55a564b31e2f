import { type DatabaseFailure, databaseFailure } from '../../core/database-failure.js';
import {
  isEligible,
  type Selection,
  selectBest,
  selectFailback,
  selectWritable,
} from '../../core/selection.js';
import type { SwitchReason } from '../../events.js';
import type { SteeringDatabase } from '../../options/steering.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import { GroupHealth, type HealthListener } from '../health/group-health.js';
import type { Route } from '../route.js';
import { DownSearch } from './down-search.js';
import { Drains } from './drains.js';
import { FailbackPreparation } from './failback-preparation.js';
import { FailbackRamp } from './failback-ramp.js';
import { FailbackSchedule } from './failback-schedule.js';
import { type DelayedFailure, FailoverDelay } from './failover-delay.js';
import { Hold } from './hold.js';
import { Initialization, type StartupHost } from './initialization.js';
import { PassedOver } from './passed-over.js';
import { Preference } from './preference.js';
import { Promotion } from './promotion.js';
import { Router } from './router.js';
import { GroupSteering, type SteeringHost } from './steering.js';

/**
 * Selects the active database. `health` records every observation, and then everything is evaluated
 * again: the pure rules of `core/` decide, the router replaces the route and reports the switch.
 * All of this is one synchronous step, so that there is only one failover however many commands
 * fail at once.
 */
export class Coordinator implements HealthListener, StartupHost, SteeringHost {
  readonly databases = new Map<string, Database>();
  readonly router: Router;
  readonly health: GroupHealth;
  readonly drains: Drains;
  readonly failover: FailoverDelay;
  readonly hold: Hold;
  readonly preference: Preference;
  readonly failback: FailbackSchedule;
  readonly preparation: FailbackPreparation;
  readonly promotion: Promotion;
  readonly search: DownSearch;
  readonly startup: Initialization;
  readonly steering: GroupSteering;
  readonly ramp: FailbackRamp;
  phase: 'new' | 'starting' | 'running' | 'ended' = 'new';
  #lastActive: Database | undefined;
  /** A steered switch is wanted, and its target has not answered yet. */
  #isFollowing = false;
  readonly #passedOver: PassedOver;

  constructor(readonly runtime: EngineContext) {
    const { options, clock } = runtime;
    const evaluate = () => this.evaluate();
    this.router = new Router(runtime);
    this.health = new GroupHealth(runtime, this.router, this);
    this.#passedOver = new PassedOver(this.health.verification);
    this.drains = new Drains(runtime, evaluate);
    this.failover = new FailoverDelay(runtime, this.health.grace, evaluate);
    this.preference = new Preference(runtime, this.router, () => this.all());
    this.hold = new Hold(runtime, evaluate);
    this.failback = new FailbackSchedule(runtime, this.hold, () => {
      this.#passedOver.clear();
      this.checkFailback();
    });
    this.preparation = new FailbackPreparation(runtime, this.health.monitors);
    this.promotion = new Promotion(runtime, this.health.monitors);
    this.search = new DownSearch(options, clock, runtime.random, () => this.health.probeAll());
    this.startup = new Initialization(runtime, this);
    this.steering = new GroupSteering(runtime, this);
    this.ramp = new FailbackRamp(runtime, this.steering.place, () => this.checkFailback());
    this.failback.steered = () => this.steering.failback;
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
    this.search.await(database);
    this.steering.refresh();
    this.health.watch(database);
    this.evaluate();
  }

  /** Removes a database that is not the active one. */
  drop(database: Database): void {
    database.membership = 'removed';
    database.incarnation += 1;
    if (this.databases.get(database.id) === database) {
      this.databases.delete(database.id);
      this.runtime.counters.forget(database.id);
      this.steering.refresh();
    }
    this.health.unwatch(database);
    this.drains.forget(database);
    this.preparation.forget(database.turnEnd);
    this.changed(database, 'unavailable');
  }

  /**
   * Replaces `old` by `successor`, which is healthy. It inherits the id and the drain. It also
   * becomes active if `old` is, unless another database is preferred because the new weight is
   * lower.
   */
  replace(old: Database, successor: Database): void {
    const { now } = this;
    successor.membership = 'member';
    // A successor of an eligible database waits for the next check for a better one.
    successor.wasEligible = isEligible(old, now);
    this.databases.set(old.id, successor);
    this.runtime.counters.replace(old.id, successor.counters);
    if (old.ownDrainEndsAt > now) this.drains.begin(successor, old.ownDrainEndsAt - now);
    this.steering.refresh();
    if (this.route.database === old) {
      const stays = this.hold.lasts || successor.weight >= old.weight;
      const best =
        stays && isEligible(successor, now) ? { view: successor, lastResort: false } : this.#best();
      const { view = successor, lastResort = true } = best ?? {};
      // The hold ends, because it belongs to the database that was forced.
      const { endsAt } = this.hold;
      if (view !== successor) this.hold.end();
      else if (old.unchecked) this.hold.begin(endsAt, successor);
      this.switchTo(view as Database, 'removed', `${old.id} was replaced`, { lastResort });
    } else this.evaluate();
    this.health.onReplaced(old, successor);
  }

  end(): void {
    this.phase = 'ended';
    this.router.close();
    this.startup.end();
    this.search.end();
    this.failover.end();
    this.failback.stop();
    this.hold.end();
    this.preparation.end();
    this.steering.end();
    this.ramp.end();
    this.promotion.end();
    for (const database of this.all()) this.drains.forget(database);
    this.health.end();
  }

  /** The failure of the active database during a failover delay; undefined while it is healthy. */
  get delayedFailure(): DelayedFailure | undefined {
    const active = this.phase === 'running' ? this.route.database : undefined;
    const failure = active && databaseFailure(active, this.route.lastResort, this.now);
    return failure && this.failover.forbear(active, failure);
  }

  /** Clears the failure state, after the database was verified for a manual switch. */
  clearFailureState(database: Database): void {
    this.health.clearFailureState(database);
    this.drains.end(database);
  }

  /** Ends what keeps the database from being used; the results of its health checks remain. */
  excuse(database: Database): void {
    this.health.excuse(database);
    this.drains.end(database);
  }

  /** Evaluates everything again and acts; called after every change. */
  evaluate(): void {
    if (this.router.changing) {
      this.runtime.clock.afterTurn(() => this.evaluate());
      return;
    }
    this.health.watchers.look();
    if (this.phase === 'starting') this.startup.evaluate();
    if (this.phase !== 'running') return;
    const active = this.route.database;
    if (active === undefined) {
      this.#takeAny();
      return;
    }
    const failure = databaseFailure(active, this.route.lastResort, this.now);
    if (failure === undefined) {
      if (this.#leaveReadOnly(active) || (this.#isFollowing && this.#follow(false))) return;
      this.#considerBetter(active);
    } else if (this.failover.isDue(active, failure)) this.#leave(active, failure);
  }

  /** Whether the active database, which serves reads only, was left for one that takes writes. */
  #leaveReadOnly(active: Database): boolean {
    const writable = selectWritable(this.databases.values(), active, this.now);
    if (writable === undefined) this.promotion.look(this.route);
    if (writable === undefined || this.hold.lasts) return false;
    if (!this.isPrepared(writable as Database, () => this.evaluate())) return false;
    const cause = `${active.id} serves reads only, and ${writable.id} takes writes`;
    this.switchTo(writable as Database, 'health-check', cause);
    return true;
  }

  /** Begins normal service. */
  run(database: Database, cause: string, lastResort: boolean): void {
    this.phase = 'running';
    this.failback.start();
    this.switchTo(database, 'initial', cause, { lastResort });
    this.evaluate();
  }

  /** Makes `database` the active one with one assignment. */
  switchTo(
    database: Database,
    reason: SwitchReason,
    cause: string,
    { lastResort = false, failed = false }: { lastResort?: boolean; failed?: boolean } = {},
  ): void {
    const { downSince } = this.search;
    const from = this.#lastActive;
    const since = this.failover.failure?.since;
    this.search.end();
    this.failover.failure = undefined;
    this.#lastActive = database;
    this.#endTurn(from, database, reason, cause);
    this.ramp.end();
    database.wasEligible = true;
    // Comes before the commands, which would take long to detect a dead connection.
    if (!database.resting && !this.health.verification.isFresh(database)) {
      void this.health.verification.verify(database);
    }
    this.router.change({ database, lastResort, state: 'serving' }, failed);
    this.health.connectivity.awaitAnew(database);
    this.router.settle();
    this.health.writability.hurry(database);
    this.promotion.look(this.route, cause);
    // The database was left and selected again after a search: nothing has changed.
    if (from !== database) this.router.tell({ from, to: database, reason, cause, since });
    if (downSince === undefined) return;
    const downForMs = this.now - downSince;
    const at = timestamp(this.runtime);
    this.runtime.emit('recovered', { id: database.id, at, downForMs });
  }

  /** Checks for a better database, every `failbackCheckIntervalMs`. */
  checkFailback(): void {
    const { route } = this;
    // It may have been made active by hand, which takes precedence over steering only for a while.
    if ((this.#isFollowing || this.#isSteeredAway(route.database)) && this.#follow(true)) return;
    if (this.phase !== 'running' || route.database === undefined || !this.failback.allowed) return;
    const active = route.database;
    const better = this.#heavier(active) ?? this.#equal(active);
    if (better === undefined) {
      this.ramp.end();
      return;
    }
    if (!this.ramp.isDue(better)) return;
    const again = () => this.checkFailback();
    if (!this.isPrepared(better, again, { again: true, onUnfit: again })) return;
    const isHeavier = better.weight > active.weight;
    const cause = isHeavier
      ? `${better.id} has recovered`
      : this.preference.compare(better, active);
    this.switchTo(better, 'failback', cause);
  }

  /** The databases as steering sources may read them. */
  readable(): readonly SteeringDatabase[] {
    return this.all().flatMap(({ id }) => {
      const monitor = this.health.monitors.get(this.databases.get(id) as Database);
      return monitor === undefined ? [] : [{ id, sendCommand: (args) => monitor.ride(args) }];
    });
  }

  onLatency(): void {
    this.preference.look();
  }

  onSteeringKnown(): void {
    if (this.phase === 'starting') this.evaluate();
  }

  /** Steering has changed weights and drains: follows it, and evaluates everything again. */
  onSteered(): void {
    this.#follow(true);
    this.evaluate();
  }

  /**
   * Makes the database active that steering asks for, or, when it has ended or was stopped, the one
   * that is best without it. What an operator forces in this process takes precedence. A target that
   * does not answer is tried again at every change. Returns whether there was a switch. `again`
   * repeats a `beforeFailback` that failed.
   */
  #follow(again: boolean): boolean {
    const { steering, hold, route } = this;
    const active = route.database;
    this.#isFollowing = false;
    if (this.phase !== 'running' || active === undefined || hold.lasts) return false;
    const target = this.#steeredTarget(active);
    if (target === undefined) return false;
    this.#isFollowing = true;
    if (!this.isPrepared(target, () => this.#follow(true), { again })) return false;
    this.#isFollowing = false;
    const isSteered = steering.obeyed !== undefined || steering.returnTo !== undefined;
    const reason = isSteered ? 'steered' : 'failback';
    this.switchTo(target, reason, steering.cause());
    steering.onMoved(active, target);
    return true;
  }

  /** Whether steering drains the database. */
  #isSteeredAway(database: Database | undefined): boolean {
    return (database?.steered?.drainEndsAt ?? 0) > this.now;
  }

  #steeredTarget(active: Database): Database | undefined {
    const { steering, now } = this;
    const heavier = () => this.#heavier(active);
    const { obeyed, returnTo } = steering;
    if (obeyed === undefined && returnTo !== undefined) {
      return isEligible(returnTo, now) ? returnTo : undefined;
    }
    if (obeyed !== undefined && this.#isSteeredAway(active)) {
      const best = this.#best(active.id);
      if (best?.lastResort === false) return best.view as Database;
      // Nothing else can serve: the drained database is the last resort.
      this.router.setLastResort(true);
      return undefined;
    }
    const { prefer, weights } = obeyed?.steering ?? {};
    if (prefer !== undefined || (weights?.size ?? 0) > 0) return heavier();
    // What was asked for before is over, and the return has a spread. Without one it is a failback,
    // which follows `failbackRampMs`.
    return this.failback.allowed && steering.returnIsSpread ? heavier() : undefined;
  }

  /**
   * Whether `database` may be taken again: `beforeFailback` has succeeded, and the database has
   * answered over its data connections. If false, both are under way, and `onReady` follows.
   * `again` repeats a `beforeFailback` that failed. `onUnfit` follows when it has failed, or the
   * database has not answered: it is passed over then.
   */
  isPrepared(
    database: Database,
    onReady: () => void,
    { again = false, onUnfit }: { readonly again?: boolean; readonly onUnfit?: () => void } = {},
  ): boolean {
    const onDone = () => {
      if (this.phase === 'running') onReady();
    };
    const onFailed = () => {
      if (onUnfit === undefined || this.phase !== 'running') return;
      this.#passedOver.addUnprepared(database);
      onUnfit();
    };
    if (!this.preparation.isDone(database, onDone, again, onFailed)) return false;
    return this.#hasAnswered(database, onReady, onUnfit);
  }

  /**
   * Whether `database` has answered over its data connections, which a failback requires. If false,
   * it is being asked, and `onAnswer` follows if it answers, `onSilent` if not.
   */
  #hasAnswered(database: Database, onAnswer: () => void, onSilent?: () => void): boolean {
    const { verification } = this.health;
    if (verification.isFresh(database)) return true;
    verification.verify(database).then((hasAnswered) => {
      if (this.phase !== 'running') return;
      if (hasAnswered) onAnswer();
      else if (onSilent !== undefined && !this.#passedOver.has(database)) {
        this.#passedOver.addSilent(database);
        onSilent();
      }
    });
    return false;
  }

  /** The best database of higher weight than the active one that a failback does not pass over. */
  #heavier(active: Database): Database | undefined {
    const candidates = this.all().filter((each) => !this.#passedOver.has(each));
    const { prefer } = this.preference;
    const best = selectFailback([active, ...candidates], active.id, this.now, prefer);
    return best as Database | undefined;
  }

  /** The database of equal weight that `selection` prefers, if it can be returned to. */
  #equal(active: Database): Database | undefined {
    const preferred = this.preference.successorOf(active);
    return preferred && !this.#passedOver.has(preferred) ? preferred : undefined;
  }

  /** The best database now; those that answer come before those that are silent. */
  #best(exclude?: string): Selection | undefined {
    const { isSilent } = this.health.verification;
    return selectBest(this.databases.values(), this.now, {
      exclude,
      isSilent,
      prefer: this.preference.prefer,
    });
  }

  /**
   * There is new information about `database`: everything is evaluated again. A verdict that it
   * can't serve may be the last one of a search.
   */
  changed(database?: Database, verdict?: 'unavailable'): void {
    if (verdict === 'unavailable' && database !== undefined && this.search.fail(database)) {
      this.#goDown();
    }
    this.evaluate();
  }

  /** The active database has failed: switches to the next one, or to none. */
  #leave(active: Database, failure: DatabaseFailure): void {
    this.hold.end();
    this.health.onLeft(active, failure);
    const next = this.#best();
    if (next?.view === active) {
      // No other database can serve, and this one still answers its probes: an outage would be
      // worse.
      this.router.setLastResort(true);
      return;
    }
    this.failover.failure = failure;
    if (next === undefined) {
      this.router.change({ database: undefined, lastResort: false, state: 'searching' }, true);
      this.#beginSearch(active);
      this.router.settle();
    } else {
      const { view, lastResort } = next;
      const why = `${active.id}: ${failure.cause}`;
      this.switchTo(view as Database, failure.reason, why, { lastResort, failed: true });
    }
  }

  /**
   * Leaves the active database, which still serves, for the best of `faster`. Returns false if none of
   * them can be taken now, or the active one is held by hand.
   */
  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean {
    const { route } = this;
    const mayLeave = this.phase === 'running' && route.database === active && !this.router.changing;
    if (!mayLeave || this.hold.lasts || active.forced) return false;
    const { isSilent } = this.health.verification;
    const next = selectBest(faster, this.now, { isSilent, prefer: this.preference.prefer });
    if (next === undefined || next.lastResort) return false;
    const { view } = next;
    this.health.onLeft(active, failure);
    this.failover.failure = failure;
    this.switchTo(view as Database, failure.reason, `${active.id}: ${failure.cause}`);
    return true;
  }

  /** No database can be selected: every other database is asked again before all count as down. */
  #beginSearch(left: Database): void {
    const others = this.all().filter((database) => database !== left);
    this.search.begin(others);
    if (this.search.concludeIfEmpty()) {
      this.#goDown();
      return;
    }
    for (const database of others) this.health.askAnew(database);
  }

  #goDown(): void {
    if (this.phase !== 'running' || this.route.state === 'down') return;
    const { failure } = this.failover;
    const { reason = 'health-check', cause = 'no database can serve', since } = failure ?? {};
    const from = this.#lastActive;
    this.#lastActive = undefined;
    this.#endTurn(from, undefined, reason, cause);
    this.router.change({ database: undefined, lastResort: false, state: 'down' }, true);
    this.router.settle();
    this.router.tell({ from, to: undefined, reason, cause, since });
    this.runtime.emit('all-databases-down', {
      at: timestamp(this.runtime),
      failures: this.all().map(({ id, cause, unconnected }) => ({
        id,
        cause: cause ?? unconnected,
      })),
    });
  }

  /** `to` is active from now on; `from` was. */
  #endTurn(
    from: Database | undefined,
    to: Database | undefined,
    reason: SwitchReason,
    cause: string,
  ) {
    if (from === to) return;
    if (from !== undefined) from.turnEnd = { id: from.id, reason, cause, at: this.now };
    if (to === undefined) return;
    this.preparation.forget(to.turnEnd);
    to.turnEnd = undefined;
  }

  /** There is no active database: selects any that can serve. */
  #takeAny(): void {
    const best = this.#best();
    if (best === undefined) return;
    const { view, lastResort } = best;
    if (this.route.state === 'down') {
      this.switchTo(view as Database, 'recovered', `${view.id} has recovered`, { lastResort });
    } else {
      const { reason = 'health-check', cause = 'unhealthy' } = this.failover.failure ?? {};
      this.switchTo(view as Database, reason, cause, { lastResort, failed: true });
    }
  }

  #mayReturn(better: Database): boolean {
    const onReady = () => this.evaluate();
    return this.ramp.isDue(better) && this.isPrepared(better, onReady, { onUnfit: onReady });
  }

  /** Checks whether a better database should replace the active one, which serves. */
  #considerBetter(active: Database): void {
    const { now } = this;
    if (this.route.lastResort) {
      const best = this.#best(active.id);
      if (isEligible(active, now)) this.router.setLastResort(false);
      else if (best !== undefined && !best.lastResort) {
        if (!this.isPrepared(best.view as Database, () => this.evaluate())) return;
        this.switchTo(best.view as Database, 'failback', `${best.view.id} is eligible again`);
        return;
      }
    }
    const newcomers = this.all().filter(
      (each) => !each.wasEligible && isEligible(each, now) && !this.#passedOver.has(each),
    );
    const newcomer = selectFailback([active, ...newcomers], active.id, now);
    const better = newcomer && (this.#heavier(active) ?? newcomer);
    const isWanted = better !== undefined && this.failback.allowed;
    if (isWanted && !this.#mayReturn(better as Database)) return;
    for (const each of newcomers) each.wasEligible = true;
    if (!isWanted) return;
    this.switchTo(better as Database, 'failback', `${better.id} has become available`);
  }
}
