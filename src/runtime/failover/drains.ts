import type { Timer } from '../../clock.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';

/** Drained databases: they are not eligible, whatever their health, until the drain ends. */
export class Drains {
  readonly #timers = new Map<Database, Timer>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly onEnd: () => void,
  ) {}

  /**
   * Begins a drain. `durationMs`: up to 2^31-1, or Infinity for a drain that lasts until it is
   * ended.
   */
  begin(database: Database, durationMs: number): void {
    this.forget(database);
    database.ownDrainEndsAt = this.runtime.clock.now() + durationMs;
    // Once resumed, the database waits for the next check for a better one, as after a grace
    // period.
    database.wasEligible = true;
    if (durationMs > MAX_TIMER_MS) return;
    const timer = this.runtime.clock.after(durationMs, () => {
      if (this.end(database)) this.onEnd();
    });
    this.#timers.set(database, timer);
  }

  /** Ends a drain early. Returns false if the database is not drained. */
  end(database: Database): boolean {
    this.forget(database);
    if (database.ownDrainEndsAt === 0) return false;
    database.ownDrainEndsAt = 0;
    return true;
  }

  forget(database: Database): void {
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
  }
}
