import type { Clock, Random, Timer } from '../../clock.js';
import { withJitter } from '../../core/backoff.js';
import { PermanentlyUnavailableError, TemporarilyUnavailableError } from '../../errors.js';
import type { Database } from '../database.js';

export interface SearchOptions {
  readonly maxNumFailoverAttempts: number;
  readonly delayInBetweenFailoverAttemptsMs: number;
}

type State =
  | { readonly kind: 'off' }
  /** Some verdicts are pending. */
  | { readonly kind: 'searching'; readonly pending: Set<Database>; readonly since: number }
  /** All verdicts are in; probing continues indefinitely. */
  | {
      readonly kind: 'down';
      readonly since: number;
      attempts: number;
      timer: Timer;
    };

/**
 * The search for any database that can serve. It only ends with success. The number of failed
 * searches decides whether callers get the temporary or the permanent error.
 */
export class DownSearch {
  #state: State = { kind: 'off' };

  constructor(
    private readonly options: SearchOptions,
    private readonly clock: Clock,
    private readonly random: Random,
    /** Probes every database again. */
    private readonly probeAll: () => void,
  ) {}

  get downSince(): number | undefined {
    return this.#state.kind === 'down' ? this.#state.since : undefined;
  }

  /** Starts to wait for verdicts on `pending`. */
  begin(pending: Iterable<Database>): void {
    this.end();
    this.#state = { kind: 'searching', pending: new Set(pending), since: this.clock.now() };
  }

  /**
   * Records that `database` can't serve. Returns true if that was the last verdict and all are
   * down.
   */
  fail(database: Database): boolean {
    if (this.#state.kind !== 'searching') return false;
    this.#state.pending.delete(database);
    return this.concludeIfEmpty();
  }

  concludeIfEmpty(): boolean {
    if (this.#state.kind !== 'searching' || this.#state.pending.size > 0) return false;
    this.#state = { kind: 'down', since: this.#state.since, attempts: 1, timer: this.#next() };
    return true;
  }

  /** The verdict on `database` is pending, for the first time or again. */
  await(database: Database): void {
    if (this.#state.kind === 'searching') this.#state.pending.add(database);
  }

  end(): void {
    if (this.#state.kind === 'down') this.#state.timer.cancel();
    this.#state = { kind: 'off' };
  }

  /** The error for a command while no database serves. */
  error(details: { cause: unknown; maybeExecuted: boolean }): Error {
    const attempts = this.#state.kind === 'down' ? this.#state.attempts : 0;
    const message = `no database can serve (${attempts} failed searches so far; probing continues)`;
    return attempts >= this.options.maxNumFailoverAttempts
      ? new PermanentlyUnavailableError(message, details)
      : new TemporarilyUnavailableError(message, details);
  }

  #next(): Timer {
    // Processes that lost their databases at the same moment must not search in step.
    const delayMs = withJitter(this.options.delayInBetweenFailoverAttemptsMs, this.random);
    return this.clock.after(delayMs, () => {
      if (this.#state.kind !== 'down') return;
      this.#state.attempts = Math.min(this.#state.attempts + 1, Number.MAX_SAFE_INTEGER);
      this.#state.timer = this.#next();
      this.probeAll();
    });
  }
}
