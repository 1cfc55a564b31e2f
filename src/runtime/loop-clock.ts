import type { Clock, Timer } from '../clock.js';

const STALL_TICKS = 3;

const NEVER: Timer = Object.freeze({ cancel: () => {} });

/**
 * Time during which the event loop was able to run. Deadlines and probe timeouts are measured
 * with it, so that a blocked loop, a garbage collection, a stopped process or a debugger makes
 * nothing late.
 *
 * While anything is watched the clock looks at the monotonic clock every `tickMs`. What one look
 * finds beyond three ticks was a stall and does not count.
 */
export class LoopClock {
  /**
   * Whole milliseconds of loop time, as of the last look: at most one tick old while watched.
   * Whole, because each command keeps a few of them, and fractions take memory of their own.
   */
  time = 0;
  #exactTime = 0;
  /** Monotonic milliseconds of the latest look, for what needs no better. */
  now: number;
  readonly tickMs: number;
  readonly #clock: Clock;
  readonly #watchers = new Set<(time: number) => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock;
    this.tickMs = tickMs;
    this.now = clock.now();
  }

  /** Calls `watcher` at every look until it is unwatched. Watching twice is watching once. */
  watch(watcher: (time: number) => void): void {
    this.#watchers.add(watcher);
    if (this.#timer === undefined) {
      this.now = this.#clock.now();
      this.#arm();
    }
  }

  unwatch(watcher: (time: number) => void): void {
    this.#watchers.delete(watcher);
  }

  /**
   * Calls back once, when `delayMs` of loop time has passed and a full turn of the loop after
   * that, in which what had arrived could be delivered. Never with Infinity.
   */
  after(delayMs: number, callback: () => void): Timer {
    if (delayMs === Number.POSITIVE_INFINITY) return NEVER;
    let turn: Timer | undefined;
    let due = Number.POSITIVE_INFINITY;
    const watcher = (time: number) => {
      if (time < due) return;
      this.unwatch(watcher);
      turn = this.#clock.afterTurn(callback);
    };
    this.watch(watcher);
    due = this.time + delayMs + this.#sinceLastLook();
    return {
      cancel: () => {
        this.unwatch(watcher);
        turn?.cancel();
      },
    };
  }

  /** How much the last look lags behind; what starts now is that much later than `time`. */
  #sinceLastLook(): number {
    return Math.min(this.#clock.now() - this.now, this.tickMs);
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.tickMs, () => {
      this.#timer = undefined;
      const now = this.#clock.now();
      this.#exactTime += Math.min(now - this.now, STALL_TICKS * this.tickMs);
      this.time = Math.floor(this.#exactTime);
      this.now = now;
      for (const watcher of [...this.#watchers]) {
        if (this.#watchers.has(watcher)) watcher(this.time);
      }
      if (this.#watchers.size > 0) this.#arm();
    });
  }
}
