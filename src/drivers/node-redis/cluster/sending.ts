import type { CommandArgument } from '../../../core/command-argument.js';
import type { Attempt, Batch, SendOptions } from '../../driver.js';
import type { WireBatch } from '../chain.js';
import { type ClusterLane, type NodeSending, type Part, Withdrawn } from './attempt.js';
import { isMoved, isRedirection } from './redirection.js';

/** Takes back a sending that was not written. */
interface Taker {
  withdraw(sending: Attempt): boolean;
}

/** One command, or batch, on its way to one node. */
export class Sending implements Attempt, NodeSending {
  readonly batch: WireBatch | undefined;
  handle: unknown;
  settled = false;
  /** Called once, when the sending has settled. */
  onSettled: (() => void) | undefined;
  /** The lane that the sending was handed to. */
  lane: ClusterLane | undefined;
  #taker: Taker | undefined;
  #written = false;

  constructor(
    readonly part: Part,
    readonly args: readonly CommandArgument[],
    batch: Batch | undefined,
    readonly options: SendOptions | undefined,
    /** The sending follows an ASK redirection. */
    asking: boolean,
    /** No other node executes anything for the same part. */
    readonly isAll: boolean,
    private readonly resolve: (reply: unknown) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    if (asking) this.batch = { ...(batch ?? { kind: 'pipeline', commands: [args] }), asking };
    // The redirected commands of a pipeline are sent again one by one.
    else if (batch?.kind === 'pipeline') this.batch = { ...batch, each: true };
    else this.batch = batch;
    part.add(this);
  }

  get over(): boolean {
    return this.part.owner.isOver;
  }

  get written(): boolean {
    return this.#written;
  }

  set written(written: boolean) {
    if (written === this.#written) return;
    this.#written = written;
    this.part.count(written ? 1 : -1);
  }

  /** The sending uses `lane` from now on. */
  takes(lane: ClusterLane, taker: Taker): void {
    this.#taker = taker;
    this.lane = lane;
    this.part.owner.onHanded(this);
  }

  /** The lane is not ready yet. */
  waits(): void {
    this.part.owner.onWaiting();
  }

  /** Takes the sending back; without a lane it settles at once. Returns false if it was written. */
  withdraw(reason: Error = new Withdrawn()): boolean {
    if (this.settled) return true;
    if (this.#written || this.#taker?.withdraw(this) === false) return false;
    this.#settle(false);
    this.reject(reason);
    return true;
  }

  onReply(reply: unknown): void {
    if (this.settled) return;
    const moved = this.batch?.each === true ? movedAsAWhole(reply) : undefined;
    if (moved !== undefined) {
      this.onError(moved);
      return;
    }
    this.#settle(true);
    this.resolve(reply);
  }

  onError(error: unknown): void {
    if (this.settled) return;
    // A sending that was not written, or is proven unexecuted, has no effect.
    if (isRedirection(error)) this.written = false;
    this.#settle(this.#written);
    this.reject(error);
  }

  #settle(isDone: boolean): void {
    this.settled = true;
    this.onSettled?.();
    this.part.owner.onSettled(this, isDone);
  }
}

/**
 * Returns the redirection if every command of a pipeline was refused: the pipeline then moves as
 * one.
 */
function movedAsAWhole(reply: unknown): unknown {
  const results = reply as readonly PromiseSettledResult<unknown>[];
  const refusals = results.filter((each) => each.status === 'rejected' && isMoved(each.reason));
  if (refusals.length < results.length) return undefined;
  return (refusals[0] as PromiseRejectedResult | undefined)?.reason;
}
