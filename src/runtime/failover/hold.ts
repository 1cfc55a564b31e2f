import type { Timer } from '../../clock.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';

/**
 * Whether an operator holds the active database: failback and weights are then ignored, and of an
 * unchecked hold also every failure. A switch by hand to another database ends it.
 */
export class Hold {
  /** Monotonic time of its end; Infinity: until it is ended; 0: there is none. */
  endsAt = 0;
  #unchecked: Database | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: EngineContext,
    /** An unchecked hold is over by itself: failures of the database count again. */
    private readonly onEnd: () => void,
  ) {}

  /** Whether the active database is held now. */
  get lasts(): boolean {
    return this.runtime.clock.now() < this.endsAt;
  }

  /** Replaces the current hold. `unchecked`: the database that is not left for a failure. */
  begin(endsAt: number, unchecked?: Database): void {
    this.end();
    if (endsAt <= this.runtime.clock.now()) return;
    this.endsAt = endsAt;
    if (unchecked === undefined) return;
    this.#unchecked = unchecked;
    unchecked.unchecked = true;
    this.#watch();
  }

  /** Returns false if nothing was held. */
  end(): boolean {
    const lasted = this.lasts;
    this.endsAt = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#unchecked !== undefined) this.#unchecked.unchecked = false;
    this.#unchecked = undefined;
    return lasted;
  }

  #watch(): void {
    if (!Number.isFinite(this.endsAt)) return;
    const leftMs = Math.ceil(this.endsAt - this.runtime.clock.now());
    this.#timer = this.runtime.clock.after(Math.min(leftMs, MAX_TIMER_MS), () => {
      if (this.lasts) {
        this.#watch();
        return;
      }
      this.end();
      this.onEnd();
    });
  }
}
