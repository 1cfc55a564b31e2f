import type { Timer } from '../../clock.js';
import { mayRepeat } from '../../core/command-risk.js';
import type { ClientContext } from './client-context.js';
import type { DataConnection } from './data-connection.js';

/**
 * The change from one connection of a link to the next one while the database stays the same.
 * Unwritten commands go over the next connection; commands in flight finish on the previous one.
 *
 * The next connection takes no commands until no write is in flight on the previous one, because a
 * later write could be executed before an earlier one. The wait lasts `suspectAfterMs` at most. A
 * connection of several lanes does not keep such an order, so nothing waits for it.
 */
export class ConnectionHandover {
  #timer: Timer | undefined;
  #isOver = false;

  constructor(
    private readonly client: ClientContext,
    private readonly previous: DataConnection | undefined,
    /** The next connection takes commands from now on. */
    private readonly onOver: () => void,
  ) {}

  begin(): void {
    const { client, previous } = this;
    if (previous === undefined || !this.#isAwaited) {
      this.end();
      return;
    }
    const { suspectAfterMs } = client.coordinator.runtime.options;
    this.#timer = client.loop.after(suspectAfterMs, () => this.end());
  }

  /** An attempt has ended on the previous connection. */
  look(): void {
    if (!this.#isAwaited) this.end();
  }

  /** Ends the wait. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.onOver();
  }

  /** Cancels the handover; it has no effect from now on. */
  cancel(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  get #isAwaited(): boolean {
    const { previous } = this;
    if (previous === undefined || previous.isWaitingRoom) return false;
    for (let at = previous.oldest; at !== undefined; at = at.next) {
      const { category, blockMs } = at.command.traits;
      if (blockMs === undefined && !mayRepeat(category, 'read')) return true;
    }
    return false;
  }
}
