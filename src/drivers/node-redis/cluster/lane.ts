import type { Timer } from '../../../clock.js';
import type { CommandArgument } from '../../../core/command-argument.js';
import { ownError } from '../../../foreign/own-error.js';
import type { ConnectionSettings } from '../../connection-settings.js';
import { type Endpoint, type LoopTime, UNBLOCK_LIMIT_MS } from '../../driver.js';
import type { ServerIdentity } from '../../server-identity.js';
import { NodeRedisConnection } from '../client-connection.js';
import type { NodeRedisOptions } from '../options.js';
import { openProbeConnection } from '../probe-connection.js';
import { asRefusal, type ClusterAttempt, type ClusterLane } from './attempt.js';
import type { ClusterNode } from './node.js';
import type { Sending } from './sending.js';

export interface NodeLaneListener {
  readonly settings?: ConnectionSettings | undefined;
  onLaneReady(lane: NodeLane): void;
  /** The lane was refused or lost. Called once, before its attempts in progress end. */
  onLaneLost(lane: NodeLane, error: Error): void;
  onLaneMaintenance(forMs: number): void;
  /** Nothing is in progress on the lane any more. */
  onLaneIdle(lane: NodeLane): void;
}

export interface NodeLaneSetting {
  readonly options: NodeRedisOptions;
  /** The connection is to a replica. */
  readonly readonly: boolean;
  readonly connectTimeoutMs: number;
  /** `undefined`: the user of the lane enforces its own time limit. */
  readonly loop: LoopTime | undefined;
}

/** One connection to one node of a cluster. Sendings wait until it is ready. */
export class NodeLane implements ClusterLane {
  readonly assigned = new Set<ClusterAttempt>();
  readonly connection: NodeRedisConnection;
  /** The node is no longer used: the lane only finishes what is in progress. */
  retired = false;
  wasReady = false;
  lost: Error | undefined;
  /** Number of sendings that were given to the lane and have not settled. */
  pending = 0;
  #waiting: Sending[] = [];
  #timer: Timer | undefined;

  constructor(
    readonly node: ClusterNode,
    private readonly setting: NodeLaneSetting,
    private readonly listener: NodeLaneListener,
  ) {
    this.connection = new NodeRedisConnection(setting.options, {
      settings: listener.settings,
      onReady: () => this.#becomeReady(),
      onLost: (error) => this.#end(error),
      onLaneLost: () => {},
      onMaintenance: (forMs) => listener.onLaneMaintenance(forMs),
    });
    const { loop, connectTimeoutMs } = setting;
    this.#timer = loop?.after(connectTimeoutMs, () => {
      this.drop(new Error(`no connection to ${node.address} in time`));
    });
  }

  get readonly(): boolean {
    return this.setting.readonly;
  }

  get opening(): boolean {
    return this.lost === undefined && !this.connection.ready;
  }

  get bytesReceived(): number {
    return this.connection.bytesReceived;
  }

  get endpoint(): Endpoint {
    return this.node;
  }

  identify(): Promise<string> {
    return this.connection.identify();
  }

  serverIdentity(): ServerIdentity {
    return this.connection.serverIdentity();
  }

  /** Sends a command over a new connection that is opened for it alone. */
  async askAnew(args: readonly CommandArgument[]): Promise<unknown> {
    const abort = new AbortController();
    const { options, loop, connectTimeoutMs } = this.setting;
    const limitMs = Math.min(connectTimeoutMs, UNBLOCK_LIMIT_MS);
    const timer = loop?.after(limitMs, () => abort.abort(ownError('no answer in time')));
    const opened = openProbeConnection(options, abort.signal);
    try {
      const connection = await opened;
      abort.signal.addEventListener('abort', () => connection.destroy(), { once: true });
      return await connection.send(args);
    } finally {
      timer?.cancel();
      abort.abort(ownError('done'));
    }
  }

  drop(error: Error): void {
    this.#end(error);
    this.connection.destroy(error);
  }

  /** Sends at once, or when the connection is ready. Rejects if the connection has ended. */
  send(sending: Sending): void {
    this.pending += 1;
    sending.onSettled = () => {
      this.pending -= 1;
      if (this.pending === 0) this.listener.onLaneIdle(this);
    };
    if (!this.opening) {
      this.#hand(sending);
      return;
    }
    this.#waiting.push(sending);
    sending.waits();
  }

  /** Rejects the sendings that still wait; they may go to the node that serves their slot now. */
  retire(error: Error): void {
    this.retired = true;
    this.#endWaiting(error);
  }

  /** Ends the lane without notifying the listener. */
  destroy(error: Error): void {
    if (this.lost !== undefined) return;
    this.lost = error;
    this.#timer?.cancel();
    this.connection.destroy(error);
    this.#endWaiting(error);
  }

  #becomeReady(): void {
    this.#timer?.cancel();
    this.wasReady = true;
    this.node.failing = false;
    this.listener.onLaneReady(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const sending of waiting) this.#hand(sending);
  }

  #hand(sending: Sending): void {
    if (sending.settled) return;
    if (sending.over) {
      sending.withdraw();
      return;
    }
    if (!this.connection.ready) {
      const { lost } = this;
      sending.onError(
        lost === undefined
          ? new Error(`the connection to ${this.node.address} has ended`)
          : asRefusal(lost),
      );
      return;
    }
    sending.takes(this, this.connection);
    this.connection.send(sending);
  }

  #end(error: Error): void {
    if (this.lost !== undefined) return;
    this.lost = error;
    this.#timer?.cancel();
    if (!this.wasReady) this.node.failing = true;
    this.listener.onLaneLost(this, error);
    for (const attempt of [...this.assigned]) attempt.fail(asRefusal(error));
    this.#endWaiting(error);
  }

  #endWaiting(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const sending of waiting) sending.onError(asRefusal(error));
  }
}
