import { ErrorReply } from '@redis/client';
import type { Attempt, Batch, CommandArgument, Lane, SendOptions } from '../../driver.js';
import type { WireBatch } from '../chain.js';

/** Settles what was taken back; nobody hears of it. */
export class Withdrawn extends Error {}

/** A node refused the connection with an error reply, which is no reply to a command. */
export class NodeRefusedError extends Error {}

/** Why a command can't go to a node, for the command. */
export function asRefusal(error: Error): Error {
  return error instanceof ErrorReply
    ? new NodeRefusedError(`the connection was refused: ${error.message}`, { cause: error })
    : error;
}

/** `MOVED` and `ASK` prove that the node did not execute what it was sent. */
export function isRedirection(error: unknown): boolean {
  return error instanceof Error && /^(MOVED|ASK) /.test(error.message);
}

/**
 * What is under way for one attempt of the engine on a cluster: one sending to one node, another
 * one after a redirection, or one to each of several nodes.
 *
 * The attempt counts as written as long as any of its sendings was, and not proven unexecuted.
 */
export class ClusterAttempt {
  withdrawn = false;
  /** How often anything of it was handed to a node, or to whoever waits for one. */
  handed = 0;
  /** The lane on which the engine believes it was lost: the engine decides what becomes of it. */
  failed: Error | undefined;
  /** Ends its wait for a node. */
  stopWaiting: (() => void) | undefined;
  readonly #sendings = new Set<Sending>();
  #lane: ClusterLane | undefined;

  constructor(readonly attempt: Attempt) {}

  /** How many sendings were, or may have been, executed. */
  get effects(): number {
    let effects = 0;
    for (const { written, refused } of this.#sendings) if (written && !refused) effects += 1;
    return effects;
  }

  add(sending: Sending): void {
    this.handed += 1;
    this.#sendings.add(sending);
  }

  /** The sending came to nothing at its node. */
  remove(sending: Sending): void {
    this.#sendings.delete(sending);
    this.note();
  }

  /** A sending was written, or refused. */
  note(): void {
    this.attempt.written = this.effects > 0;
  }

  /** It goes over `lane` from now on, and ends with it. */
  takes(lane: ClusterLane): void {
    this.#lane?.assigned.delete(this);
    this.#lane = lane;
    lane.assigned.add(this);
    this.attempt.onLane?.(lane);
  }

  /** Settled: nothing is under way any more. */
  end(): void {
    this.#lane?.assigned.delete(this);
  }

  /** Its lane was lost, wherever it was meant to go next. */
  fail(error: Error): void {
    if (this.failed !== undefined) return;
    this.failed = error;
    for (const sending of [...this.#sendings]) sending.withdraw(error);
    this.stopWaiting?.();
  }

  /** True: nothing of it was written, and nothing will be. */
  withdraw(): boolean {
    if (this.withdrawn || this.attempt.written) return this.withdrawn;
    for (const sending of [...this.#sendings]) if (!sending.withdraw()) return false;
    this.withdrawn = true;
    this.stopWaiting?.();
    return true;
  }
}

/** What takes a sending back that was not written. */
interface Taker {
  withdraw(sending: Attempt): boolean;
}

/** A lane that knows which attempts end with it. */
export interface ClusterLane extends Lane {
  readonly assigned: Set<ClusterAttempt>;
}

/** One command, or batch, on its way to one node. */
export class Sending implements Attempt {
  readonly batch: WireBatch | undefined;
  handle: unknown;
  /** The node proved that it did not execute it. */
  refused = false;
  settled = false;
  /** Called once when it has settled. */
  onSettled: (() => void) | undefined;
  #taker: Taker | undefined;
  #written = false;

  constructor(
    readonly owner: ClusterAttempt,
    readonly args: readonly CommandArgument[],
    batch: Batch | undefined,
    readonly options: SendOptions | undefined,
    /** After an ASK redirection. */
    asking: boolean,
    /** The attempt as a whole goes this way. */
    private readonly isWhole: boolean,
    private readonly resolve: (reply: unknown) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    if (asking) this.batch = { ...(batch ?? { kind: 'pipeline', commands: [args] }), asking };
    // Of a pipeline those commands that were redirected go on alone.
    else if (batch?.kind === 'pipeline') this.batch = { ...batch, each: true };
    else this.batch = batch;
    owner.add(this);
  }

  get written(): boolean {
    return this.#written;
  }

  set written(written: boolean) {
    this.#written = written;
    this.owner.note();
  }

  /** It goes over `lane` from now on. */
  takes(lane: ClusterLane, taker: Taker): void {
    this.#taker = taker;
    if (this.isWhole) this.owner.takes(lane);
  }

  /** Before it has a lane it only needs to be told. */
  withdraw(reason: Error = new Withdrawn()): boolean {
    if (this.settled) return true;
    if (this.#written || this.#taker?.withdraw(this) === false) return false;
    this.#settle();
    this.owner.remove(this);
    this.reject(reason);
    return true;
  }

  onReply(reply: unknown): void {
    if (this.settled) return;
    this.#settle();
    this.resolve(reply);
  }

  onError(error: unknown): void {
    if (this.settled) return;
    this.#settle();
    if (isRedirection(error)) this.refused = true;
    // What was never written or is proven unexecuted leaves no trace.
    if (this.refused || !this.#written) this.owner.remove(this);
    this.reject(error);
  }

  #settle(): void {
    this.settled = true;
    this.onSettled?.();
  }
}
