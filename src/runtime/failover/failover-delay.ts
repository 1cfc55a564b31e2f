import type { Timer } from '../../clock.js';
import { type DatabaseFailure, failoverDueAt } from '../../core/database-failure.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { GracePeriods } from '../health/grace-periods.js';

/** A failure that the active database is not left for yet. */
export interface DelayedFailure extends DatabaseFailure {
  /** Monotonic time at which the database is left, unless it has healed by then. */
  readonly leaveAt: number;
}

/** Decides when the active database is left for a failure. */
export class FailoverDelay {
  /** Runs until the failure of the active database has persisted long enough. */
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly grace: GracePeriods,
    /** Called when the failure may have persisted long enough. */
    private readonly look: () => void,
  ) {}

  /**
   * Whether the failure has lasted for `unhealthyAfterMs`, and no announced maintenance excuses it.
   */
  isDue(active: Database, failure: DatabaseFailure): boolean {
    const { clock } = this.runtime;
    const { leaveAt } = this.forbear(active, failure);
    const now = clock.now();
    if (now >= leaveAt) return !this.#hasHealed(active, failure, leaveAt);
    // Restarts the timer: announced maintenance may have ended, or another database may be active.
    this.#timer?.cancel();
    this.#timer = clock.after(Math.ceil(leaveAt - now), this.look);
    return false;
  }

  /** Returns the failure with the time until which it is tolerated. */
  forbear({ options, maintenanceEndsAt }: Database, failure: DatabaseFailure): DelayedFailure {
    const { unhealthyAfterMs } = options;
    return { ...failure, leaveAt: failoverDueAt(failure, { unhealthyAfterMs, maintenanceEndsAt }) };
  }

  end(): void {
    this.#timer?.cancel();
  }

  /**
   * Whether the failure that opened the breaker is over: the delay has passed, recent commands have
   * not failed, and its probes do not report it unhealthy.
   */
  #hasHealed(active: Database, failure: DatabaseFailure, leaveAt: number): boolean {
    if (failure.reason !== 'circuit-breaker' || leaveAt <= failure.since) return false;
    if (active.circuit.exceeds(this.runtime.clock.now())) return false;
    this.grace.end(active);
    return true;
  }
}
