import type { CommandArgument } from '../core/command-argument.js';
import type { SubscriptionKind } from '../core/subscription-kind.js';
import type { Attempt, Driver } from '../drivers/driver.js';
import { type AttemptObserver, FakeConnection, openFakeProbe } from './fake-connection.js';
import { FAKE_ERROR_JUDGEMENT, type FakeErrorReply } from './fake-errors.js';
import type {
  FakeAnswer,
  FakeConnectionKind,
  FakeDirection,
  FakeProcess,
  FakeRequest,
  FakeWire,
} from './fake-network.js';
import { FakePubSub, FakeSubscriber } from './fake-pubsub.js';
import { type FakeScripts, FakeStore, refusal, type ServerState } from './fake-store.js';
import type { VirtualClock } from './virtual-clock.js';

/** Options of a fake database. */
export interface FakeDatabaseOptions {
  /** Stable name, as in `databases[].id`. */
  readonly id: string;
  /** The clock on which the database runs. */
  readonly clock: VirtualClock;
  /** Latency of one direction, in milliseconds. Default: 0.5. */
  readonly latencyMs?: number;
  /** Number of unread requests that the buffers of the server and the network hold. Default: 64. */
  readonly windowSize?: number;
  /** Timeout of a connection attempt, in milliseconds. Default: 5000, as in node-redis. */
  readonly connectTimeoutMs?: number;
}

/** One command that a fake server executed. Refused commands are not included. */
export interface Execution {
  /** The command and its arguments. */
  readonly args: readonly CommandArgument[];
  /** Virtual time of the execution, in milliseconds. */
  readonly at: number;
  /** Whether the command itself failed with an error reply. */
  readonly failed: boolean;
}

/** Is notified of every event at once; for tests that judge the engine. */
export interface FakeDatabaseObserver extends AttemptObserver {
  onExecution?(execution: Execution): void;
  /** A command of a caller was refused, for the server's state or because it is a replica. */
  onRefused?(wire: FakeWire): void;
  /** A command over a probe connection was executed; `sentAt` is virtual time. */
  onProbe?(sentAt: number): void;
}

/**
 * One Redis server on virtual time, with the faults of real ones. It executes commands on a small
 * store, records each execution, and is reached through its `driver`, which implements the contract
 * of `drivers/driver.ts`.
 *
 * All faults can be combined and take effect at once. Call them from `clock.elsewhere` to make them
 * happen while the process is stalled.
 */
export class FakeDatabase {
  /** The id of the database. */
  readonly id: string;
  /** The clock on which the database runs. */
  readonly clock: VirtualClock;
  /** The address as it appears in errors: `<id>.fake:6379`. */
  readonly address: string;
  /** How the engine reaches the database. @internal */
  readonly driver: Driver;
  /** The connections that the server handles. @internal */
  readonly wires = new Set<FakeWire>();
  /** The connections that clients hold open. @internal */
  readonly clients = new Set<FakeWire>();
  /** Commands executed over data connections, in order. It may be emptied at any time. */
  readonly executions: Execution[] = [];
  /** Number of commands answered over probe connections so far. */
  probesAnswered = 0;
  /** Latency of one direction, in milliseconds. */
  latencyMs: number;
  /** The state in which the server refuses commands; undefined: none. */
  state: ServerState | undefined;
  /** Is notified of each attempt, execution and probe, for the tests of this package. @internal */
  observer: FakeDatabaseObserver = {};
  #isDown = false;
  #isFrozen = false;
  #refusesNew = false;
  #losesToServer = false;
  #losesToClient = false;
  #probesToLose = 0;
  #swallowsNew = false;
  #wireId = 0;
  /** Where new connections lead, in turn; the first one takes writes. */
  #processes: FakeProcess[] = [{ isReplica: false }];
  #turn = 0;
  /** Runs the scripts of EVAL, because there is no Lua. Undefined: EVAL is refused. */
  scripts: FakeScripts | undefined;
  readonly #store = new FakeStore(
    () => this.clock.wallTime(),
    () => this.scripts,
  );
  /** The keys that each connection watches, with the version that it saw. */
  readonly #watched = new WeakMap<FakeWire, Map<string, number>>();
  readonly #pubsub = new FakePubSub();

  constructor(options: FakeDatabaseOptions) {
    const { id, clock, latencyMs = 0.5, windowSize = 64, connectTimeoutMs = 5000 } = options;
    this.id = id;
    this.clock = clock;
    this.latencyMs = latencyMs;
    this.address = `${id}.fake:6379`;
    const watched: AttemptObserver = {
      onSend: (attempt: Attempt) => this.observer.onSend?.(attempt),
      onWritten: (attempt: Attempt) => this.observer.onWritten?.(attempt),
    };
    this.driver = {
      address: this.address,
      host: `${id}.fake`,
      port: 6379,
      connectTimeoutMs,
      openConnection: (listener) => new FakeConnection(this, windowSize, watched, listener),
      openIsolated: (listener) =>
        new FakeConnection(this, windowSize, watched, listener, 'isolated'),
      openSubscriber: (listener) => new FakeSubscriber(this, this.#pubsub, listener),
      openProbe: (signal) => openFakeProbe(this, signal),
      ...FAKE_ERROR_JUDGEMENT,
    };
  }

  /** @internal */
  get refuses(): boolean {
    return this.#isDown || this.#refusesNew;
  }

  /** @internal */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** @internal */
  get losesToServer(): boolean {
    return this.#losesToServer;
  }

  /** @internal */
  get losesToClient(): boolean {
    return this.#losesToClient;
  }

  /** @internal */
  get swallowsNew(): boolean {
    return this.#swallowsNew;
  }

  /** Number of connections that clients hold open, including dead ones and probe connections. */
  get openConnections(): number {
    return this.clients.size;
  }

  /**
   * Number of connections that clients hold open although they are silent until they are closed.
   */
  get lostConnections(): number {
    let count = 0;
    for (const wire of this.clients) if (wire.isForgotten) count += 1;
    return count;
  }

  /** Number of connections that clients hold open although they lead to a replica. */
  get staleConnections(): number {
    let count = 0;
    for (const wire of this.clients) if (wire.process?.isReplica) count += 1;
    return count;
  }

  /** Number of further probe commands that will be lost. */
  get probesToLose(): number {
    return this.#probesToLose;
  }

  /** Kills the server: its connections are reset, and new ones refused. */
  crash(): void {
    this.#isDown = true;
    this.#isFrozen = false;
    this.killConnections();
  }

  /** Restarts the server after `crash`. With `keepData: false` its data is lost. */
  restart({ keepData = true }: { keepData?: boolean } = {}): void {
    this.#isDown = false;
    if (!keepData) this.#store.clear();
  }

  /** Stops the server's process: the system accepts connections and data, but nothing answers. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /**
   * Continues the process. It executes everything that was received meanwhile, even from
   * connections that were closed since.
   */
  thaw(): void {
    this.#isFrozen = false;
    this.#release();
  }

  /** Drops packets without an error on either side. */
  silence(direction: FakeDirection | 'both' = 'both'): void {
    if (direction !== 'to-client') this.#losesToServer = true;
    if (direction !== 'to-server') this.#losesToClient = true;
  }

  /** Ends `silence`: lost packets are sent again, unless their sender has closed meanwhile. */
  unsilence(): void {
    this.#losesToServer = false;
    this.#losesToClient = false;
    this.#release();
  }

  /** Refuses new connections; open ones are not affected. */
  refuse(refuses = true): void {
    this.#refusesNew = refuses;
  }

  /** Never answers new connections, as a firewall that drops them; open ones are not affected. */
  blackhole(swallows = true): void {
    this.#swallowsNew = swallows;
  }

  /**
   * New connections reach another server with the same data, as after a failover behind the
   * database's name. Open connections stay with the old server, which continues as a replica and
   * refuses writes.
   */
  move(): void {
    for (const process of this.#processes) process.isReplica = true;
    this.#processes = [{ isReplica: false }];
  }

  /** New connections reach the server and a replica of it alternately, as with a name of both. */
  alternate(): void {
    this.#processes = [this.#processes[0]!, { isReplica: true }];
  }

  /** Resets every connection; new ones are accepted. */
  killConnections(kind?: FakeConnectionKind): void {
    for (const wire of [...this.wires]) if (kind === undefined || wire.kind === kind) wire.cut();
  }

  /**
   * Makes the connections that are open now silent until they are closed, as in a firewall that
   * lost its state. New connections are not affected. Without `kind`: all connections.
   */
  loseConnections(kind?: FakeConnectionKind, direction: FakeDirection | 'both' = 'both'): void {
    for (const wire of this.wires) {
      // A connection that is opening sends its first packet again.
      const isFlow = wire.state === 'open' && (kind === undefined || wire.kind === kind);
      if (isFlow) wire.forget(direction);
    }
  }

  /** The next `count` commands over probe connections are never answered. */
  loseProbes(count = 1): void {
    this.#probesToLose = count;
  }

  /**
   * Ends every fault; a crashed server is restarted with its data. Connections that
   * `loseConnections` made silent stay silent, and those that lead to a replica still do.
   */
  heal(): void {
    this.restart();
    this.refuse(false);
    this.blackhole(false);
    this.#processes.length = 1;
    this.state = undefined;
    this.#probesToLose = 0;
    this.unsilence();
    this.thaw();
  }

  /**
   * Names of channels and patterns that the server refuses to subscribe to. It may be changed at
   * any time.
   */
  get deniedChannels(): Set<string> {
    return this.#pubsub.denied;
  }

  /**
   * Publishes a message from another client; returns the number of subscriptions that received it.
   * A server that is down or frozen publishes nothing.
   */
  publish(channel: string, message: string, { sharded = false } = {}): number {
    return this.#isDown || this.#isFrozen ? 0 : this.#pubsub.publish(channel, message, sharded);
  }

  /** Returns the number of connections that are subscribed to this channel or pattern. */
  subscriptions(name: string, kind: SubscriptionKind = 'channel'): number {
    return this.#pubsub.count(kind, name);
  }

  /** For the fake network alone. @internal */
  nextProcess(): FakeProcess {
    this.#turn += 1;
    return this.#processes[this.#turn % this.#processes.length]!;
  }

  /** For the fake network alone. @internal */
  nextWireId(): number {
    this.#wireId += 1;
    return this.#wireId;
  }

  /** For the fake network alone. @internal */
  execute(request: FakeRequest, wire: FakeWire): FakeAnswer | undefined {
    if (wire.kind === 'probe') {
      if (this.#probesToLose > 0) {
        this.#probesToLose -= 1;
        return undefined;
      }
      this.probesAnswered += 1;
    }
    const replies: unknown[] = [];
    for (const args of request.commands) {
      const refused = this.#refusal(args, wire);
      if (refused === undefined) continue;
      if (wire.kind === 'data' || wire.kind === 'isolated') this.observer.onRefused?.(wire);
      return { ok: false, error: refused };
    }
    if (request.isBatch && this.#hasConflict(wire)) return { ok: true, reply: null };
    for (const args of request.commands) {
      let failure: Error | undefined;
      try {
        replies.push(this.#run(args, wire));
      } catch (error) {
        failure = error as Error;
      }
      const isCallers = wire.kind !== 'probe' && wire.kind !== 'subscriber' && !request.isQuestion;
      if (isCallers) this.#note({ args, at: this.clock.now(), failed: !!failure });
      if (failure !== undefined) return { ok: false, error: failure };
    }
    if (wire.kind === 'probe') this.observer.onProbe?.(request.sentAt);
    return { ok: true, reply: request.isBatch ? replies : replies[0] };
  }

  /** The state of the whole database comes first. */
  #refusal(args: readonly CommandArgument[], wire: FakeWire): FakeErrorReply | undefined {
    const refused = this.state === undefined ? undefined : refusal(this.state, args);
    return refused ?? (wire.process?.isReplica ? refusal('READONLY', args) : undefined);
  }

  #run(args: readonly CommandArgument[], wire: FakeWire): unknown {
    if (wire.kind === 'subscriber') return this.#pubsub.execute(args, wire);
    const [name, channel, message] = args.map(String);
    if (name === 'WATCH') return this.#watch(wire, args.slice(1).map(String));
    if (name === 'UNWATCH') return this.#watch(wire, []);
    if (name === 'PUBLISH' || name === 'SPUBLISH') {
      return this.#pubsub.publish(String(channel), String(message), name === 'SPUBLISH');
    }
    return this.#store.execute(args);
  }

  #watch(wire: FakeWire, keys: readonly string[]): string {
    const watched = keys.length === 0 ? undefined : this.#watched.get(wire);
    const versions = watched ?? new Map<string, number>();
    for (const key of keys) versions.set(key, this.#store.version(key));
    this.#watched.set(wire, versions);
    return 'OK';
  }

  /** Whether a watched key was written. Ends the watch of all keys of the connection. */
  #hasConflict(wire: FakeWire): boolean {
    const watched = [...(this.#watched.get(wire) ?? [])];
    this.#watched.delete(wire);
    return watched.some(([key, version]) => this.#store.version(key) !== version);
  }

  #note(execution: Execution): void {
    this.executions.push(execution);
    this.observer.onExecution?.(execution);
  }

  #release(): void {
    for (const wire of [...this.wires]) wire.release();
  }
}
