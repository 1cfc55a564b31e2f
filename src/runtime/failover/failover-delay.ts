import type { Timer } from '../../clock.js';
import { type DatabaseFailure, failoverDueAt } from '../../core/database-failure.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { GracePeriods } from '../health/grace-periods.js';

/** A failure of the active database that it is not left for yet. */
export interface DelayedFailure extends DatabaseFailure {
  /** Monotonic time at which it is left, unless it has healed by then. */
  readonly leaveAt: number;
}

/** When the active database is left for its failure, and for which one the last was. */
export class FailoverDelay {
  /** What made the last active database be left, for the switch that follows. */
  failure: DatabaseFailure | undefined;
  /** Until the active database's failure has persisted long enough. */
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly grace: GracePeriods,
    /** It may have persisted long enough. */
    private readonly look: () => void,
  ) {}

  /** It has lasted for `unhealthyAfterMs`, and no announced maintenance excuses it. */
  isDue(active: Database, failure: DatabaseFailure): boolean {
    const { clock } = this.runtime;
    const { leaveAt } = this.forbear(active, failure);
    const now = clock.now();
    if (now >= leaveAt) return !this.#hasHealed(active, failure, leaveAt);
    // Anew: announced maintenance may have ended, or another database may be active.
    this.#timer?.cancel();
    this.#timer = clock.after(Math.ceil(leaveAt - now), this.look);
    return false;
  }

  /** For how long it is tolerated. */
  forbear({ options, maintenanceEndsAt }: Database, failure: DatabaseFailure): DelayedFailure {
    const { unhealthyAfterMs } = options;
    return { ...failure, leaveAt: failoverDueAt(failure, { unhealthyAfterMs, maintenanceEndsAt }) };
  }

  end(): void {
    this.#timer?.cancel();
  }

  /**
   * What opened the breaker is over: it was given time, and the commands recently have not failed.
   * Its probes never said that it is unhealthy, or do not any more.
   */
  #hasHealed(active: Database, failure: DatabaseFailure, leaveAt: number): boolean {
    if (failure.reason !== 'circuit-breaker' || leaveAt <= failure.since) return false;
    if (active.circuit.exceeds(this.runtime.clock.now())) return false;
    this.grace.end(active);
    return true;
  }
}
