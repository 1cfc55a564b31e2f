import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Batch, Connection, Lane, SendOptions } from '../../drivers/driver.js';
import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { Command, LatestAttempt } from './command.js';
import type { InFlightQueue } from './in-flight-queue.js';

/** Called when attempts end. */
export interface AttemptListener {
  onAttemptReply(attempt: SentAttempt, reply: unknown): void;
  onAttemptError(attempt: SentAttempt, error: unknown): void;
  /** `undefined`: it waits for a lane again. */
  onAttemptLane(attempt: SentAttempt, lane: Lane | undefined): void;
}

/** The queue of attempts on one lane. */
export type AttemptQueue = InFlightQueue<SentAttempt, InFlightConnection>;

/** The connection that attempts are in progress on, as they and those who judge them see it. */
export interface InFlightConnection extends InFlightQueue<SentAttempt, InFlightConnection> {
  readonly connection: Connection;
  readonly database: Database;
  readonly link: ReconnectingConnection;
  readonly listener: AttemptListener;
  /** Lanes with anything in progress or orphaned; others may be among them until the next look. */
  readonly lanes: Set<AttemptQueue>;
  /** Its loss, or that of the lanes that went together, has been counted as a failure. */
  lossCounted: boolean;
  lossCountedAt: number;
  /** Loop time until which its server's announced maintenance makes nothing late. */
  relaxedUntil: number;
  /** Its database was left as failed, or it is superseded: it only finishes what is in progress. */
  draining: boolean;
  /** Another connection of the same link has taken its place, although it may be healthy. */
  superseded: boolean;
  /** Whether no attempt is in flight on any lane. */
  readonly isEmpty: boolean;
  /** Its own queue, and those of the lanes in use. */
  records(): AttemptQueue[];
  /** All attempts in flight on all lanes, in order within each lane; a copy. */
  attempts(): SentAttempt[];
  /** `attempt` uses `lane` from now on; `undefined`: it waits for a lane again. */
  move(attempt: SentAttempt, lane: Lane | undefined, time: number): void;
}

/**
 * One sending of a command, from the moment in which its connection gets it until it is over; a
 * link in the queue of its lane. Only the methods here change its state:
 *
 * - `under-way`: its result is awaited
 * - `taken-back`: it was not written and never will be
 * - `abandoned`: nobody waits for its result any more; a later one changes nothing
 * - `ended`: with a reply or an error
 *
 * `under-way` leads to each of the others, which lead nowhere.
 */
export class SentAttempt implements Attempt, LatestAttempt {
  /** Set by the driver at the moment in which the command is encoded for the socket. */
  written = false;
  handle: unknown;
  state: 'under-way' | 'taken-back' | 'abandoned' | 'ended' = 'under-way';
  /** The queue that it is in. */
  lane: AttemptQueue;
  /** Still in that queue. For `lane` alone to change. */
  listed = false;
  previous: SentAttempt | undefined;
  next: SentAttempt | undefined;

  constructor(
    readonly command: Command,
    channel: AttemptQueue,
    /** Both in loop time. */
    public sentAt: number,
    public deadline: number,
    /** Of the route under which it was sent. */
    readonly generation: number,
  ) {
    this.lane = channel;
  }

  get channel(): InFlightConnection {
    return this.lane.channel;
  }

  get isSuperseded(): boolean {
    return this.channel.superseded;
  }

  /** True: it was not written and never will be, and it does not count as an attempt. */
  takeBack(): boolean {
    if (!this.listed || !this.channel.connection.withdraw(this)) return false;
    this.lane.remove(this);
    if (this.state !== 'under-way') return true;
    this.state = 'taken-back';
    this.command.outstanding -= 1;
    this.command.attempts -= 1;
    return true;
  }

  /** Nobody waits for its result any more. What was written of it may have been executed. */
  abandon(): void {
    this.lane.remove(this);
    if (this.state !== 'under-way') return;
    this.state = 'abandoned';
    this.command.outstanding -= 1;
    this.command.maybeExecuted ||= this.written;
  }

  /** Its reply or error is there. False: the result is no longer wanted. */
  end(): boolean {
    this.lane.remove(this);
    this.lane.adopt(this);
    if (this.state !== 'under-way') return false;
    this.state = 'ended';
    this.command.outstanding -= 1;
    return true;
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
    return this.state !== 'under-way' || this.command.state === 'settled';
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
