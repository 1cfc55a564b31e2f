import { ErrorReply } from '@redis/client';
import { foreignError, foreignReason } from '../../../foreign/foreign-error.js';
import type { Attempt, Lane } from '../../driver.js';
import type { ServerIdentity } from '../../server-identity.js';

/**
 * Settles a sending that must not go out: it was taken back, or no caller waits for the command.
 */
export class Withdrawn extends Error {}

/** A node refused the connection with an error reply, which is not the reply to a command. */
export class NodeRefusedError extends Error {}

/** Returns the error for a command that can't go to a node because of `error`. */
export function asRefusal(error: Error): Error {
  return error instanceof ErrorReply
    ? new NodeRefusedError(`the connection was refused: ${foreignReason(error)}`, {
        cause: foreignError(error),
      })
    : error;
}

/** A lane that tracks the attempts that end with it. */
export interface ClusterLane extends Lane {
  readonly assigned: Set<ClusterAttempt>;
  serverIdentity(): ServerIdentity;
}

/** One command, or batch, on its way to one node, as its `ClusterAttempt` sees it. */
export interface NodeSending {
  readonly settled: boolean;
  /** No other node executes anything for the same part. */
  readonly isAll: boolean;
  /** The lane that the sending was handed to; `undefined` before that. */
  readonly lane: ClusterLane | undefined;
  /**
   * Returns true if the sending was not written and never will be; it then rejects with `reason`.
   */
  withdraw(reason?: Error): boolean;
}

/**
 * Everything in progress for one attempt of the engine on a cluster: one sending to one node,
 * another one after a redirection, one to each of several nodes, or one for each command of a
 * pipeline whose slot moved. No sending goes out once the attempt is over: `sendTo` of the
 * connection and the lane of a node check before they hand it on, and node-redis's queue checks
 * when it encodes the command.
 *
 * The attempt counts as written while any of its sendings was written and is not proven unexecuted.
 */
export class ClusterAttempt {
  withdrawn = false;
  /** The error with which the attempt's lane was lost. The engine decides whether to retry. */
  failed: Error | undefined;
  /** Ends the wait for a node. */
  stopWaiting: (() => void) | undefined;
  /** The whole attempt, where it is routed as one. */
  readonly whole = new Part(this);
  /** Number of sendings that were, or may have been, executed. */
  effects = 0;
  #hasEnded = false;
  readonly #underWay = new Set<NodeSending>();
  /** The sending whose lane the engine uses to detect silence and overdue replies. */
  #leading: NodeSending | undefined;
  #lane: ClusterLane | undefined;

  constructor(readonly attempt: Attempt) {}

  /** The server that the attempt was sent to last. */
  get server(): ServerIdentity | undefined {
    return this.#lane?.serverIdentity();
  }

  /** Whether nothing more may be sent for the attempt. */
  get isOver(): boolean {
    return (
      this.#hasEnded || this.withdrawn || this.failed !== undefined || this.attempt.over === true
    );
  }

  /** The error for a sending of an attempt that is over. */
  get refusal(): Error {
    return this.failed ?? new Withdrawn('no caller waits for the command');
  }

  add(sending: NodeSending): void {
    this.#underWay.add(sending);
  }

  /** Counts a sending as executed (1), or no longer (-1). */
  count(by: 1 | -1): void {
    this.effects += by;
    this.attempt.written = this.effects > 0;
  }

  /**
   * Notes that `sending` was handed to its lane. Among several nodes the engine watches one that
   * has not replied yet.
   */
  onHanded(sending: NodeSending): void {
    const isAhead = this.#leading !== undefined && !this.#leading.settled;
    if (!isAhead || sending.isAll) this.#lead(sending);
  }

  /** The next sending waits for a node, so a lane that has already replied is no longer watched. */
  onWaiting(): void {
    if (this.#leading?.settled === true) this.#lead(undefined);
  }

  /**
   * `isDone`: the node replied, or may have executed the command. Otherwise the command may be sent
   * elsewhere.
   */
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

  /** The attempt has settled: drops the sendings that remain. */
  end(): void {
    this.#hasEnded = true;
    this.#lane?.assigned.delete(this);
    for (const sending of [...this.#underWay]) sending.withdraw();
  }

  /** The attempt's lane was lost. Fails the attempt, including sendings to other nodes. */
  fail(error: Error): void {
    if (this.failed !== undefined) return;
    this.failed = error;
    for (const sending of [...this.#underWay]) sending.withdraw(error);
    this.stopWaiting?.();
  }

  /** Returns true if no part of the attempt was written and none will be. */
  withdraw(): boolean {
    if (this.withdrawn || this.attempt.written) return this.withdrawn;
    for (const sending of [...this.#underWay]) if (!sending.withdraw()) return false;
    this.withdrawn = true;
    this.stopWaiting?.();
    return true;
  }

  /** Ties the attempt to the lane of `sending`; without a lane the attempt waits. */
  #lead(sending: NodeSending | undefined): void {
    const lane = sending?.lane;
    this.#leading = sending;
    this.#lane?.assigned.delete(this);
    this.#lane = lane;
    lane?.assigned.add(this);
    this.attempt.onLane?.(lane);
  }
}

/**
 * A part of an attempt that is routed by itself: the whole attempt, or one command of a pipeline.
 */
export class Part {
  /**
   * How often a sending of this part was handed to a node, or to a lane that waits for its node.
   */
  handed = 0;
  #effects = 0;

  constructor(readonly owner: ClusterAttempt) {}

  /** Whether any sending of this part was, or may have been, executed. */
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
