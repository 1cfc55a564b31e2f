import type { DatabaseFailure } from '../../core/database-failure.js';
import { isEligible, type Selection, selectWritable } from '../../core/selection.js';
import type { SteeringDatabase } from '../../options/steering.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import { GroupHealth } from '../health/group-health.js';
import type { HealthListener } from '../health/health-listener.js';
import type { Route } from '../route.js';
import { Candidates } from './candidates.js';
import { DownSearch } from './down-search.js';
import { Drains } from './drains.js';
import { Failback } from './failback.js';
import { FailbackPreparation } from './failback-preparation.js';
import { FailbackRamp } from './failback-ramp.js';
import { FailbackSchedule } from './failback-schedule.js';
import { Failover } from './failover.js';
import { Hold } from './hold.js';
import { Initialization, type StartupHost } from './initialization.js';
import { Outage } from './outage.js';
import { PassedOver } from './passed-over.js';
import { Preference } from './preference.js';
import { Promotion, type PromotionHost } from './promotion.js';
import { Router } from './router.js';
import { StandbyReadiness } from './standby-readiness.js';
import { SteeredSwitch } from './steered-switch.js';
import { GroupSteering, type SteeringHost } from './steering.js';
import { Switchover } from './switchover.js';

/**
 * Selects the active database. `health` records every observation, and then everything is evaluated
 * again: the pure rules of `core/` decide, the router replaces the route and reports the switch.
 * All of this is one synchronous step, so that there is only one failover however many commands
 * fail at once. The coordinator has the databases and the order of the evaluation; each reason for a
 * switch has a part of its own.
 */
export class Coordinator implements HealthListener, StartupHost, SteeringHost, PromotionHost {
  readonly databases = new Map<string, Database>();
  readonly router: Router;
  readonly health: GroupHealth;
  readonly drains: Drains;
  readonly hold: Hold;
  readonly preference: Preference;
  readonly passedOver: PassedOver;
  readonly candidates: Candidates;
  readonly preparation: FailbackPreparation;
  readonly readiness: StandbyReadiness;
  readonly promotion: Promotion;
  readonly switchover: Switchover;
  readonly search: DownSearch;
  readonly outage: Outage;
  readonly failover: Failover;
  readonly failbackSchedule: FailbackSchedule;
  readonly failback: Failback;
  readonly startup: Initialization;
  readonly steering: GroupSteering;
  readonly steeredSwitch: SteeredSwitch;
  readonly ramp: FailbackRamp;
  phase: 'new' | 'starting' | 'running' | 'ended' = 'new';

  constructor(readonly runtime: EngineContext) {
    const { options, clock } = runtime;
    const evaluate = () => this.evaluate();
    this.router = new Router(runtime);
    this.health = new GroupHealth(runtime, this.router, this);
    this.passedOver = new PassedOver(this.health.verification);
    this.drains = new Drains(runtime, evaluate);
    this.preference = new Preference(runtime, this.router, () => this.all());
    this.candidates = new Candidates(runtime, this);
    this.switchover = new Switchover(runtime, this);
    this.outage = new Outage(runtime, this);
    this.failover = new Failover(runtime, this);
    this.hold = new Hold(runtime, evaluate);
    const databases = () => this.all();
    this.failbackSchedule = new FailbackSchedule(runtime, this.hold, databases, (intervalMs) => {
      this.passedOver.clear(intervalMs);
      this.failback.check(intervalMs);
    });
    this.failback = new Failback(runtime, this);
    this.preparation = new FailbackPreparation(runtime, this.health.monitors);
    this.readiness = new StandbyReadiness(this);
    this.promotion = new Promotion(runtime, this.health.monitors, this);
    this.search = new DownSearch(options, clock, runtime.random, () => this.health.probeAll());
    this.startup = new Initialization(runtime, this);
    this.steering = new GroupSteering(runtime, this);
    this.steeredSwitch = new SteeredSwitch(runtime, this);
    this.ramp = new FailbackRamp(runtime, this.steering.place, ({ options: own }) =>
      this.failback.check(own.failbackCheckIntervalMs),
    );
    this.failbackSchedule.steered = () => this.steering.failback;
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
    this.failbackSchedule.refresh();
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
   * lower, or the successor is not eligible. An operator's hold outweighs both.
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
    this.failbackSchedule.refresh();
    if (this.route.database === old) {
      const isAsGood = successor.weight >= old.weight && isEligible(successor, now);
      const best =
        this.hold.lasts || isAsGood
          ? { view: successor, lastResort: false }
          : this.candidates.best();
      const { view = successor, lastResort = true } = best ?? {};
      if (old.unchecked) this.hold.begin(this.hold.endsAt, successor);
      this.switchover.switchTo(view as Database, 'removed', `${old.id} was replaced`, {
        lastResort,
      });
    } else this.evaluate();
    this.health.failureState.onReplaced(old, successor);
  }

  end(): void {
    this.phase = 'ended';
    this.router.close();
    this.startup.end();
    this.search.end();
    this.failover.end();
    this.failbackSchedule.stop();
    this.hold.end();
    this.preparation.end();
    this.steering.end();
    this.ramp.end();
    this.promotion.end();
    for (const database of this.all()) this.drains.forget(database);
    this.health.end();
  }

  /** Clears the failure state, after the database was verified for a manual switch. */
  clearFailureState(database: Database): void {
    this.health.failureState.clear(database);
    this.drains.end(database);
  }

  /** Ends what keeps the database from being used; the results of its health checks remain. */
  excuse(database: Database): void {
    this.health.failureState.excuse(database);
    this.drains.end(database);
  }

  /** Evaluates everything again and acts; called after every change. */
  evaluate(): void {
    if (this.router.changing) {
      this.runtime.clock.afterTurn(() => this.evaluate());
      return;
    }
    this.health.conditions.look();
    if (this.phase === 'starting') this.startup.evaluate();
    if (this.phase !== 'running') return;
    const active = this.route.database;
    if (active === undefined) {
      this.outage.takeAny();
      return;
    }
    if (this.failover.evaluate(active)) return;
    if (this.#leaveReadOnly(active) || this.steeredSwitch.retry()) return;
    this.failback.considerBetter(active);
  }

  /** Whether the active database, which serves reads only, was left for one that takes writes. */
  #leaveReadOnly(active: Database): boolean {
    this.promotion.look(this.route);
    const writable = this.#writableInsteadOf(active);
    if (writable === undefined) return false;
    const { view, lastResort } = writable;
    // A former master must not take writes while its replica is being promoted.
    if (lastResort && this.promotion.isUnderWay) return false;
    const again = () => this.evaluate();
    if (!this.readiness.isReady(view as Database, again, { onUnfit: again })) return false;
    const cause = `${active.id} serves reads only, and ${view.id} takes writes`;
    this.switchover.switchTo(view as Database, 'health-check', cause, { lastResort });
    return true;
  }

  /** Undefined as well if the active database takes writes, or is to stay although it does not. */
  #writableInsteadOf(active: Database): Selection | undefined {
    // The selection function is not called for a choice that is not made.
    if (!active.readOnly || this.hold.lasts || active.forced) return undefined;
    return selectWritable(this.databases.values(), active, this.now, this.preference.prefer);
  }

  /** Whether a database that takes writes becomes active as soon as it is ready. */
  get awaitsWritable(): boolean {
    const active = this.route.database;
    const writable = active && (this.#writableInsteadOf(active)?.view as Database | undefined);
    if (writable === undefined || this.passedOver.has(writable)) return false;
    return this.preparation.report(writable)?.kind !== 'failed';
  }

  /** Begins normal service. */
  run(database: Database, cause: string, lastResort: boolean): void {
    this.phase = 'running';
    this.failbackSchedule.start();
    this.switchover.switchTo(database, 'initial', cause, { lastResort });
    this.evaluate();
  }

  /** The databases as steering sources may read them. */
  readable(): readonly SteeringDatabase[] {
    return this.all().flatMap(({ id }) => {
      const monitor = this.health.monitors.get(this.databases.get(id) as Database);
      return monitor === undefined
        ? []
        : [{ id, sendCommand: (args) => monitor.sideCommands.ride(args) }];
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
    this.steeredSwitch.follow(true);
    this.evaluate();
  }

  /**
   * There is new information about `database`: everything is evaluated again. A verdict that it
   * can't serve may be the last one of a search.
   */
  changed(database?: Database, verdict?: 'unavailable'): void {
    if (verdict === 'unavailable' && database !== undefined) this.outage.onUnavailable(database);
    this.evaluate();
  }

  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean {
    return this.failover.leaveSlow(active, faster, failure);
  }
}
