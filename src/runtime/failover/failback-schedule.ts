import type { Timer } from '../../clock.js';
import type { EngineContext } from '../engine-context.js';
import type { Hold } from './hold.js';

/** Schedules the checks for a better database, and decides whether failback is allowed. */
export class FailbackSchedule {
  /** What steering says instead of `failbackSupported`; undefined: nothing. */
  steered: () => boolean | undefined = () => undefined;
  /** What applies unless steering says otherwise: the option, until it is set at run time. */
  configured: boolean;
  /** Monotonic time of the next check. */
  nextCheckAt = 0;
  #timer: Timer | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly hold: Hold,
    private readonly check: () => void,
  ) {
    this.configured = runtime.options.failbackSupported;
  }

  /** Whether automatic failback is on and the active database is not held. */
  get allowed(): boolean {
    return this.supported && !this.hold.lasts;
  }

  /** Whether automatic failback is on. */
  get supported(): boolean {
    return this.steered() ?? this.configured;
  }

  /** Starts checks every `failbackCheckIntervalMs`, each earlier by a random part. */
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
