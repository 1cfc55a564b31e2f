import type { Timer } from '../../clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Databases that somebody keeps away from traffic: not eligible, whatever their health, until then. */
export class Drains {
  readonly #timers = new Map<Database, Timer>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly onEnd: () => void,
  ) {}

  /** `durationMs` up to 2^31-1, or Infinity: until it is ended. */
  begin(database: Database, durationMs: number): void {
    this.forget(database);
    database.drainEndsAt = this.runtime.clock.now() + durationMs;
    // Once resumed it waits for the next look for a better database, as after a grace period.
    database.wasEligible = true;
    if (durationMs > LONGEST_TIMER_MS) return;
    const timer = this.runtime.clock.after(durationMs, () => {
      if (this.end(database)) this.onEnd();
    });
    this.#timers.set(database, timer);
  }

  /** Now, however long it would have lasted. False when it is not drained. */
  end(database: Database): boolean {
    this.forget(database);
    if (database.drainEndsAt === 0) return false;
    database.drainEndsAt = 0;
    return true;
  }

  forget(database: Database): void {
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
  }
}
