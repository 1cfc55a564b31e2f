import type { Timer } from '../../clock.js';
import { every } from '../wire/wait.js';

const TICK_MS = 2;

export interface Rate {
  readonly callers: number;
  /** Of all callers together. */
  readonly ratePerSecond: number;
}

/**
 * The steady rhythm of concurrent callers, each with one thing in progress at a time. One whose turn
 * takes long begins no other, as in an application; one that ends badly goes on.
 */
export class Pace {
  readonly #callers: { id: number; nextAt: number; busy: boolean }[];
  readonly #periodMs: number;
  #timer: Timer | undefined;

  /** `turn` is what the caller with that number does; it must not reject. */
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

  /** Begins nothing more. */
  stop(): void {
    this.#timer?.cancel();
  }

  #tick(): void {
    const now = this.now();
    for (const each of this.#callers) {
      if (each.busy || each.nextAt > now) continue;
      // After a pause it goes on in its own rhythm: it neither catches up nor joins the others.
      const periods = Math.floor((now - each.nextAt) / this.#periodMs) + 1;
      each.nextAt += periods * this.#periodMs;
      each.busy = true;
      void this.turn(each.id).finally(() => {
        each.busy = false;
      });
    }
  }
}
