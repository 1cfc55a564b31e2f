import { type DatabaseFailure, databaseFailure } from '../../core/database-failure.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { GroupHealth } from '../health/group-health.js';
import type { Candidates } from './candidates.js';
import { type DelayedFailure, FailoverDelay } from './failover-delay.js';
import type { Hold } from './hold.js';
import type { Outage } from './outage.js';
import type { Router } from './router.js';
import type { Switchover } from './switchover.js';

/** The databases, and what happens when one of them is left. */
export interface FailoverHost {
  readonly phase: 'new' | 'starting' | 'running' | 'ended';
  readonly router: Router;
  readonly health: GroupHealth;
  readonly hold: Hold;
  readonly candidates: Candidates;
  readonly switchover: Switchover;
  readonly outage: Outage;
  evaluate(): void;
}

/** Leaves the active database when it has failed, as soon as the failover delay allows. */
export class Failover {
  readonly #delay: FailoverDelay;

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: FailoverHost,
  ) {
    this.#delay = new FailoverDelay(runtime, host.health.grace, () => host.evaluate());
  }

  /** The failure of the active database during a failover delay; undefined while it is healthy. */
  get delayedFailure(): DelayedFailure | undefined {
    const active = this.host.phase === 'running' ? this.host.router.route.database : undefined;
    const failure = active && this.#failureOf(active);
    return failure && this.#delay.forbear(active, failure);
  }

  /** Leaves the active database if it has failed for long enough. Returns whether it has failed. */
  evaluate(active: Database): boolean {
    const failure = this.#failureOf(active);
    if (failure === undefined) return false;
    if (this.#delay.isDue(active, failure)) this.#leave(active, failure);
    return true;
  }

  /**
   * Leaves the active database, which still serves, for the best of `faster`. Returns false if none of
   * them can be taken now, or the active one is held by hand.
   */
  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean {
    const { phase, router, hold, candidates, health, switchover } = this.host;
    const mayLeave = phase === 'running' && router.route.database === active && !router.changing;
    if (!mayLeave || hold.lasts || active.forced) return false;
    const next = candidates.bestOf(faster);
    if (next === undefined || next.lastResort) return false;
    const { view } = next;
    // Slow writes are better than none.
    if (view.readOnly === true && !active.readOnly) return false;
    health.failureState.begin(active, failure);
    switchover.failure = failure;
    switchover.switchTo(view as Database, failure.reason, `${active.id}: ${failure.cause}`);
    return true;
  }

  end(): void {
    this.#delay.end();
  }

  #failureOf(active: Database): DatabaseFailure | undefined {
    return databaseFailure(active, this.host.router.route.lastResort, this.runtime.clock.now());
  }

  /** The active database has failed: switches to the next one, or to none. */
  #leave(active: Database, failure: DatabaseFailure): void {
    const { hold, health, candidates, router, switchover, outage } = this.host;
    hold.end();
    health.failureState.begin(active, failure);
    const next = candidates.best();
    if (next?.view === active) {
      // No other database can serve, and this one still answers its probes: an outage would be
      // worse.
      router.setLastResort(true);
      return;
    }
    switchover.failure = failure;
    if (next === undefined) outage.begin(active);
    else {
      const { view, lastResort } = next;
      const why = `${active.id}: ${failure.cause}`;
      switchover.switchTo(view as Database, failure.reason, why, { lastResort, failed: true });
    }
  }
}
