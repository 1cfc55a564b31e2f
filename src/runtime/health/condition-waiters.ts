import type { Database } from '../database.js';

/** Waiters for conditions of databases; they are evaluated at every change. */
export class ConditionWaiters {
  readonly #looks = new Set<() => void>();
  #ended = false;

  /** Resolves when `isTrue()`, when the database is removed, or when the group ends. */
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

  /** Evaluates the conditions after a change. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }

  end(): void {
    this.#ended = true;
    this.look();
  }
}
