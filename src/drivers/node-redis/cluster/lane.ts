import type { Timer } from '../../../clock.js';
import type { CommandArgument } from '../../../core/command-argument.js';
import { ownError } from '../../../foreign/own-error.js';
import { type LoopTime, UNBLOCK_LIMIT_MS } from '../../driver.js';
import type { ServerIdentity } from '../../server-identity.js';
import { NodeRedisConnection } from '../client-connection.js';
import type { NodeRedisOptions } from '../options.js';
import { openProbeConnection } from '../probe-connection.js';
import { asRefusal, type ClusterAttempt, type ClusterLane } from './attempt.js';
import type { ClusterNode } from './node.js';
import type { Sending } from './sending.js';

export interface NodeLaneListener {
  onLaneReady(lane: NodeLane): void;
  /** Refused or lost; told once, before what was in progress ends. */
  onLaneLost(lane: NodeLane, error: Error): void;
  onLaneMaintenance(forMs: number): void;
  /** Nothing is in progress on it any more. */
  onLaneIdle(lane: NodeLane): void;
}

export interface NodeLaneSetting {
  readonly options: NodeRedisOptions;
  /** For replicas. */
  readonly readonly: boolean;
  readonly connectTimeoutMs: number;
  /** `undefined`: whoever uses it watches the time. */
  readonly loop: LoopTime | undefined;
}

/** One connection to one node of a cluster; what it is given before it is ready waits. */
export class NodeLane implements ClusterLane {
  readonly assigned = new Set<ClusterAttempt>();
  readonly connection: NodeRedisConnection;
  /** Its node is no longer of use: it only finishes what is in progress. */
  retired = false;
  wasReady = false;
  lost: Error | undefined;
  /** Given to it and not settled. */
  pending = 0;
  #waiting: Sending[] = [];
  #timer: Timer | undefined;

  constructor(
    readonly node: ClusterNode,
    private readonly setting: NodeLaneSetting,
    private readonly listener: NodeLaneListener,
  ) {
    this.connection = new NodeRedisConnection(setting.options, {
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

  identify(): Promise<string> {
    return this.connection.identify();
  }

  serverIdentity(): ServerIdentity {
    return this.connection.serverIdentity();
  }

  /** Over a connection made for it. */
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

  /** At once, or when the connection is ready; what it can't be sent on any more rejects. */
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

  /** What has not been handed over yet ends; it may go where its slot is now. */
  retire(error: Error): void {
    this.retired = true;
    this.#endWaiting(error);
  }

  /** Ends it without a word. */
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
