import type { Timer } from '../../clock.js';
import { every } from '../../test-bed/wire/wait.js';

const TICK_MS = 2;

export interface Rate {
  readonly callers: number;
  /** The rate of all callers together. */
  readonly ratePerSecond: number;
}

/**
 * The steady rate of concurrent callers, each with one operation in progress. A caller whose
 * operation takes long starts no other one, as in an application; one whose operation fails
 * continues.
 */
export class Pace {
  readonly #callers: { id: number; nextAt: number; busy: boolean }[];
  readonly #periodMs: number;
  #timer: Timer | undefined;

  /** `turn` performs one operation of the caller with that number; it must not reject. */
  constructor(
    private readonly now: () => number,
    { callers, ratePerSecond }: Rate,
    private readonly turn: (caller: number) => Promise<void>,
  ) {
    this.#periodMs = (1000 * callers) / ratePerSecond;
    this.#callers = Array.from({ length: callers }, (_, id) => ({
      id,
      nextAt: (id / callers) * this.#periodMs,
      busy: false,
    }));
  }

  start(): void {
    const beganAt = this.now();
    for (const each of this.#callers) each.nextAt += beganAt;
    this.#timer = every(TICK_MS, () => this.#tick());
  }

  /** Starts no more operations. */
  stop(): void {
    this.#timer?.cancel();
  }

  #tick(): void {
    const now = this.now();
    for (const each of this.#callers) {
      if (each.busy || each.nextAt > now) continue;
      // After a pause a caller keeps its own rhythm: it neither catches up nor falls into step with
      // the others.
      const periods = Math.floor((now - each.nextAt) / this.#periodMs) + 1;
      each.nextAt += periods * this.#periodMs;
      each.busy = true;
      void this.turn(each.id).finally(() => {
        each.busy = false;
      });
    }
  }
}
