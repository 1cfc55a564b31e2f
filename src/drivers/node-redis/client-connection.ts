import type { Socket } from 'node:net';
import { ClientClosedError, ClientOfflineError, ErrorReply } from '@redis/client';
import { foreignError } from '../../foreign/foreign-error.js';
import { askServerIdentity } from '../ask-server-identity.js';
import { NOT_FOLLOWING } from '../connection-settings.js';
import type { Attempt, Connection, ConnectionListener } from '../driver.js';
import { ServerIdentity } from '../server-identity.js';
import { tell } from '../tell.js';
import { BatchBoundary } from './batch-boundary.js';
import { isPlain } from './chain.js';
import { type ConnectContext, diagnosedError } from './diagnosed-error.js';
import type { InnerClient } from './inner-client.js';
import { LoadedScripts } from './loaded-scripts.js';
import { followMaintenance } from './maintenance.js';
import { discardClient, newClient } from './new-client.js';
import { connectionOptions, type NodeRedisOptions } from './options.js';
import { Outbox } from './outbox.js';
import { BatchEntries, CommandEntry } from './queue-entry.js';
import { SignalSender } from './signal-sender.js';
import { SocketUse } from './socket-use.js';
import { trackingRelay } from './tracking.js';

/**
 * One connection: a node-redis client that connects once and never again. Each connection has a
 * client of its own, so that late events of a lost connection cannot reach its successor.
 */
export class NodeRedisConnection implements Connection {
  readonly #client: InnerClient;
  readonly #listener: ConnectionListener;
  readonly #use: SocketUse;
  readonly #socket: Socket | undefined;
  readonly #abort: AbortController;
  readonly #outbox: Outbox | undefined;
  readonly #sender: SignalSender;
  readonly #boundary = new BatchBoundary();
  #ready = false;
  readonly #context: ConnectContext;
  /** Why the connection ended; set before node-redis rejects the commands in flight. */
  #ended: Error | undefined;
  /** True while the constructor runs. */
  #isOpening = true;
  #id: Promise<string> | undefined;
  #server: ServerIdentity | undefined;
  #stopFollowing = NOT_FOLLOWING;
  #scripts: LoadedScripts | undefined;

  constructor(options: NodeRedisOptions, listener: ConnectionListener) {
    this.#listener = listener;
    const setting = connectionOptions(options, (_retries, cause) => {
      // During this call the client still counts as open, which version 5 needs for its clean-up;
      // version 6 has not emitted the error yet.
      this.#lose(cause);
      return false;
    });
    this.#abort = setting.abort;
    this.#context = setting.context;
    const relay = trackingRelay(options, (key) => {
      if (this.#ended === undefined) this.#listener.onInvalidate?.(key);
    });
    const tracked = relay === undefined ? {} : { clientSideCache: relay };
    this.#client = newClient({ ...setting.options, ...tracked } as never);
    this.#use = new SocketUse(this.#client);
    this.#outbox = Outbox.of(this.#client, () => this.ended);
    this.#sender = new SignalSender(this.#client, this, this.#explain, this.#boundary);
    const maintenance = followMaintenance(this.#client, options, (announcement) => {
      if (this.#ended !== undefined) return;
      this.#listener.onMaintenance('forMs' in announcement ? announcement.forMs : 0);
    });
    this.#client.on('error', (error: Error) => this.#lose(error));
    this.#client.on('ready', () => {
      if (this.#ended !== undefined) return;
      this.#ready = true;
      setting.connectedTo(this.#socket?.remoteAddress);
      this.#use.apply();
      maintenance.announce();
      const { settings } = this.#listener;
      if (settings !== undefined) {
        this.#stopFollowing = settings.follow((args) => tell(this, args));
      }
      this.#listener.onReady();
    });
    this.#socket = this.#use.open(() => {
      this.#client.connect().catch((error: Error) => this.#lose(error));
    });
    this.#isOpening = false;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The id of the node-redis client in node-redis's metrics. */
  get clientId(): string | undefined {
    return (this.#client as { _clientId?: string })._clientId;
  }

  get bytesReceived(): number {
    return this.#use.bytesReceived;
  }

  /**
   * Whether node-redis has ended the connection. A command that node-redis detaches or rejects
   * after that was not written by doing so.
   */
  get ended(): boolean {
    // After the server's FIN, version 5 encodes commands that it can no longer write.
    return this.#ended !== undefined || this.#socket?.writable === false;
  }

  send(attempt: Attempt): void {
    const { batch } = attempt;
    const outbox = this.#outbox;
    let isLoading = false;
    if (batch?.scripts !== undefined) {
      this.#scripts ??= new LoadedScripts();
      isLoading = this.#scripts.load(batch.scripts, this);
    }
    if (outbox === undefined) {
      this.#sender.send(attempt);
    } else if (batch !== undefined && !isPlain(batch)) {
      const whole = new BatchEntries(attempt, batch, this.#explain, this.#boundary);
      attempt.handle = whole;
      outbox.addAll(whole.entries);
    } else {
      const entry = new CommandEntry(attempt, this.#explain);
      attempt.handle = entry;
      // What has to be loaded first keeps its place behind what waits.
      if (attempt.options?.asap && !isLoading) outbox.addFirst(entry);
      else outbox.add(entry);
    }
  }

  withdraw(attempt: Attempt): boolean {
    const { handle } = attempt;
    if (attempt.written || this.ended) return false;
    if (handle instanceof CommandEntry || handle instanceof BatchEntries) return handle.withdraw();
    return this.#sender.withdraw(attempt);
  }

  identify(): Promise<string> {
    this.#id ??= this.#client.sendCommand(['CLIENT', 'ID']).then(String);
    this.#id.catch(() => {});
    return this.#id;
  }

  serverIdentity(): ServerIdentity {
    this.#server ??= this.#ready
      ? askServerIdentity((attempt) => this.send(attempt))
      : ServerIdentity.unknown();
    return this.#server;
  }

  destroy(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#ready = false;
    this.#stopFollowing();
    if (!this.#client._getQueue().isEmpty()) this.#reset();
    // node-redis may be reading replies at this very moment.
    queueMicrotask(() => this.#discard());
  }

  /**
   * Resets the socket, so that unanswered commands are not delivered later: a plain close leaves up
   * to megabytes in the kernel, and a frozen server would receive them when it thaws.
   */
  #reset(): void {
    const socket = this.#socket;
    // libuv can't reset a socket whose FIN is on the way, and a Unix socket has no reset.
    if (socket === undefined || socket.connecting || socket.writableEnded) return;
    try {
      socket.resetAndDestroy();
    } catch {}
  }

  ref(): void {
    this.#use.ref();
  }

  unref(): void {
    this.#use.unref();
  }

  #lose(cause: Error): void {
    if (this.#ended !== undefined) return;
    const error = this.#ready ? foreignError(cause) : diagnosedError(cause, this.#context);
    this.#ended = error;
    this.#ready = false;
    this.#stopFollowing();
    if (this.#isOpening) queueMicrotask(() => this.#listener.onLost(error));
    else this.#listener.onLost(error);
    this.#discard();
  }

  /** Destroys the client and its socket in any state. Idempotent. */
  #discard(): void {
    discardClient(this.#client, this.#abort);
    for (const entry of this.#outbox?.takeAll() ?? []) entry.reject(this.#ended);
  }

  readonly #explain = (error: unknown): unknown => {
    // The client ended without an event.
    if (error instanceof ClientClosedError || error instanceof ClientOfflineError) {
      this.#lose(error);
    }
    return this.#ended !== undefined && !(error instanceof ErrorReply) ? this.#ended : error;
  };
}
