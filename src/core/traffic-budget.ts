/** How many repeats a client may send, in addition to first attempts. */
export interface RetryBudgetOptions {
  /** Repeats per first attempt, 0 to 1. */
  readonly share: number;
  /** Repeats that are allowed in addition, per second, for clients with little traffic; 0 or more. */
  readonly minPerSecond: number;
}

interface Second {
  /** First attempts. */
  traffic: number;
  repeats: number;
}

/**
 * Limits what is sent in addition, repeats or hedges, to a share of the traffic of the last seconds,
 * as the retry budgets of Envoy and Finagle do, so that it cannot multiply the load on databases that
 * are already overloaded. Constant memory; constant time.
 *
 * Nothing is recorded on the command path: the caller passes a running total of first attempts, and
 * what was sent since the last call is spread evenly over the time since then.
 */
export class TrafficBudget {
  readonly #seconds: Second[];
  /** Number of the current second, on the monotonic clock. */
  #second: number;
  #total = 0;
  #at: number;

  constructor(
    private readonly options: RetryBudgetOptions,
    /** Monotonic milliseconds at which first attempts began to be counted. */
    startedAt: number,
    /** Length of the window in seconds. */
    private readonly windowSeconds = 10,
  ) {
    this.#at = startedAt;
    this.#second = Math.floor(startedAt / 1000);
    this.#seconds = Array.from({ length: windowSeconds }, () => ({ traffic: 0, repeats: 0 }));
  }

  /**
   * Whether another repeat is within the budget; takes it if so. `now` is monotonic milliseconds,
   * `firstAttempts` the number of first attempts so far, `share` overrides that of the options.
   */
  take(now: number, firstAttempts: number, share = this.options.share): boolean {
    const current = this.#roll(now, firstAttempts);
    let traffic = 0;
    let repeats = 0;
    for (const second of this.#seconds) {
      traffic += second.traffic;
      repeats += second.repeats;
    }
    const { minPerSecond } = this.options;
    // Sums of shares of seconds are not exact.
    const allowed = share * traffic + minPerSecond * this.windowSeconds + 1e-6;
    if (repeats + 1 > allowed) return false;
    current.repeats += 1;
    return true;
  }

  /**
   * Brings the window up to date: whatever was sent since the last call was sent just now. For a
   * caller that knows when there is traffic.
   */
  note(now: number, firstAttempts: number): void {
    const sent = firstAttempts - this.#total;
    this.#total = firstAttempts;
    this.#roll(now, firstAttempts).traffic += sent;
  }

  /** Brings the window up to date and returns the current second. */
  #roll(now: number, firstAttempts: number): Second {
    const second = Math.floor(now / 1000);
    const sent = firstAttempts - this.#total;
    const last = this.#second;
    if (second === last) {
      this.#of(second).traffic += sent;
    } else {
      const elapsedMs = now - this.#at;
      for (let each = Math.max(last, second - this.windowSeconds + 1); each <= second; each += 1) {
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
    return this.#seconds[second % this.windowSeconds] as Second;
  }
}
