import type { Database } from '../database.js';
import type { Verification } from '../health/verification.js';

/**
 * Databases that a failback passes over until the next failback check, so that it takes the next one:
 * they have not answered over their data connections, or their `beforeFailback` has failed. A
 * database that has answered since then is asked again.
 */
export class PassedOver {
  readonly #silent = new Set<Database>();
  readonly #unprepared = new Set<Database>();

  constructor(private readonly verification: Pick<Verification, 'isFresh'>) {}

  readonly has = (database: Database): boolean => {
    if (this.#unprepared.has(database)) return true;
    return this.#silent.has(database) && !this.verification.isFresh(database);
  };

  /** It has not answered. */
  addSilent(database: Database): void {
    this.#silent.add(database);
  }

  addUnprepared(database: Database): void {
    this.#unprepared.add(database);
  }

  /** The failback check of the databases with this interval begins. */
  clear(intervalMs: number): void {
    for (const databases of [this.#silent, this.#unprepared]) {
      for (const each of databases) {
        if (each.options.failbackCheckIntervalMs === intervalMs) databases.delete(each);
      }
    }
  }
}
