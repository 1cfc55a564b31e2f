import { isUsable } from '../../core/selection.js';
import type { Database } from '../database.js';
import type { RouteSource } from '../route.js';
import type { Connectivity } from './connectivity.js';

/** Waiters for conditions of databases; they are evaluated at every change. */
export class ConditionWaiters {
  readonly #looks = new Set<() => void>();
  #ended = false;

  constructor(
    private readonly router: RouteSource,
    private readonly connectivity: Pick<Connectivity, 'awaitAnew'>,
  ) {}

  /** Resolves when it is known whether `database` can serve. */
  firstVerdict(database: Database): Promise<void> {
    return this.#until(
      database,
      () => database.health === 'unhealthy' || database.connectionFailed || isUsable(database),
    );
  }

  /** Resolves when the database is healthy, used unchecked, or not active any more. */
  whenSettled(database: Database): Promise<void> {
    return this.#until(
      database,
      () =>
        database.failingSince === undefined ||
        database.unchecked ||
        this.router.route.database !== database,
    );
  }

  /** Resolves when the data connection is ready, or failed within a probe timeout. */
  whenConnected(database: Database): Promise<void> {
    this.connectivity.awaitAnew(database);
    return this.#until(database, () => database.connected || database.connectionFailed);
  }

  /** Resolves when `isTrue()`, when the database is removed, or when the group ends. */
  #until(database: Database, isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isTrue() && !database.removed && !this.#ended) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Evaluates the conditions after a change. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }

  end(): void {
    this.#ended = true;
    this.look();
  }
}
