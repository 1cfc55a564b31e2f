import type { Clock, Timer } from './clock.js';

const STALL_TICKS = 3;

const NEVER: Timer = Object.freeze({ cancel: () => {} });

/**
 * Time during which the event loop was able to run. Deadlines and probe timeouts are measured
 * with it, so that a blocked loop, a garbage collection, a stopped process or a debugger makes
 * nothing late.
 *
 * While anything is watched the clock looks at the monotonic clock every `tickMs`, and when
 * something is due (`lookAt`). What one look finds beyond three ticks was a stall and does not
 * count.
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
  /** Exact loop time of the next look; in the past while it looks. */
  #nextLookAt = Number.POSITIVE_INFINITY;
  /** Loop time at which the earliest thing is due, as far as it was told. */
  #dueAt = Number.POSITIVE_INFINITY;

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
   * Has the next look come as soon as loop time reaches `time`, if that is to come and before the
   * next tick. To be asked again at that look for what is due later.
   */
  lookAt(time: number): void {
    if (time >= this.#dueAt || time <= this.time) return;
    this.#dueAt = time;
    const timer = this.#timer;
    if (timer === undefined || time >= this.#nextLookAt) return;
    // Throws if the stack of the caller is full: the look that is planned takes place then.
    this.#arm();
    timer.cancel();
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
      if (time < due) {
        this.lookAt(due);
        return;
      }
      this.unwatch(watcher);
      turn = this.#clock.afterTurn(callback);
    };
    this.watch(watcher);
    due = Math.ceil(this.#exactTime + this.#sinceLastLook() + delayMs);
    this.lookAt(due);
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
    const present = this.#exactTime + this.#sinceLastLook();
    const dueInMs = Math.ceil(this.#dueAt - present);
    const delayMs = Math.max(1, Math.min(dueInMs, this.tickMs));
    const timer = this.#clock.after(delayMs, () => {
      if (this.#timer !== timer) return;
      // It is armed again after the watchers, whatever they ask for.
      this.#nextLookAt = Number.NEGATIVE_INFINITY;
      this.#dueAt = Number.POSITIVE_INFINITY;
      const now = this.#clock.now();
      this.#exactTime += Math.min(now - this.now, STALL_TICKS * this.tickMs);
      this.time = Math.floor(this.#exactTime);
      this.now = now;
      for (const watcher of [...this.#watchers]) {
        if (this.#watchers.has(watcher)) watcher(this.time);
      }
      this.#timer = undefined;
      if (this.#watchers.size > 0) this.#arm();
    });
    this.#timer = timer;
    this.#nextLookAt = present + delayMs;
  }
}
