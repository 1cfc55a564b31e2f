import type { Clock } from '../clock.js';

interface Caller {
  reject(error: unknown): void;
}

/**
 * Rejections that are delivered after a turn of the event loop. A caller that retries at once would
 * otherwise never leave the microtask queue: its process would read no reply, run no probe and fire
 * no timer.
 *
 * The rejections of one turn are delivered together and in order.
 */
export class DeferredRejections {
  #waiting: { readonly caller: Caller; readonly error: unknown }[] = [];
  #delivered: Promise<void> = Promise.resolve();

  constructor(private readonly clock: Clock) {}

  add(caller: Caller, error: unknown): void {
    // Comes first: it throws if the stack of the caller is full, and the next rejection schedules then.
    if (this.#waiting.length === 0) this.#schedule();
    this.#waiting.push({ caller, error });
  }

  #schedule(): void {
    let resolve = () => {};
    const delivered = new Promise<void>((onDelivered) => {
      resolve = onDelivered;
    });
    this.clock.afterTurn(() => {
      const due = this.#waiting;
      this.#waiting = [];
      for (const each of due) each.caller.reject(each.error);
      resolve();
    });
    this.#delivered = delivered;
  }

  /** Returns a promise that rejects with `error`. */
  reject(error: unknown): Promise<never> {
    return new Promise((_, reject) => this.add({ reject }, error));
  }

  /** Resolves when all rejections that were added so far have been delivered. */
  get delivered(): Promise<void> {
    return this.#delivered;
  }

  /** Wraps `method` so that its rejection is delivered after a turn of the event loop. */
  wrap<This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Promise<Result>,
  ): (this: This, ...args: Args) => Promise<Result> {
    const failed = (error: unknown) => this.reject(error);
    return async function (this: This, ...args: Args) {
      try {
        return await method.apply(this, args);
      } catch (error) {
        return failed(error);
      }
    };
  }
}
