import { type FailureDetectorOptions, thresholdsReached } from './failure-detector.js';
import { createSlidingWindow, type SlidingWindow } from './sliding-window.js';

export type BreakerState =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'open';
      /** Monotonic milliseconds. */
      readonly since: number;
      /** Content of the window when the breaker opened. */
      readonly failures: number;
      readonly total: number;
    };

const UNKNOWN = new Error('a command failed');

/** A failure detector that never throws; `undefined`: the thresholds decide. */
export interface OutcomeJudge {
  record(error: Error | undefined, now: number): void;
  hasFailed(now: number): boolean | undefined;
  reset(now: number): void;
}

export interface BreakerMetrics {
  readonly failures: number;
  readonly total: number;
  /** 0 to 100; 0 without an outcome. */
  readonly failureRatePercent: number;
}

const CLOSED: BreakerState = { kind: 'closed' };

/** All legal transitions; there is no half-open state, probes decide when it may close. */
const NEXT: Readonly<Record<BreakerState['kind'], BreakerState['kind']>> = {
  closed: 'open',
  open: 'closed',
};

/**
 * Returns `to` if it may follow `from`; throws otherwise, because that is a bug in this package.
 */
export function transition(from: BreakerState, to: BreakerState): BreakerState {
  if (NEXT[from.kind] !== to.kind) {
    throw new Error(`illegal transition of a circuit breaker: ${from.kind} -> ${to.kind}`);
  }
  return to;
}

/**
 * The circuit breaker of one database: closed -> open -> closed.
 *
 * It only judges outcomes. Other code decides who may use the database while it is open, so it
 * keeps counting while it is open. All operations take constant time; `recordSuccess` allocates
 * nothing.
 */
export class CircuitBreaker {
  readonly #options: FailureDetectorOptions;
  readonly #window: SlidingWindow;
  #state: BreakerState = CLOSED;

  constructor(
    options: FailureDetectorOptions,
    private readonly judge?: OutcomeJudge,
  ) {
    this.#options = options;
    this.#window = createSlidingWindow(options);
  }

  get state(): BreakerState {
    return this.#state;
  }

  metrics(now: number): BreakerMetrics {
    const failures = this.#window.failures(now);
    const total = this.#window.total(now);
    return { failures, total, failureRatePercent: total === 0 ? 0 : (failures / total) * 100 };
  }

  recordSuccess(now: number): void {
    this.#window.record(false, now);
    this.judge?.record(undefined, now);
  }

  /** `'opened'` for the failure with which both thresholds are reached, or the detector says so. */
  recordFailure(now: number, error: Error = UNKNOWN): 'opened' | undefined {
    this.#window.record(true, now);
    this.judge?.record(error, now);
    if (this.#state.kind === 'open') return undefined;
    if (!this.exceeds(now)) return undefined;
    const failures = this.#window.failures(now);
    const total = this.#window.total(now);
    this.#state = transition(this.#state, { kind: 'open', since: now, failures, total });
    return 'opened';
  }

  /** Whether the outcomes so far mean that the database has failed. */
  exceeds(now: number): boolean {
    const judged = this.judge?.hasFailed(now);
    if (judged !== undefined) return judged;
    const failures = this.#window.failures(now);
    return thresholdsReached(failures, this.#window.total(now), this.#options);
  }

  /** Opens the breaker regardless of the window. Returns false if it was open. */
  trip(now: number): boolean {
    if (this.#state.kind === 'open') return false;
    this.#state = transition(this.#state, {
      kind: 'open',
      since: now,
      failures: this.#window.failures(now),
      total: this.#window.total(now),
    });
    return true;
  }

  /**
   * Closes the breaker with an empty window. Returns false, and changes nothing, if it was closed.
   */
  close(now: number): boolean {
    if (this.#state.kind === 'closed') return false;
    this.#state = transition(this.#state, CLOSED);
    this.#window.reset(now);
    this.judge?.reset(now);
    return true;
  }
}
