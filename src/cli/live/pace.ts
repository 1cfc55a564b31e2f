import { type Clock, systemClock } from '../../clock.js';

/**
 * A token bucket: permits `burst` at once and `perSecond` after that. Faster input waits, and so
 * does its sender, because nothing is read meanwhile.
 */
export class Pace {
  #allowed: number;
  #at: number;

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    private readonly signal: AbortSignal,
    private readonly clock: Clock = systemClock,
  ) {
    this.#allowed = burst;
    this.#at = clock.now();
  }

  /** Resolves when `amount` may be taken, or when the signal aborts. */
  async take(amount: number): Promise<void> {
    const now = this.clock.now();
    const earned = ((now - this.#at) / 1000) * this.perSecond;
    this.#allowed = Math.min(this.burst, this.#allowed + earned) - amount;
    this.#at = now;
    if (this.#allowed >= 0) return;
    await pause((-this.#allowed / this.perSecond) * 1000, this.signal, this.clock);
  }
}

/** Yields the chunks of `stream`, no faster than `pace`; `heard` is called for each. */
export async function* paced(
  stream: AsyncIterable<Uint8Array>,
  pace: Pace,
  heard: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    heard();
    yield chunk;
    await pace.take(chunk.byteLength);
  }
}

/** Resolves after `ms`, or when `signal` aborts. */
export function pause(ms: number, signal: AbortSignal, clock: Clock = systemClock): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      signal.removeEventListener('abort', stop);
      timer.cancel();
      resolve();
    };
    const timer = clock.after(ms, stop, { keepAlive: true });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
