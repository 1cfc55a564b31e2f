import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Batch, SendOptions } from '../driver.js';
import type { Member, MemberAttempt } from './member.js';

/** Told when a request ends, before the engine hears how. */
export type RequestEnd = (request: PoolRequest) => void;

/**
 * An attempt of the engine in a pool: it waits, or holds a member until its reply. The connection
 * of the member sees it as its own attempt.
 */
export class PoolRequest implements MemberAttempt {
  /** Of the member's connection. */
  handle: unknown;
  /** The member that carries it; undefined while it waits and after its end. */
  member: Member | undefined;
  /** While it waits; links of the queue. */
  previous: PoolRequest | undefined;
  next: PoolRequest | undefined;
  isWaiting = false;
  /** Monotonic milliseconds; only set while the wait of requests is measured. */
  askedAt: number | undefined;

  constructor(
    readonly attempt: Attempt,
    /** Loop time since which it waits. */
    readonly since: number,
    private readonly onEnd: RequestEnd,
  ) {}

  get args(): readonly CommandArgument[] {
    return this.attempt.args;
  }

  get batch(): Batch | undefined {
    return this.attempt.batch;
  }

  get options(): SendOptions | undefined {
    return this.attempt.options;
  }

  get over(): boolean {
    return this.attempt.over === true;
  }

  get written(): boolean {
    return this.attempt.written;
  }

  set written(written: boolean) {
    this.attempt.written = written;
  }

  onReply(reply: unknown): void {
    this.onEnd(this);
    this.attempt.onReply(reply);
  }

  onError(error: unknown): void {
    this.onEnd(this);
    this.attempt.onError(error);
  }
}
