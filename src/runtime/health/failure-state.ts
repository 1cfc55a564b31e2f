import type { DatabaseFailure } from '../../core/database-failure.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { GracePeriods } from './grace-periods.js';
import type { HealthMonitor } from './health-monitor.js';
import { type HealthVerdicts, healthyEvent, noteGates } from './health-verdicts.js';
import type { Slowness } from './slowness.js';

/** What else knows about the failure of a database. */
export interface FailureStateHost {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  readonly verdicts: Pick<HealthVerdicts, 'tellHealthy'>;
  readonly slowness: Slowness;
  readonly grace: GracePeriods;
}

/**
 * The state of a database that was left for a failure: earlier results are void, a grace period runs,
 * and the reason must be checked again. An operator can end it early.
 */
export class FailureState {
  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'emit'>,
    private readonly host: FailureStateHost,
  ) {}

  /**
   * The active database is left for its failure: its earlier results are void. The caller goes on
   * to select a database; nothing is reported here, or the database would be left twice.
   */
  begin(database: Database, { reason, cause }: DatabaseFailure): void {
    database.left = { reason, cause, at: this.#now };
    database.incarnation += 1;
    database.reachedAt = undefined;
    database.wasEligible = true;
    this.host.grace.begin(database);
    if (reason === 'slow') this.host.slowness.onLeft(database);
    const monitor = this.host.monitors.get(database);
    noteGates(database, monitor?.gateCause);
    // The reason for leaving must be checked from now on; a failed round restarts by itself.
    if (database.health === 'healthy') monitor?.suspect({ fresh: true });
  }

  /** Clears the failure state, after the database was verified for a manual switch. */
  clear(database: Database): void {
    const wasHealthy = database.health === 'healthy';
    database.health = 'healthy';
    database.verifiedFor = database.incarnation;
    database.cause = undefined;
    database.failingSince = undefined;
    this.excuse(database);
    if (!wasHealthy) this.runtime.emit('database-healthy', healthyEvent(this.runtime, database));
  }

  /** Ends its grace period, its open breaker and its slowness; its health stays what it is. */
  excuse(database: Database): void {
    database.latestGrace = undefined;
    this.host.slowness.forget(database);
    this.host.grace.end(database);
  }

  /** `successor`, which is healthy, has replaced `old`, whose reported health is void. */
  onReplaced(old: Database, successor: Database): void {
    this.host.grace.end(old);
    if (old.health === 'healthy') return;
    this.host.verdicts.tellHealthy(successor);
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}
