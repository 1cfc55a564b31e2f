import type { Timer } from '../../clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';

/**
 * Spreads the failbacks of a fleet over `failbackRampMs`: each instance returns at its place in the
 * time that begins when it finds the better database.
 */
export class FailbackRamp {
  #pending:
    | { readonly database: Database; readonly incarnation: number; readonly dueAt: number }
    | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'options'>,
    /** In [0, 1). */
    private readonly place: number,
    private readonly check: (database: Database) => void,
  ) {}

  /** Whether the failback may happen now. If not, `check` follows when it may. */
  isDue(database: Database): boolean {
    const { clock, options } = this.runtime;
    const delayMs = options.failbackRampMs * this.place;
    if (delayMs === 0) return true;
    const now = clock.now();
    if (!this.#isFor(database)) {
      this.end();
      this.#pending = { database, incarnation: database.incarnation, dueAt: now + delayMs };
      this.#timer = clock.after(Math.ceil(delayMs), () => this.check(database));
    }
    return now >= (this.#pending?.dueAt ?? now);
  }

  /** Monotonic time of the failback to this database; undefined if it does not wait. */
  dueAt(database: Database): number | undefined {
    return this.#isFor(database) ? this.#pending?.dueAt : undefined;
  }

  /** Begins anew with the next better database. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending = undefined;
  }

  #isFor(database: Database): boolean {
    const { database: awaited, incarnation } = this.#pending ?? {};
    return awaited === database && incarnation === database.incarnation;
  }
}
