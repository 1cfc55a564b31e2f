import type { Lane } from '../../drivers/driver.js';
import { ServerIdentity } from '../../drivers/server-identity.js';

/** An attempt in flight on a path, linked into its queue. */
export interface QueueEntry<Entry> {
  readonly command: {
    readonly sequence: number;
    readonly traits: { readonly blockMs: number | undefined };
  };
  /** Both in loop time. */
  readonly sentAt: number;
  readonly deadline: number;
  listed: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/**
 * One ordered path with its attempts in flight, oldest first. Replies arrive in this order, so
 * silence and overdue replies are detected here. The list is linked through the attempts: adding,
 * removing and reading the oldest one take constant time and allocate nothing.
 */
export abstract class InFlightQueue<Entry extends QueueEntry<Entry>, Connection> {
  /** The connection that the path is, or is a lane of. */
  abstract readonly channel: Connection;
  /**
   * The listed attempts wait for a lane: none is silent, and only whole commands can be overdue.
   */
  abstract readonly isWaitingRoom: boolean;
  /** Loop time of the latest check that found new bytes. */
  lastProgress: number;
  /** `path.bytesReceived` at the latest check. */
  lastBytes: number;
  /** Loop time since which orphaned replies are expected. */
  #orphanedAt = 0;
  /** Loop time of the latest reply to a blocking command. */
  blockEndedAt = Number.NEGATIVE_INFINITY;
  /** Loop time of the latest reply; known only where durations are measured. */
  previousReplyAt = Number.NEGATIVE_INFINITY;
  /** Loop time of the first check that found bytes of a reply that is not complete. */
  #replyBeganAt: number | undefined;
  /** Number of replies so far, and at the latest check. */
  #replies = 0;
  #repliesAtCheck = 0;
  /**
   * Loop time since which nothing has arrived although a reply is due, as of the latest `observeWait`.
   */
  #awaitedSince: number | undefined;
  /** `path.bytesReceived` at the latest `observeWait`. */
  #observedBytes = 0;
  /** Whether nothing has arrived since the oldest attempt was sent. */
  #isRoundTrip = false;
  /** No attempt is due before this loop time. */
  earliestDeadline = Number.POSITIVE_INFINITY;
  /** A check of overdue attempts waits for a full turn of the loop. */
  checking = false;
  /** Loop time of the latest report of the current silence. */
  suspectedAt = Number.NEGATIVE_INFINITY;
  /** Number of unanswered CLIENT UNBLOCK commands for this path. */
  unblocksUnderWay = 0;
  /** Loop time at which the latest CLIENT UNBLOCK ended. */
  unblockedAt = Number.NEGATIVE_INFINITY;
  /** Connection id of this path at the server, once known. */
  serverId: string | undefined;
  /**
   * Why the path is dead although its server is reachable: it ends when a new connection is ready.
   */
  deadOf: Error | undefined;
  /** The lane was lost while its data connection is alive. */
  lost = false;
  oldest: Entry | undefined;
  #newest: Entry | undefined;
  #server: ServerIdentity | undefined;
  #isIdAsked = false;
  /**
   * Attempts that were abandoned after they were written: their orphaned replies are still
   * expected.
   */
  readonly #orphaned = new Set<Entry>();
  size = 0;

  constructor(
    readonly path: Pick<
      Lane,
      'bytesReceived' | 'endpoint' | 'identify' | 'serverIdentity' | 'askAnew'
    >,
    /** Loop time. */
    time: number,
  ) {
    this.lastProgress = time;
    this.lastBytes = path.bytesReceived;
  }

  /** The server that the path leads to. The first access asks for its identity. */
  get server(): ServerIdentity {
    this.#server ??= this.path.serverIdentity?.() ?? ServerIdentity.unknown();
    return this.#server;
  }

  /** Asks for `serverId`, once, in advance: a path that is silent can't be asked any more. */
  learnId(): void {
    if (this.#isIdAsked) return;
    this.#isIdAsked = true;
    this.path.identify().then(
      (id) => {
        this.serverId = id;
      },
      () => {},
    );
  }

  /** Ends the path as if it had been lost. */
  abstract drop(error: Error): void;

  add(attempt: Entry): void {
    attempt.listed = true;
    attempt.previous = this.#newest;
    if (this.#newest === undefined) this.oldest = attempt;
    else this.#newest.next = attempt;
    this.#newest = attempt;
    this.size += 1;
    if (attempt.deadline < this.earliestDeadline) this.earliestDeadline = attempt.deadline;
  }

  /** Idempotent. */
  remove(attempt: Entry): void {
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

  /**
   * Marks the reply of `attempt` as orphaned: it is still expected, but no caller waits for it. An
   * attempt that waits for a lane leaves none behind, because the rest of it is never sent.
   */
  orphan(attempt: Entry, time: number): void {
    if (this.isWaitingRoom) return;
    if (this.#orphaned.size === 0) this.#orphanedAt = time;
    this.#orphaned.add(attempt);
  }

  /** Whether the attempt was sent behind a blocking command, so that its reply can't come yet. */
  isBlocked({ sentAt, command: { sequence } }: Entry): boolean {
    const head = this.oldest;
    if (head?.command.traits.blockMs === undefined) return false;
    return head.sentAt < sentAt || (head.sentAt === sentAt && head.command.sequence < sequence);
  }

  /** Loop time since which an orphaned reply is overdue; `undefined` if none is. */
  get orphanedSince(): number | undefined {
    for (const attempt of this.#orphaned) {
      if (!this.isBlocked(attempt)) return Math.max(this.#orphanedAt, this.blockEndedAt);
    }
    return undefined;
  }

  /** The reply of `attempt` arrived, or never will. */
  adopt(attempt: Entry): void {
    if (this.#orphaned.size > 0) this.#orphaned.delete(attempt);
  }

  /** Number of orphaned replies. */
  get orphaned(): number {
    return this.#orphaned.size;
  }

  /** Attempts in flight, oldest first; a copy, because settling changes the list. */
  listed(): Entry[] {
    const attempts: Entry[] = [];
    for (let at = this.oldest; at !== undefined; at = at.next) attempts.push(at);
    return attempts;
  }

  /** A reply is complete. Returns the loop time at which it began to arrive, as far as it is known. */
  noteReply(time: number): number {
    const beganAt = this.#replyBeganAt ?? time;
    this.#replyBeganAt = undefined;
    this.#replies += 1;
    this.previousReplyAt = time;
    return beganAt;
  }

  /**
   * Returns how long a reply that has begun to arrive since the latest call had been awaited, as
   * far as it was awaited at that call. `isMeasured`: whether the time until the reply of the oldest
   * attempt says something about the server.
   */
  observeWait(
    time: number,
    isMeasured: (oldest: Entry) => boolean,
  ): { readonly ms: number; readonly isRoundTrip: boolean } | undefined {
    const { oldest, path } = this;
    const since = this.#awaitedSince;
    const hasArrived = path.bytesReceived !== this.#observedBytes;
    if (!hasArrived && since !== undefined && oldest !== undefined) return undefined;
    const isRoundTrip = this.#isRoundTrip;
    const arrivedAt = hasArrived ? time : Number.NEGATIVE_INFINITY;
    this.#observedBytes = path.bytesReceived;
    this.#awaitedSince = undefined;
    if (oldest !== undefined && !this.isWaitingRoom && isMeasured(oldest)) {
      this.#isRoundTrip = oldest.sentAt >= Math.max(arrivedAt, this.lastProgress);
      this.#awaitedSince = Math.max(oldest.sentAt, arrivedAt, this.lastProgress);
    }
    if (!hasArrived || since === undefined) return undefined;
    return { ms: time - since, isRoundTrip };
  }

  /** Records received bytes; returns true if there are new ones since the latest check. */
  look(time: number): boolean {
    const bytes = this.path.bytesReceived;
    if (bytes === this.lastBytes) return false;
    this.lastBytes = bytes;
    // Bytes without the end of a reply belong to one that is still arriving.
    if (this.#replies === this.#repliesAtCheck) this.#replyBeganAt ??= time;
    this.#repliesAtCheck = this.#replies;
    this.lastProgress = time;
    this.suspectedAt = Number.NEGATIVE_INFINITY;
    this.deadOf = undefined;
    return true;
  }
}
