import { ErrorReply } from '@redis/client';
import { foreignError, foreignReason } from '../../../foreign/foreign-error.js';
import type { Attempt, Lane } from '../../driver.js';
import type { ServerIdentity } from '../../server-identity.js';

/** Settles what is not to be sent: it was taken back, or no caller waits for the command. */
export class Withdrawn extends Error {}

/** A node refused the connection with an error reply, which is no reply to a command. */
export class NodeRefusedError extends Error {}

/** Why a command can't go to a node, for the command. */
export function asRefusal(error: Error): Error {
  return error instanceof ErrorReply
    ? new NodeRefusedError(`the connection was refused: ${foreignReason(error)}`, {
        cause: foreignError(error),
      })
    : error;
}

/** A lane that knows which attempts end with it. */
export interface ClusterLane extends Lane {
  readonly assigned: Set<ClusterAttempt>;
  serverIdentity(): ServerIdentity;
}

/** One command, or batch, on its way to one node, as its attempt sees it. */
export interface NodeSending {
  readonly settled: boolean;
  /** No other node has a share in its part. */
  readonly isAll: boolean;
  /** That it was handed to. */
  readonly lane: ClusterLane | undefined;
  /** True: it was not written and never will be. It rejects with `reason`. */
  withdraw(reason?: Error): boolean;
}

/**
 * All that is in progress for one attempt of the engine on a cluster: one sending to one node,
 * another one after a redirection, one to each of several nodes, or one for each command of a
 * pipeline whose slot moved. Nothing of it is sent once it is over: `sendTo` of the connection and
 * the lane of a node ask before they hand a sending on, and node-redis's queue as it is encoded.
 *
 * The attempt counts as written as long as any of its sendings was, and not proven unexecuted.
 */
export class ClusterAttempt {
  withdrawn = false;
  /** The lane on which the engine believes it was lost: the engine decides what becomes of it. */
  failed: Error | undefined;
  /** Ends its wait for a node. */
  stopWaiting: (() => void) | undefined;
  /** All of it, in so far as it is routed as one. */
  readonly whole = new Part(this);
  /** How many sendings were, or may have been, executed. */
  effects = 0;
  #hasEnded = false;
  readonly #underWay = new Set<NodeSending>();
  /** The sending by whose lane the engine judges silence and lateness. */
  #leading: NodeSending | undefined;
  #lane: ClusterLane | undefined;

  constructor(readonly attempt: Attempt) {}

  /** The server that it was sent to last. */
  get server(): ServerIdentity | undefined {
    return this.#lane?.serverIdentity();
  }

  /** Nothing more may be sent on its behalf. */
  get isOver(): boolean {
    return (
      this.#hasEnded || this.withdrawn || this.failed !== undefined || this.attempt.over === true
    );
  }

  /** What settles a sending of an attempt that is over. */
  get refusal(): Error {
    return this.failed ?? new Withdrawn('no caller waits for the command');
  }

  add(sending: NodeSending): void {
    this.#underWay.add(sending);
  }

  /** A sending counts as executed from now on, or does not any more. */
  count(by: 1 | -1): void {
    this.effects += by;
    this.attempt.written = this.effects > 0;
  }

  /**
   * `sending` is handed to its lane. Of several nodes the one that has not answered yet is the one
   * that the engine watches.
   */
  onHanded(sending: NodeSending): void {
    const isAhead = this.#leading !== undefined && !this.#leading.settled;
    if (!isAhead || sending.isAll) this.#lead(sending);
  }

  /** What comes next waits for a node, whichever lane has answered before. */
  onWaiting(): void {
    if (this.#leading?.settled === true) this.#lead(undefined);
  }

  /** `isDone`: its node answered, or may have executed it; else it may go on elsewhere. */
  onSettled(sending: NodeSending, isDone: boolean): void {
    this.#underWay.delete(sending);
    if (this.#leading !== sending || this.isOver) return;
    if (this.#underWay.size === 0 && isDone) return;
    for (const other of this.#underWay) {
      if (other.lane === undefined) continue;
      this.#lead(other);
      return;
    }
    this.#lead(undefined);
  }

  /** Settled: what is left of it is dropped. */
  end(): void {
    this.#hasEnded = true;
    this.#lane?.assigned.delete(this);
    for (const sending of [...this.#underWay]) sending.withdraw();
  }

  /** Its lane was lost, wherever it was meant to go next. */
  fail(error: Error): void {
    if (this.failed !== undefined) return;
    this.failed = error;
    for (const sending of [...this.#underWay]) sending.withdraw(error);
    this.stopWaiting?.();
  }

  /** True: nothing of it was written, and nothing will be. */
  withdraw(): boolean {
    if (this.withdrawn || this.attempt.written) return this.withdrawn;
    for (const sending of [...this.#underWay]) if (!sending.withdraw()) return false;
    this.withdrawn = true;
    this.stopWaiting?.();
    return true;
  }

  /** It ends with the lane of `sending` from now on; without one it waits. */
  #lead(sending: NodeSending | undefined): void {
    const lane = sending?.lane;
    this.#leading = sending;
    this.#lane?.assigned.delete(this);
    this.#lane = lane;
    lane?.assigned.add(this);
    this.attempt.onLane?.(lane);
  }
}

/** Something of an attempt that is routed by itself: all of it, or one command of a pipeline. */
export class Part {
  /** How often anything of it was handed to a node, or to whoever waits for one. */
  handed = 0;
  #effects = 0;

  constructor(readonly owner: ClusterAttempt) {}

  /** Anything of it was, or may have been, executed. */
  get written(): boolean {
    return this.#effects > 0;
  }

  add(sending: NodeSending): void {
    this.handed += 1;
    this.owner.add(sending);
  }

  count(by: 1 | -1): void {
    this.#effects += by;
    this.owner.count(by);
  }
}
