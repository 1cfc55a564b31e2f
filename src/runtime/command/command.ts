import type { CommandArgument } from '../../core/command-argument.js';
import type { CommandTraits, RetrySafety } from '../../core/command-risk.js';
import type { Attempt, Batch, Lane, SendOptions } from '../../drivers/driver.js';
import type { Database } from '../database.js';
import type { Channel } from './data-connection.js';
import type { LaneRecord } from './in-flight-queue.js';
import type { Pass } from './scan-cursors.js';

/** What a caller may say about one command. Durations in milliseconds. */
export interface CommandOptions extends SendOptions {
  readonly abortSignal?: AbortSignal | undefined;
  /**
   * Deadline of the whole command, sent or not, up to `commandDeadlineMs`; 0 or absent: that of the
   * options. Of one attempt as well, instead of `commandTimeoutMs`.
   */
  readonly timeout?: number | undefined;
  /** Instead of `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety | undefined;
  /** Instead of the option `iterators`. */
  readonly iterators?: 'throw' | 'restart' | undefined;
  /** Of an iterator that the command is a page of. */
  readonly pass?: Pass | undefined;
}

/**
 * One command of a caller, from the call until it settles.
 *
 * - `backlog`: accepted, waits for a connection
 * - `sent`: at least one attempt is under way
 * - `waiting`: waits before its next attempt
 * - `settled`
 */
export class Command {
  state: 'backlog' | 'sent' | 'waiting' | 'settled' = 'backlog';
  /** Attempts so far; one that was taken back unwritten does not count. */
  attempts = 0;
  /** Attempts in flight: more than one after a takeover, when the first reply counts. */
  outstanding = 0;
  /** Any attempt may have been executed. */
  maybeExecuted = false;
  latest: SentAttempt | undefined;
  lastError: unknown;
  /** That of the latest attempt. */
  database: Database | undefined;
  /** Loop time at which its block time is over; `undefined`: it has not begun. */
  blockEndsAt: number | undefined;
  removeAbortListener: (() => void) | undefined;

  constructor(
    /** Grows with acceptance; keeps the order through every takeover. */
    readonly sequence: number,
    public args: readonly CommandArgument[],
    readonly options: CommandOptions | undefined,
    readonly batch: Batch | undefined,
    readonly traits: CommandTraits,
    /** In loop time. */
    readonly deadline: number,
    public resolve: (reply: unknown) => void,
    public reject: (error: unknown) => void,
  ) {}

  get databaseId(): string | undefined {
    return this.database?.id;
  }
}

/** Told how attempts end. */
export interface AttemptListener {
  onAttemptReply(attempt: SentAttempt, reply: unknown): void;
  onAttemptError(attempt: SentAttempt, error: unknown): void;
  /** `undefined`: it waits for a lane again. */
  onAttemptLane(attempt: SentAttempt, lane: Lane | undefined): void;
}

/** One sending of a command; a link in its lane's list of what is under way. */
export class SentAttempt implements Attempt {
  written = false;
  handle: unknown;
  /** The list that it is in. */
  lane: LaneRecord;
  /** Still in that list. */
  listed = false;
  previous: SentAttempt | undefined;
  next: SentAttempt | undefined;
  /** Given up before its result came: timed out, or its command was aborted. */
  abandoned = false;

  constructor(
    readonly command: Command,
    channel: Channel,
    /** Both in loop time. */
    public sentAt: number,
    public deadline: number,
    /** Of the route under which it was sent. */
    readonly generation: number,
  ) {
    this.lane = channel;
  }

  get channel(): Channel {
    return this.lane.channel;
  }

  /** It has waited for a lane until now, loop time; only now its time begins. */
  startsAt(time: number): void {
    const allowedMs = this.deadline - this.sentAt;
    this.sentAt = time;
    this.deadline = Math.min(time + allowedMs, this.command.deadline);
  }

  /**
   * It timed out because the database was late, not because it was sent shortly before its
   * command's own deadline.
   */
  hadItsTime(suspectAfterMs: number): boolean {
    const allowedMs = this.command.options?.timeout || suspectAfterMs;
    return (
      this.deadline < this.command.deadline ||
      this.deadline - this.sentAt >= Math.min(allowedMs, suspectAfterMs)
    );
  }

  get over(): boolean {
    return this.abandoned || this.command.state === 'settled';
  }

  get args(): readonly CommandArgument[] {
    return this.command.args;
  }

  get batch(): Batch | undefined {
    return this.command.batch;
  }

  get options(): SendOptions | undefined {
    return this.command.options;
  }

  onReply(reply: unknown): void {
    this.channel.listener.onAttemptReply(this, reply);
  }

  onError(error: unknown): void {
    this.channel.listener.onAttemptError(this, error);
  }

  onLane(lane: Lane | undefined): void {
    this.channel.listener.onAttemptLane(this, lane);
  }
}
