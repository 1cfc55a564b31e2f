/**
 * The only place that touches time and chance. Everything else gets a `Clock` and a `Random`, so
 * that tests and simulations run on virtual time and repeat by seed.
 */

export interface Timer {
  /** Idempotent; also after the timer has fired. */
  cancel(): void;
}

/** Options of a timer. */
export interface TimerOptions {
  /**
   * Whether the timer keeps the process alive. Timers that only watch do not. Default: false.
   */
  readonly keepAlive?: boolean;
}

/** The time that the engine sees: the system clock, or a virtual one in tests. */
export interface Clock {
  /** Monotonic milliseconds, with fractions; the origin means nothing. */
  now(): number;
  /** Wall-clock milliseconds since the epoch, for what people read. Never used for decisions. */
  wallTime(): number;
  /** Calls back once, not before `delayMs` (0 to 2^31-1) has passed. */
  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /**
   * Calls back after one full turn of the event loop, in which every connection had the
   * opportunity to deliver what had arrived.
   */
  afterTurn(callback: () => void): Timer;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),

  after(delayMs, callback, options) {
    const dueAt = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (ms: number) => {
      timer = setTimeout(() => {
        // Node.js counts from when the loop's turn began, and so may be some milliseconds early.
        const leftMs = dueAt - performance.now();
        if (leftMs > 0) arm(Math.ceil(leftMs));
        else callback();
      }, ms);
      if (options?.keepAlive !== true) timer.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },

  afterTurn(callback) {
    // The first immediate runs in the check phase of the present turn, which an earlier poll
    // phase may have preceded; between the two immediates lies a whole poll phase.
    // They keep the loop alive for these two turns: those that don't wait, on an idle loop, for the
    // next timer instead of the next turn.
    let second: NodeJS.Immediate | undefined;
    const first = setImmediate(() => {
      second = setImmediate(callback);
    });
    return {
      cancel: () => {
        clearImmediate(first);
        clearImmediate(second);
      },
    };
  },
};
