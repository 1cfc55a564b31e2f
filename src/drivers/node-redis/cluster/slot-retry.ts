import type { Timer } from '../../../clock.js';
import type { DriverTime } from '../../driver.js';
import type { ClusterAttempt } from './attempt.js';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 300;

/**
 * What waits for a node that can't be reached, until the cluster has healed: the slots are asked
 * for again and again, with growing pauses, for as long as anything waits.
 */
export class SlotRetry {
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;

  constructor(
    private readonly time: DriverTime,
    /** Something waits for a connection that is on its way. */
    private readonly isStuck: () => boolean,
    private readonly rediscover: () => Promise<void>,
  ) {}

  /** Resolves when it may be worth another try, or it was withdrawn, or all has ended. */
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

  /** Starts to ask for the slots, if anything waits. */
  look(): void {
    if (this.#closed || this.#timer !== undefined) return;
    if (this.#waiting.size === 0 && !this.isStuck()) return;
    const pauseMs = this.#pauseMs * (1 - 0.2 * this.time.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#timer = this.time.clock.after(pauseMs, () => {
      const again = () => {
        this.#timer = undefined;
        this.#endAll();
        this.look();
      };
      this.rediscover().then(again, again);
    });
  }

  /** A node can be reached: another try for what waits, in order. */
  end(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
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
