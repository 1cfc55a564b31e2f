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
  /** `lane` is `undefined` if the attempt waits for a lane again. */
  onAttemptLane(attempt: SentAttempt, lane: Lane | undefined): void;
}

/** The queue of attempts on one lane. */
export type AttemptQueue = InFlightQueue<SentAttempt, InFlightConnection>;

/** A connection with attempts in progress, as the attempts and their judges see it. */
export interface InFlightConnection extends InFlightQueue<SentAttempt, InFlightConnection> {
  readonly connection: Connection;
  readonly database: Database;
  readonly link: ReconnectingConnection;
  readonly listener: AttemptListener;
  /**
   * Lanes with attempts in progress or orphaned replies; others may be included until the next
   * tick.
   */
  readonly lanes: Set<AttemptQueue>;
  /**
   * The loss of the connection, or of the lanes that were lost together, was counted as a failure.
   */
  lossCounted: boolean;
  lossCountedAt: number;
  /** Loop time until which announced maintenance of the server makes no attempt overdue. */
  relaxedUntil: number;
  /**
   * The database was left as failed, or the connection is superseded: it only finishes its
   * attempts.
   */
  draining: boolean;
  /** Another connection of the same link has replaced this one, although it may be healthy. */
  superseded: boolean;
  /** Whether no attempt is in flight on any lane. */
  readonly isEmpty: boolean;
  /** Returns its own queue and those of the lanes in use. */
  records(): AttemptQueue[];
  /** Returns all attempts in flight on all lanes, in order within each lane, as a copy. */
  attempts(): SentAttempt[];
  /** `attempt` uses `lane` from now on; `undefined`: it waits for a lane again. */
  move(attempt: SentAttempt, lane: Lane | undefined, time: number): void;
}

/**
 * One sending of a command, from when its connection gets it until it is over; a link in the queue
 * of its lane. Only the methods here change its state, and the executor where the stack is too full
 * to call one:
 *
 * - `under-way`: its result is awaited
 * - `taken-back`: it was not written and never will be
 * - `abandoned`: no caller waits for its result any more; a later result has no effect
 * - `ended`: with a reply or an error
 *
 * `under-way` leads to each of the others, which are final.
 */
export class SentAttempt implements Attempt, LatestAttempt {
  /** Set by the driver when the command is encoded for the socket. */
  written = false;
  handle: unknown;
  state: 'under-way' | 'taken-back' | 'abandoned' | 'ended' = 'under-way';
  /** The queue that the attempt is in. */
  lane: AttemptQueue;
  /** Whether the attempt is still in that queue. Only `lane` changes it. */
  listed = false;
  previous: SentAttempt | undefined;
  next: SentAttempt | undefined;

  constructor(
    readonly command: Command,
    channel: AttemptQueue,
    /** Both in loop time. */
    public sentAt: number,
    public deadline: number,
    /** The generation of the route under which the attempt was sent. */
    readonly generation: number,
  ) {
    this.lane = channel;
  }

  get channel(): InFlightConnection {
    return this.lane.channel;
  }

  /** The server that it was sent to, as far as it is known. */
  get endpoint(): { readonly host: string; readonly port: number | undefined } {
    const { connection, database } = this.channel;
    const { driver } = database;
    return this.lane.path.endpoint ?? connection.endpoint ?? driver.endpoint ?? driver;
  }

  /** Whether it was sent to a standby in addition: its end is no matter of its command. */
  get isHedge(): boolean {
    return false;
  }

  get isSuperseded(): boolean {
    return this.channel.superseded;
  }

  /**
   * Returns true if the attempt was not written and never will be; it then does not count as an
   * attempt.
   */
  takeBack(): boolean {
    if (!this.listed || !this.channel.connection.withdraw(this)) return false;
    this.lane.remove(this);
    if (this.state !== 'under-way') return true;
    this.state = 'taken-back';
    this.leave();
    return true;
  }

  /** No caller waits for the result any more. Its written parts may have been executed. */
  abandon(): void {
    this.lane.remove(this);
    if (this.state !== 'under-way') return;
    this.state = 'abandoned';
    this.command.maybeExecuted ||= this.written;
    this.leave();
  }

  /** The reply or error has arrived. Returns false if the result is no longer wanted. */
  end(): boolean {
    this.lane.remove(this);
    this.lane.adopt(this);
    if (this.state !== 'under-way') return false;
    this.state = 'ended';
    this.leave();
    return true;
  }

  /** It is not in flight any more, as `state` says. */
  protected leave(): void {
    this.command.outstanding -= 1;
    if (this.state === 'taken-back') this.command.attempts -= 1;
  }

  /** The attempt waited for a lane until `time` (loop time): its timeout begins only now. */
  startsAt(time: number): void {
    const allowedMs = this.deadline - this.sentAt;
    this.sentAt = time;
    this.deadline = Math.min(time + allowedMs, this.command.deadline);
  }

  /**
   * Whether it timed out because the database was slow, rather than because it was sent shortly
   * before its command's own deadline.
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
