import type { Socket } from 'node:net';
import { ClientClosedError, ClientOfflineError, ErrorReply } from '@redis/client';
import type { Attempt, Connection, ConnectionListener } from '../driver.js';
import { sendBatch } from './batch.js';
import { followMaintenance } from './maintenance.js';
import { discardClient, type InnerClient, newClient } from './new-client.js';
import { connectionOptions, type NodeRedisOptions } from './options.js';
import { captureSocket } from './raw-socket.js';
import { trackingRelay } from './tracking.js';
import { BatchWatch, type SendCommandOptions, WriteWatch } from './write-watch.js';

/**
 * One connection: one node-redis client that connects once and never again. A client of its own
 * for each connection keeps what happens late on a lost one away from its successor.
 */
export class NodeRedisConnection implements Connection {
  readonly #client: InnerClient;
  readonly #listener: ConnectionListener;
  readonly #socket: Socket | undefined;
  readonly #abort: AbortController;
  /** node-redis's queue forgets a command that is aborted: later versions of 6. */
  readonly #forgets: boolean;
  #ready = false;
  /** Why it ended; set before node-redis rejects what was under way. */
  #ended: Error | undefined;
  #sent = 0;
  #settled = 0;
  #referenced = true;
  /** Within the constructor. */
  #isOpening = true;
  /** Where the socket can't be seen (TLS): bytes that reached the decoder. */
  #decoded = 0;
  #id: Promise<string> | undefined;

  constructor(options: NodeRedisOptions, listener: ConnectionListener) {
    this.#listener = listener;
    const setting = connectionOptions(options, (_retries, cause) => {
      // Within this call the client still counts as open, which version 5 needs for its clean-up;
      // version 6 has not told of the error yet.
      this.#lose(cause);
      return false;
    });
    this.#abort = setting.abort;
    const relay = trackingRelay(options, (key) => {
      if (this.#ended === undefined) this.#listener.onInvalidate?.(key);
    });
    const tracked = relay === undefined ? {} : { clientSideCache: relay };
    this.#client = newClient({ ...setting.options, ...tracked } as never);
    this.#forgets = 'chainInExecution' in this.#client._getQueue();
    const maintenance = followMaintenance(this.#client, options, (announcement) => {
      if (this.#ended !== undefined) return;
      this.#listener.onMaintenance('forMs' in announcement ? announcement.forMs : 0);
    });
    this.#client.on('error', (error: Error) => this.#lose(error));
    this.#client.on('ready', () => {
      if (this.#ended !== undefined) return;
      this.#ready = true;
      this.#applyRef();
      maintenance.announce();
      this.#listener.onReady();
    });
    this.#socket = captureSocket(() => {
      this.#client.connect().catch((error: Error) => this.#lose(error));
    });
    this.#isOpening = false;
    if (this.#socket === undefined) this.#countChunks();
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesReceived(): number {
    return (this.#socket?.bytesRead ?? this.#decoded) + this.#settled;
  }

  /** node-redis has ended it: what it detaches or rejects from now on was not written by that. */
  get ended(): boolean {
    // After the server's FIN version 5 encodes what it can't write any more.
    return this.#ended !== undefined || this.#socket?.writable === false;
  }

  send(attempt: Attempt): void {
    if (attempt.batch !== undefined) {
      sendBatch(this, attempt, attempt.batch);
      return;
    }
    const encoded = this.encodable(attempt.args);
    const watch = new WriteWatch(this, attempt, encoded);
    attempt.handle = watch;
    // A literal each time: node-redis copies it, slowly (2 us) if it were reused and changed.
    const given = attempt.options;
    const options =
      given?.typeMapping === undefined && given?.asap === undefined
        ? { abortSignal: watch }
        : { abortSignal: watch, typeMapping: given.typeMapping, asap: given.asap };
    this.#sent += 1;
    this.#client.sendCommand((encoded ?? attempt.args) as string[], options as object).then(
      (reply) => {
        this.#settled += 1;
        attempt.onReply(reply);
      },
      (error) => {
        this.#settled += 1;
        if (!watch.withdrawn) attempt.onError(this.#explained(error));
      },
    );
  }

  /**
   * A copy of the arguments that may be spoilt, where node-redis must not be asked to forget a
   * command: two that version 5 takes out of its queue in one turn break the queue for good.
   */
  encodable(args: readonly (string | Buffer)[]): unknown[] | undefined {
    return this.#forgets ? undefined : [...args];
  }

  /** Sends one command; a rejection names what ended the connection, if that is what it was. */
  async command(args: readonly (string | Buffer)[], options: SendCommandOptions): Promise<unknown> {
    this.#sent += 1;
    try {
      return await this.#client.sendCommand(args as string[], options as object);
    } catch (error) {
      throw this.#explained(error);
    } finally {
      this.#settled += 1;
    }
  }

  #explained(error: unknown): unknown {
    // A client that ended without telling.
    if (error instanceof ClientClosedError || error instanceof ClientOfflineError) {
      this.#lose(error);
    }
    return this.#ended !== undefined && !(error instanceof ErrorReply) ? this.#ended : error;
  }

  withdraw(attempt: Attempt): boolean {
    const handle = attempt.handle;
    if (attempt.written) return false;
    return (handle instanceof WriteWatch || handle instanceof BatchWatch) && handle.withdraw();
  }

  identify(): Promise<string> {
    this.#id ??= this.#client.sendCommand(['CLIENT', 'ID']).then(String);
    this.#id.catch(() => {});
    return this.#id;
  }

  destroy(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#ready = false;
    if (this.#sent > this.#settled) this.#reset();
    this.#discard();
  }

  /**
   * What was written and not answered must not be delivered later: a plain close leaves megabytes
   * in the kernel that a frozen server would get when it thaws.
   */
  #reset(): void {
    const socket = this.#socket;
    // While its FIN is on the way libuv can't reset a socket; a Unix socket knows no reset.
    if (socket === undefined || socket.connecting || socket.writableEnded) return;
    try {
      socket.resetAndDestroy();
    } catch {}
  }

  ref(): void {
    this.#referenced = true;
    this.#applyRef();
  }

  unref(): void {
    this.#referenced = false;
    this.#applyRef();
  }

  /** To the socket as well: node-redis knows it only once it is connected. */
  #applyRef(): void {
    const method = this.#referenced ? 'ref' : 'unref';
    this.#client[method]();
    this.#socket?.[method]();
  }

  #countChunks(): void {
    const { decoder } = this.#client._getQueue();
    const write = decoder.write;
    decoder.write = (chunk) => {
      this.#decoded += chunk.length;
      return write.call(decoder, chunk);
    };
  }

  #lose(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#ready = false;
    if (this.#isOpening) queueMicrotask(() => this.#listener.onLost(error));
    else this.#listener.onLost(error);
    this.#discard();
  }

  /** Destroys client and socket in whatever state they are. Idempotent. */
  #discard(): void {
    discardClient(this.#client, this.#abort);
  }
}
