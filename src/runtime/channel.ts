import type { Connection } from '../drivers/driver.js';
import type { AttemptListener, SentAttempt } from './command.js';
import type { Database } from './database.js';
import type { Link } from './link.js';

/**
 * One connection with what is under way on it, oldest first. The list is linked through the
 * attempts themselves: adding, removing and looking at the oldest are constant time and allocate
 * nothing.
 */
export class Channel {
  /** Loop time of the latest look that found new bytes. */
  lastProgress: number;
  /** `connection.bytesReceived` at the latest look. */
  lastBytes: number;
  /** Replies that nobody waits for any more, and since which loop time there are any. */
  owed = 0;
  owedSince = 0;
  /** No attempt is due before this loop time. */
  earliestDeadline = Number.POSITIVE_INFINITY;
  /** A look at late attempts waits for a full turn of the loop. */
  checking = false;
  /** Loop time at which the silence that goes on was told last. */
  suspectedAt = Number.NEGATIVE_INFINITY;
  /** Its loss has been counted as a failure. */
  lossCounted = false;
  /** Loop time until which its server's announced maintenance makes nothing late. */
  relaxedUntil = 0;
  /** Loop time of the latest CLIENT UNBLOCK for this connection. */
  unblockedAt = Number.NEGATIVE_INFINITY;
  /** Its database was left as failed: it only finishes what is under way. */
  draining = false;
  oldest: SentAttempt | undefined;
  #newest: SentAttempt | undefined;
  size = 0;

  constructor(
    readonly connection: Connection,
    readonly database: Database,
    readonly link: Link,
    readonly listener: AttemptListener,
    /** Loop time. */
    time: number,
  ) {
    this.lastProgress = time;
    this.lastBytes = connection.bytesReceived;
  }

  add(attempt: SentAttempt): void {
    attempt.listed = true;
    attempt.previous = this.#newest;
    if (this.#newest === undefined) this.oldest = attempt;
    else this.#newest.next = attempt;
    this.#newest = attempt;
    this.size += 1;
    if (attempt.deadline < this.earliestDeadline) this.earliestDeadline = attempt.deadline;
  }

  /** Idempotent. */
  remove(attempt: SentAttempt): void {
    if (!attempt.listed) return;
    attempt.listed = false;
    if (attempt.previous === undefined) this.oldest = attempt.next;
    else attempt.previous.next = attempt.next;
    if (attempt.next === undefined) this.#newest = attempt.previous;
    else attempt.next.previous = attempt.previous;
    attempt.previous = undefined;
    attempt.next = undefined;
    this.size -= 1;
    if (this.size === 0) this.earliestDeadline = Number.POSITIVE_INFINITY;
  }

  /** The reply of `attempt` is still to come, and nobody waits for it. */
  owe(attempt: SentAttempt, time: number): void {
    attempt.abandoned = true;
    attempt.owed = true;
    if (this.owed === 0) this.owedSince = time;
    this.owed += 1;
  }

  /** It came, or never will. */
  paid(attempt: SentAttempt): void {
    if (!attempt.owed) return;
    attempt.owed = false;
    this.owed -= 1;
  }

  /** Everything under way, oldest first; a copy, because settling changes the list. */
  attempts(): SentAttempt[] {
    const attempts: SentAttempt[] = [];
    for (let at = this.oldest; at !== undefined; at = at.next) attempts.push(at);
    return attempts;
  }

  /** Notes what has arrived; true when something has since the latest look. */
  look(time: number): boolean {
    const bytes = this.connection.bytesReceived;
    if (bytes === this.lastBytes) return false;
    this.lastBytes = bytes;
    this.lastProgress = time;
    this.suspectedAt = Number.NEGATIVE_INFINITY;
    return true;
  }
}
