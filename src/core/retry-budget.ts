/** How many repeats a client may send. */
export interface RetryBudgetOptions {
  /** Repeats per first attempt, 0 to 1. */
  readonly share: number;
  /** Repeats that are allowed in addition, per second, for clients with little traffic; 0 or more. */
  readonly minPerSecond: number;
}

const WINDOW_SECONDS = 10;

interface Second {
  /** First attempts. */
  traffic: number;
  repeats: number;
}

/**
 * Limits repeats to a share of the traffic of the last ten seconds, as the retry budgets of Envoy
 * and Finagle do, so that retries cannot multiply the load on databases that are already
 * overloaded. Constant memory; constant time.
 *
 * Nothing is recorded on the command path: the caller passes a running total of first attempts, and
 * what was sent since the last call is spread evenly over the time since then.
 */
export class RetryBudget {
  readonly #seconds: Second[] = Array.from({ length: WINDOW_SECONDS }, () => ({
    traffic: 0,
    repeats: 0,
  }));
  /** Number of the current second, on the monotonic clock; undefined before the first call. */
  #second: number | undefined;
  #total = 0;
  #at = 0;

  constructor(private readonly options: RetryBudgetOptions) {}

  /**
   * Whether another repeat is within the budget; takes it if so. `now` is monotonic milliseconds,
   * `firstAttempts` the number of first attempts so far.
   */
  take(now: number, firstAttempts: number): boolean {
    const current = this.#roll(now, firstAttempts);
    let traffic = 0;
    let repeats = 0;
    for (const second of this.#seconds) {
      traffic += second.traffic;
      repeats += second.repeats;
    }
    const { share, minPerSecond } = this.options;
    if (repeats + 1 > share * traffic + minPerSecond * WINDOW_SECONDS) return false;
    current.repeats += 1;
    return true;
  }

  /** Brings the window up to date and returns the current second. */
  #roll(now: number, firstAttempts: number): Second {
    const second = Math.floor(now / 1000);
    const sent = firstAttempts - this.#total;
    const last = this.#second;
    if (last === undefined || second === last) {
      this.#of(second).traffic += sent;
    } else {
      const elapsedMs = now - this.#at;
      for (let each = Math.max(last, second - WINDOW_SECONDS + 1); each <= second; each += 1) {
        const slot = this.#of(each);
        if (each > last) Object.assign(slot, { traffic: 0, repeats: 0 });
        const from = Math.max(each * 1000, this.#at);
        const to = Math.min((each + 1) * 1000, now);
        slot.traffic += (sent * (to - from)) / elapsedMs;
      }
    }
    this.#second = second;
    this.#total = firstAttempts;
    this.#at = now;
    return this.#of(second);
  }

  #of(second: number): Second {
    return this.#seconds[second % WINDOW_SECONDS] as Second;
  }
}
