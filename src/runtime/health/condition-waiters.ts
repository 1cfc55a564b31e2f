import type { Database } from '../database.js';

/** Those who wait until something is true of a database; they look at every change. */
export class ConditionWaiters {
  readonly #looks = new Set<() => void>();
  #ended = false;

  /** Also resolves when the database is removed, and at the end. */
  until(database: Database, isTrue: () => boolean): Promise<void> {
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

  /** Something has changed. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }

  end(): void {
    this.#ended = true;
    this.look();
  }
}
