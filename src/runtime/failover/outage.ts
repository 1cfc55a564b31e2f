import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { Route } from '../route.js';
import type { Candidates } from './candidates.js';
import type { DownSearch } from './down-search.js';
import type { Router } from './router.js';
import type { Switchover } from './switchover.js';

/** The databases, and how they become active again. */
export interface OutageHost {
  readonly phase: 'new' | 'starting' | 'running' | 'ended';
  readonly router: Router;
  readonly health: { askAnew(database: Database): void };
  readonly search: DownSearch;
  readonly candidates: Candidates;
  readonly switchover: Switchover;
  all(): readonly Database[];
}

/**
 * The time in which no database is active. Every other database is asked again before all count as
 * down, and the first one that can serve becomes active.
 */
export class Outage {
  constructor(
    private readonly runtime: EngineContext,
    private readonly host: OutageHost,
  ) {}

  /** The active database was left, and no other one can be selected. */
  begin(left: Database): void {
    const { router } = this.host;
    router.change({ database: undefined, lastResort: false, state: 'searching' }, true);
    this.#beginSearch(left);
    router.settle();
  }

  /** A verdict that `database` can't serve, which may be the last one of the search. */
  onUnavailable(database: Database): void {
    if (this.host.search.fail(database)) this.#goDown();
  }

  /** There is no active database: selects any that can serve. */
  takeAny(): void {
    const { candidates, switchover } = this.host;
    const best = candidates.best();
    if (best === undefined) return;
    const { view, lastResort } = best;
    if (this.#route.state === 'down') {
      const cause = `${view.id} has recovered`;
      switchover.switchTo(view as Database, 'recovered', cause, { lastResort });
    } else {
      const { reason = 'health-check', cause = 'unhealthy' } = switchover.failure ?? {};
      switchover.switchTo(view as Database, reason, cause, { lastResort, failed: true });
    }
  }

  /** No database can be selected: every other database is asked again before all count as down. */
  #beginSearch(left: Database): void {
    const { search, health } = this.host;
    const others = this.host.all().filter((database) => database !== left);
    search.begin(others);
    if (search.concludeIfEmpty()) {
      this.#goDown();
      return;
    }
    for (const database of others) health.askAnew(database);
  }

  #goDown(): void {
    if (this.host.phase !== 'running' || this.#route.state === 'down') return;
    this.host.switchover.goDown();
    this.runtime.emit('all-databases-down', {
      at: timestamp(this.runtime),
      failures: this.host.all().map(({ id, cause, unconnected }) => ({
        id,
        cause: cause ?? unconnected,
      })),
    });
  }

  get #route(): Route {
    return this.host.router.route;
  }
}
