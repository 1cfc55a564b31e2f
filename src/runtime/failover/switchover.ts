import type { DatabaseFailure } from '../../core/database-failure.js';
import type { SwitchReason } from '../../events.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { GroupHealth } from '../health/group-health.js';
import type { DownSearch } from './down-search.js';
import type { FailbackPreparation } from './failback-preparation.js';
import type { FailbackRamp } from './failback-ramp.js';
import type { Promotion } from './promotion.js';
import type { Router } from './router.js';

/** What a switch changes or ends. */
export interface SwitchoverHost {
  readonly router: Router;
  readonly health: Pick<GroupHealth, 'verification' | 'connectivity' | 'writability'>;
  readonly search: DownSearch;
  readonly preparation: FailbackPreparation;
  readonly promotion: Promotion;
  readonly ramp: FailbackRamp;
}

/**
 * Performs a switch, whatever its reason: ends the turn of one database, begins that of another, and
 * has the router replace the route and report the switch.
 */
export class Switchover {
  /** The failure for which the last active database was left, for the switch that follows. */
  failure: DatabaseFailure | undefined;
  #lastActive: Database | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: SwitchoverHost,
  ) {}

  /** Makes `database` the active one with one assignment. */
  switchTo(
    database: Database,
    reason: SwitchReason,
    cause: string,
    { lastResort = false, failed = false }: { lastResort?: boolean; failed?: boolean } = {},
  ): void {
    const { router, health, search, promotion, ramp } = this.host;
    const { downSince } = search;
    const from = this.#lastActive;
    const since = this.failure?.since;
    search.end();
    this.failure = undefined;
    this.#lastActive = database;
    this.#endTurn(from, database, reason, cause);
    ramp.end();
    database.wasEligible = true;
    // Comes before the commands, which would take long to detect a dead connection.
    if (!database.resting && !health.verification.isFresh(database)) {
      void health.verification.verify(database);
    }
    router.change({ database, lastResort, state: 'serving' }, failed);
    health.connectivity.awaitAnew(database);
    router.settle();
    health.writability.hurry(database);
    promotion.look(router.route, cause);
    // The database was left and selected again after a search: nothing has changed.
    if (from !== database) router.tell({ from, to: database, reason, cause, since });
    if (downSince === undefined) return;
    const downForMs = this.runtime.clock.now() - downSince;
    const at = timestamp(this.runtime);
    this.runtime.emit('recovered', { id: database.id, at, downForMs });
  }

  /** From now on all commands fail at once: no database can serve. */
  goDown(): void {
    const { router } = this.host;
    const { reason = 'health-check', cause = 'no database can serve', since } = this.failure ?? {};
    const from = this.#lastActive;
    this.#lastActive = undefined;
    this.#endTurn(from, undefined, reason, cause);
    router.change({ database: undefined, lastResort: false, state: 'down' }, true);
    router.settle();
    router.tell({ from, to: undefined, reason, cause, since });
  }

  /** `to` is active from now on; `from` was. */
  #endTurn(
    from: Database | undefined,
    to: Database | undefined,
    reason: SwitchReason,
    cause: string,
  ) {
    if (from === to) return;
    const at = this.runtime.clock.now();
    if (from !== undefined) from.turnEnd = { id: from.id, reason, cause, at };
    if (to === undefined) return;
    this.host.preparation.forget(to.turnEnd);
    to.turnEnd = undefined;
  }
}
