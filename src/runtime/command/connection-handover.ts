import type { Timer } from '../../clock.js';
import { mayRepeat } from '../../core/command-risk.js';
import type { ClientContext } from './client-context.js';
import type { DataConnection } from './data-connection.js';

/**
 * From one connection of a link to the next one while the database stays the same: what was not
 * written goes over the next one, what is in flight finishes on the one before.
 *
 * Commands wait until no write is in flight there any more, or a later write could be executed
 * before an earlier one. They wait for `suspectAfterMs` at most. A connection of several lanes
 * keeps no such order, so nothing waits for it.
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

  /** Something has ended on the previous connection. */
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

  /** Without effect from now on. */
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
