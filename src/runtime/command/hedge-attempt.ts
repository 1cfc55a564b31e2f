import type { LatencyPercentile } from '../../core/latency-percentile.js';
import type { Command } from './command.js';
import { type AttemptQueue, SentAttempt } from './sent-attempt.js';

/** Called when hedges end. */
export interface HedgeListener {
  onHedgeReply(hedge: HedgeAttempt, reply: unknown): void;
  onHedgeError(hedge: HedgeAttempt, error: unknown): void;
  /** The hedge is not in flight any more. `answered`: its reply follows. */
  onHedgeOver(hedge: HedgeAttempt, answered: boolean): void;
}

/** What comes from a standby does not count for the route. */
const NO_GENERATION = -1;

/**
 * A read that was sent to a standby in addition. It is none of the attempts of its command: only its
 * reply matters. When its database becomes active it is adopted, and counts like any other attempt.
 */
export class HedgeAttempt extends SentAttempt {
  #isAdopted = false;
  #isAnswered = false;

  constructor(
    command: Command,
    channel: AttemptQueue,
    /** Both in loop time. */
    sentAt: number,
    deadline: number,
    private readonly hedges: HedgeListener,
  ) {
    super(command, channel, sentAt, deadline, NO_GENERATION);
  }

  override get isHedge(): boolean {
    return !this.#isAdopted;
  }

  /** Its command has no other attempt on this database: this one is the latest from now on. */
  adopt(): void {
    const { command } = this;
    this.#isAdopted = true;
    command.state = 'sent';
    command.attempts += 1;
    command.outstanding += 1;
    command.latest = this;
    command.database = this.channel.database;
  }

  override onReply(reply: unknown): void {
    this.#isAnswered = true;
    if (this.#isAdopted) super.onReply(reply);
    else this.hedges.onHedgeReply(this, reply);
  }

  override onError(error: unknown): void {
    if (this.#isAdopted) super.onError(error);
    else this.hedges.onHedgeError(this, error);
  }

  protected override leave(): void {
    if (this.#isAdopted) super.leave();
    this.hedges.onHedgeOver(this, this.#isAnswered);
  }
}

/** An attempt whose latency is measured. */
export class MeasuredAttempt extends SentAttempt {
  readonly #startedAt: number;

  constructor(
    command: Command,
    channel: AttemptQueue,
    sentAt: number,
    deadline: number,
    generation: number,
    private readonly latency: LatencyPercentile,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {
    super(command, channel, sentAt, deadline, generation);
    this.#startedAt = now();
  }

  override onReply(reply: unknown): void {
    this.latency.add(this.now() - this.#startedAt);
    super.onReply(reply);
  }
}
