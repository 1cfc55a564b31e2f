import type { Timer } from '../../clock.js';
import type { EngineContext } from '../engine-context.js';

/** When to look for a better database, and whether that is wanted now. */
export class FailbackSchedule {
  /** Monotonic time until which failback and weights are ignored; Infinity: until told. */
  heldUntil = 0;
  /** Monotonic time of the next look. */
  nextCheckAt = 0;
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly check: () => void,
  ) {}

  /** Automatic, and nobody forced the active one. */
  get allowed(): boolean {
    return this.runtime.options.failbackSupported && !this.held;
  }

  get held(): boolean {
    return this.runtime.clock.now() < this.heldUntil;
  }

  /** Looks every `failbackCheckIntervalMs`, a random part earlier. */
  start(): void {
    const { clock, random, options } = this.runtime;
    const { failbackCheckIntervalMs, failbackJitter } = options;
    const delayMs = failbackCheckIntervalMs * (1 - failbackJitter * random());
    this.nextCheckAt = clock.now() + delayMs;
    this.#timer = clock.after(delayMs, () => {
      this.start();
      this.check();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
