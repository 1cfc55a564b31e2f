import type { Lane } from '../../drivers/driver.js';
import { ServerIdentity } from '../../drivers/server-identity.js';
import type { SentAttempt } from './command.js';
import type { Channel } from './data-connection.js';

/**
 * One ordered path with what is under way on it, oldest first: replies come in this order, so
 * silence and lateness are judged here. The list is linked through the attempts themselves:
 * adding, removing and looking at the oldest are constant time and allocate nothing.
 */
export abstract class LaneRecord {
  abstract readonly channel: Channel;
  /** What is listed here waits for a lane: nothing is silent, and only commands are late. */
  abstract readonly isWaitingRoom: boolean;
  /** Loop time of the latest look that found new bytes. */
  lastProgress: number;
  /** `path.bytesReceived` at the latest look. */
  lastBytes: number;
  /** Loop time since which replies are to come that nobody waits for any more. */
  #owedSince = 0;
  /** Loop time of the latest reply to a blocking command. */
  blockEndedAt = Number.NEGATIVE_INFINITY;
  /** No attempt is due before this loop time. */
  earliestDeadline = Number.POSITIVE_INFINITY;
  /** A look at late attempts waits for a full turn of the loop. */
  checking = false;
  /** Loop time at which the silence that goes on was told last. */
  suspectedAt = Number.NEGATIVE_INFINITY;
  /** Loop time of the latest CLIENT UNBLOCK for this path. */
  unblockedAt = Number.NEGATIVE_INFINITY;
  /** The server's id of this path, once it is known. */
  serverId: string | undefined;
  /** Why it is dead, although its server is reachable: it ends when a new connection is ready. */
  deadOf: Error | undefined;
  /** Lost, while its channel lives. */
  lost = false;
  oldest: SentAttempt | undefined;
  #newest: SentAttempt | undefined;
  #server: ServerIdentity | undefined;
  #isIdAsked = false;
  /** Given up after they were written: their replies have to pass. */
  readonly #owed = new Set<SentAttempt>();
  size = 0;

  constructor(
    readonly path: Pick<Lane, 'bytesReceived' | 'identify' | 'serverIdentity' | 'askAnew'>,
    /** Loop time. */
    time: number,
  ) {
    this.lastProgress = time;
    this.lastBytes = path.bytesReceived;
  }

  /** The server that it leads to, which is asked for its name the first time. */
  get server(): ServerIdentity {
    this.#server ??= this.path.serverIdentity?.() ?? ServerIdentity.unknown();
    return this.#server;
  }

  /** Asks for `serverId`, once; a path that is silent could not be asked any more. */
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

  /** Ends the path, as if it had been lost. */
  abstract drop(error: Error): void;

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

  /**
   * The reply of `attempt` is still to come, and nobody waits for it. What waits for a lane owes
   * nothing: the rest of it is never sent.
   */
  owe(attempt: SentAttempt, time: number): void {
    attempt.abandoned = true;
    if (this.isWaitingRoom) return;
    if (this.#owed.size === 0) this.#owedSince = time;
    this.#owed.add(attempt);
  }

  /** Whether it was sent behind a command that blocks: its reply can't come before. */
  isBlocked({ sentAt, command: { sequence } }: SentAttempt): boolean {
    const head = this.oldest;
    if (head?.command.traits.blockMs === undefined) return false;
    return head.sentAt < sentAt || (head.sentAt === sentAt && head.command.sequence < sequence);
  }

  /**
   * Loop time since which a reply should have come that nobody waits for; `undefined`: none should
   * have.
   */
  get owedSince(): number | undefined {
    for (const attempt of this.#owed) {
      if (!this.isBlocked(attempt)) return Math.max(this.#owedSince, this.blockEndedAt);
    }
    return undefined;
  }

  /** It came, or never will. */
  paid(attempt: SentAttempt): void {
    if (this.#owed.size > 0) this.#owed.delete(attempt);
  }

  /** Replies that nobody waits for any more. */
  get owed(): number {
    return this.#owed.size;
  }

  /** What is under way here, oldest first; a copy, because settling changes the list. */
  listed(): SentAttempt[] {
    const attempts: SentAttempt[] = [];
    for (let at = this.oldest; at !== undefined; at = at.next) attempts.push(at);
    return attempts;
  }

  /** Notes what has arrived; true when something has since the latest look. */
  look(time: number): boolean {
    const bytes = this.path.bytesReceived;
    if (bytes === this.lastBytes) return false;
    this.lastBytes = bytes;
    this.lastProgress = time;
    this.suspectedAt = Number.NEGATIVE_INFINITY;
    this.deadOf = undefined;
    return true;
  }
}

/** One lane of a channel that has several. */
export class SideLane extends LaneRecord {
  readonly isWaitingRoom = false;

  constructor(
    readonly channel: Channel,
    readonly lane: Lane,
    time: number,
  ) {
    super(lane, time);
  }

  drop(error: Error): void {
    this.lane.drop(error);
  }
}
