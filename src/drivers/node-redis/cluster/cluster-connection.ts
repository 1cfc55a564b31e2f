import { ErrorReply } from '@redis/client';
import type { CommandArgument } from '../../../core/command-argument.js';
import { isMultiDbError, UnsupportedError } from '../../../errors.js';
import { isError } from '../../../is-error.js';
import type { ConnectionSettings } from '../../connection-settings.js';
import type { Attempt, Batch, Connection, ConnectionListener, DriverTime } from '../../driver.js';
import { asRefusal, ClusterAttempt, type Part } from './attempt.js';
import { NodeLane, type NodeLaneListener } from './lane.js';
import type { ClusterNode, NodeSendOptions } from './node.js';
import { isRedirectedTooOften } from './redirection.js';
import { routeCommand } from './route-command.js';
import type { ScanCursors } from './scan.js';
import { Sending } from './sending.js';
import { SlotRetry } from './slot-retry.js';
import type { ClusterSlots } from './slots.js';

export interface ClusterConnectionOptions {
  /** Connections to nodes are opened only when they are needed. */
  readonly lazy: boolean;
  /** Reads may go to replicas. */
  readonly useReplicas: boolean;
  readonly connectTimeoutMs: number;
  /** `undefined`: a command whose node can't be reached fails instead of waiting for it. */
  readonly time: DriverTime | undefined;
}

/** Arguments that only route by key; the attempt itself is sent in their place. */
const BY_KEY = ['GET', ''] as const;

/**
 * One client's connections to the nodes of a cluster. The engine sees them as one connection with
 * lanes, ready with the first lane and lost with the last. A lost lane is re-established at once,
 * and after that whenever it is needed; commands that wait for it go to whichever node serves their
 * slot by then.
 */
export class ClusterConnection implements Connection, NodeLaneListener {
  readonly hasLanes = true;
  readonly #lanes = new Map<string, NodeLane>();
  readonly #retired = new Set<NodeLane>();
  readonly #stopListening: () => void;
  readonly #slotRetry: SlotRetry | undefined;
  /** Addresses of nodes whose loss was reported to the engine, until they can be reached again. */
  readonly #missed = new Set<string>();
  #ready = false;
  #ended: Error | undefined;
  #referenced = true;
  /** Bytes received over lanes that have ended. */
  #bytes = 0;

  constructor(
    readonly slots: ClusterSlots,
    readonly scans: ScanCursors,
    readonly options: ClusterConnectionOptions,
    private readonly listener: ConnectionListener,
  ) {
    const { time } = options;
    this.#stopListening = slots.listen(() => this.#follow());
    if (time !== undefined) {
      this.#slotRetry = new SlotRetry(
        time,
        () => this.#isStuck(),
        () => slots.rediscover(),
      );
    }
    // Known slots may be out of date.
    const known = slots.known ? slots.rediscover() : slots.open();
    known.then(
      () => this.#begin(),
      (error: Error) => this.#lose(error),
    );
  }

  get ready(): boolean {
    return this.#ready;
  }

  get settings(): ConnectionSettings | undefined {
    return this.listener.settings;
  }

  get ended(): Error | undefined {
    return this.#ended;
  }

  get bytesReceived(): number {
    let bytes = this.#bytes;
    for (const lane of this.#all()) bytes += lane.bytesReceived;
    return bytes;
  }

  send(attempt: Attempt): void {
    const owner = new ClusterAttempt(attempt);
    attempt.handle = owner;
    routeCommand(this, owner).then(
      (reply) => {
        owner.end();
        if (!owner.withdrawn) attempt.onReply(reply);
      },
      (error) => {
        owner.end();
        if (!owner.withdrawn) attempt.onError(owner.failed ?? error);
      },
    );
  }

  ask(question: () => Attempt): void {
    for (const { connection } of [...this.#lanes.values()]) {
      if (connection.ready) connection.send(question());
    }
  }

  withdraw(attempt: Attempt): boolean {
    return attempt.handle instanceof ClusterAttempt && attempt.handle.withdraw();
  }

  identify(): Promise<string> {
    return Promise.reject(new UnsupportedError('CLIENT ID: a cluster has one id for each node'));
  }

  /**
   * Sends `args`, or the attempt itself if there are none, to the node that serves `key`. A command
   * that can't reach its node waits until that node, or another one in its place, can be reached.
   */
  async route(
    part: Part,
    key: CommandArgument | undefined,
    args: readonly CommandArgument[] | undefined,
    { isReadonly = false, isAll = false } = {},
  ): Promise<unknown> {
    const { owner } = part;
    const { typeMapping, asap } = owner.attempt.options ?? {};
    const options = {
      connection: this,
      part,
      isWhole: args === undefined,
      isAll,
      typeMapping,
      asap,
    };
    for (let tries = 0; ; tries += 1) {
      const { handed } = part;
      try {
        return await this.slots.send(key, isReadonly, args ?? BY_KEY, options);
      } catch (error) {
        if (this.#ended !== undefined || !mayGoOn(part, error)) throw error;
        if (part.handed === handed && this.slots.known) throw refusedByLibrary(error);
        owner.onWaiting();
        if (tries === 0) await this.slots.rediscover().catch(() => {});
        else if (this.#slotRetry === undefined) throw error;
        else await this.#slotRetry.wait(owner);
        if (this.#ended !== undefined || owner.isOver) throw error;
      }
    }
  }

  /** Called by node-redis's cluster client: sends `args`, or the attempt itself, to one node. */
  sendTo(
    node: ClusterNode,
    args: readonly CommandArgument[],
    { part, isWhole, isAll, typeMapping, asap }: NodeSendOptions,
    asking = false,
  ): Promise<unknown> {
    const { owner } = part;
    if (owner.isOver) return Promise.reject(owner.refusal);
    if (this.#ended !== undefined) return Promise.reject(asRefusal(this.#ended));
    const { attempt } = owner;
    return new Promise((resolve, reject) => {
      const sending = new Sending(
        part,
        isWhole ? attempt.args : args,
        isWhole ? attempt.batch : partOf(attempt.batch, args),
        { typeMapping, asap },
        asking,
        isWhole || isAll === true,
        resolve,
        reject,
      );
      this.#laneTo(node).send(sending);
      this.#slotRetry?.look();
    });
  }

  destroy(error: Error): void {
    if (this.#ended === undefined) this.#end(error);
  }

  ref(): void {
    this.#referenced = true;
    for (const lane of this.#all()) lane.connection.ref();
  }

  unref(): void {
    this.#referenced = false;
    for (const lane of this.#all()) lane.connection.unref();
  }

  onLaneReady(lane: NodeLane): void {
    if (this.#ended !== undefined) return;
    this.#missed.delete(lane.node.address);
    this.#becomeReady();
    this.#slotRetry?.end();
  }

  onLaneLost(lane: NodeLane, error: Error): void {
    this.#bytes += lane.bytesReceived;
    const isCurrent = this.#lanes.get(keyOf(lane)) === lane;
    if (isCurrent) this.#lanes.delete(keyOf(lane));
    this.#retired.delete(lane);
    if (this.#ended !== undefined) return;
    this.#miss(lane, error, isCurrent);
    if (this.#lanes.size === 0 && !this.options.lazy) this.#lose(error);
  }

  onLaneMaintenance(forMs: number): void {
    if (this.#ended === undefined) this.listener.onMaintenance(forMs);
  }

  onLaneIdle(lane: NodeLane): void {
    if (!lane.retired || lane.lost !== undefined) return;
    this.#retired.delete(lane);
    this.#bytes += lane.bytesReceived;
    lane.destroy(new Error(`${lane.node.address} left the cluster`));
  }

  /** One lane is lost; the others keep working. */
  #miss(lane: NodeLane, error: Error, isCurrent: boolean): void {
    const { node, wasReady } = lane;
    if (wasReady) this.listener.onLaneLost(lane, error);
    else if (!this.#missed.has(node.address)) this.listener.onLaneLost(undefined, error);
    this.#missed.add(node.address);
    if (this.#ended !== undefined || !isCurrent || !this.#ready) return;
    this.slots.rediscover().catch(() => {});
    // The connection may have been cut by chance, as any connection may be.
    if (wasReady && !this.options.lazy) this.#laneTo(node);
  }

  #begin(): void {
    if (this.#ended !== undefined) return;
    if (this.options.lazy) this.#becomeReady();
    else this.#follow();
  }

  #becomeReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.listener.onReady();
  }

  /**
   * Adapts to changed nodes: opens a connection to each master, retires those to nodes that have
   * left.
   */
  #follow(): void {
    if (this.#ended !== undefined || !this.slots.known) return;
    const { addresses, masters } = this.slots;
    for (const lane of [...this.#lanes.values()]) {
      const isListed = addresses.has(lane.node.address);
      if (isListed && lane.readonly === this.slots.isReplica(lane.node)) continue;
      this.#lanes.delete(keyOf(lane));
      this.#retired.add(lane);
      lane.retire(new Error(`${lane.node.address} left the cluster`));
      if (lane.pending === 0) this.onLaneIdle(lane);
    }
    for (const address of this.#missed) if (!addresses.has(address)) this.#missed.delete(address);
    if (this.options.lazy) return;
    const reachable = masters.filter((node) => !this.#missed.has(node.address));
    // No master is known to be reachable: only an attempt can show whether one is.
    const wanted = this.#lanes.size + reachable.length === 0 ? masters : reachable;
    for (const node of wanted) this.#laneTo(node);
  }

  #laneTo(node: ClusterNode): NodeLane {
    const readonly = this.slots.isReplica(node);
    const key = `${node.address} ${readonly}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const { connectTimeoutMs, time } = this.options;
      const options = this.slots.optionsOf(node, readonly);
      const setting = { options, readonly, connectTimeoutMs, loop: time?.loop };
      lane = new NodeLane(node, setting, this);
      if (!this.#referenced) lane.connection.unref();
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /**
   * Whether a command waits for a node that does not accept a connection; its slot may have moved.
   */
  #isStuck(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.opening && lane.pending > 0);
  }

  #all(): NodeLane[] {
    return [...this.#lanes.values(), ...this.#retired];
  }

  #lose(error: Error): void {
    if (this.#ended !== undefined) return;
    const lanes = this.#all();
    this.#close(error);
    this.listener.onLost(error);
    this.#destroyAll(lanes, error);
  }

  #end(error: Error): void {
    const lanes = this.#all();
    this.#close(error);
    this.#destroyAll(lanes, error);
  }

  #close(error: Error): void {
    for (const lane of this.#all()) this.#bytes += lane.bytesReceived;
    this.#ended = error;
    this.#ready = false;
    this.#stopListening();
    this.#lanes.clear();
    this.#retired.clear();
  }

  #destroyAll(lanes: readonly NodeLane[], error: Error): void {
    for (const lane of lanes) lane.destroy(error);
    this.#slotRetry?.close();
  }
}

/**
 * Unwritten commands may go to another node. A reply or an invalid argument would be the same
 * there.
 */
function mayGoOn(part: Part, error: unknown): boolean {
  if (part.written || part.owner.isOver || isRedirectedTooOften(error)) return false;
  return !(error instanceof ErrorReply || error instanceof TypeError || isMultiDbError(error));
}

/** One command of a batch that goes to another node, with the scripts that it may call. */
function partOf(batch: Batch | undefined, args: readonly CommandArgument[]): Batch | undefined {
  const { scripts } = batch ?? {};
  return scripts && { kind: 'single', commands: [args], scripts };
}

/** node-redis sent nothing: it can't split the arguments, or does not know the cursor. */
function refusedByLibrary(cause: unknown): TypeError {
  return new TypeError(isError(cause) ? cause.message : String(cause), { cause });
}

function keyOf(lane: NodeLane): string {
  return `${lane.node.address} ${lane.readonly}`;
}
