import type { Timer } from '../../../clock.js';
import { backoffMs, withJitter } from '../../../core/backoff.js';
import type { DriverTime } from '../../driver.js';
import type { ClusterAttempt } from './attempt.js';

const BACKOFF = { firstMs: 20, longestMs: 300 };

/**
 * Commands that wait for a node that can't be reached. Asks for the slots repeatedly, with growing
 * pauses, as long as any command waits.
 */
export class SlotRetry {
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;
  #pauses = 0;
  #closed = false;

  constructor(
    private readonly time: DriverTime,
    /** Whether a command waits for a connection that is being opened. */
    private readonly isStuck: () => boolean,
    private readonly rediscover: () => Promise<void>,
  ) {}

  /**
   * Resolves when another attempt may succeed, the attempt was withdrawn, or the connection has
   * ended.
   */
  wait(owner: ClusterAttempt): Promise<void> {
    if (this.#closed) return Promise.resolve();
    owner.onWaiting();
    return new Promise((resolve) => {
      const stop = () => {
        this.#waiting.delete(stop);
        owner.stopWaiting = undefined;
        resolve();
      };
      owner.stopWaiting = stop;
      this.#waiting.add(stop);
      this.look();
    });
  }

  /** Starts asking for the slots if any command waits. */
  look(): void {
    if (this.#closed || this.#timer !== undefined) return;
    if (this.#waiting.size === 0 && !this.isStuck()) return;
    const pauseMs = withJitter(backoffMs(BACKOFF, this.#pauses), this.time.random);
    this.#pauses += 1;
    this.#timer = this.time.clock.after(pauseMs, () => {
      const again = () => {
        this.#timer = undefined;
        this.#endAll();
        this.look();
      };
      this.rediscover().then(again, again);
    });
  }

  /** A node can be reached: lets the waiting commands try again, in order. */
  end(): void {
    this.#pauses = 0;
    this.#endAll();
  }

  #endAll(): void {
    for (const stop of [...this.#waiting]) stop();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#endAll();
  }
}
