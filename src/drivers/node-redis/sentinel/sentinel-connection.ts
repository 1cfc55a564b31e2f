import type { Attempt, Connection, ConnectionListener } from '../../driver.js';
import { type Address, sameAddress } from './address.js';
import { assertMaster } from './role.js';

/** How a connection finds and reaches the master. */
export interface SentinelPath {
  /** A connection of several lanes. */
  readonly hasLanes: boolean;
  find(signal: AbortSignal): Promise<Address>;
  open(master: Address, listener: ConnectionListener): Connection;
  /** It has ended, or another one is needed. */
  onEnd(connection: SentinelConnection): void;
}

/**
 * A data path to the master that the sentinels name: asks them, connects there, asks the server
 * whether it is one, and is ready then. It is lost when its master is, or when another server
 * has become the master; the next one finds that.
 */
export class SentinelConnection implements Connection {
  readonly hasLanes: boolean;
  readonly #abort = new AbortController();
  #master: Address | undefined;
  #inner: Connection | undefined;
  #ready = false;
  #ended = false;
  #isReferenced = true;

  constructor(
    private readonly path: SentinelPath,
    private readonly listener: ConnectionListener,
  ) {
    this.hasLanes = path.hasLanes;
    path
      .find(this.#abort.signal)
      .then((master) => {
        if (!this.#ended) this.#open(master);
      })
      .catch((error: Error) => this.#lose(error));
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesReceived(): number {
    return this.#inner?.bytesReceived ?? 0;
  }

  send(attempt: Attempt): void {
    (this.#inner as Connection).send(attempt);
  }

  withdraw(attempt: Attempt): boolean {
    return this.#inner?.withdraw(attempt) ?? false;
  }

  identify(): Promise<string> {
    return this.#inner?.identify() ?? Promise.reject(new Error('not connected'));
  }

  destroy(error: Error): void {
    if (!this.#ended) this.#end(error);
  }

  ref(): void {
    this.#isReferenced = true;
    this.#inner?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#inner?.unref();
  }

  /** The sentinels have named this master, newly. */
  follow(master: Address): void {
    if (this.#ended || this.#master === undefined || sameAddress(this.#master, master)) return;
    const { host, port } = master;
    this.#lose(new Error(`the master has moved to ${host}:${port}`));
  }

  #open(master: Address): void {
    this.#master = master;
    const inner = this.path.open(master, {
      onReady: () => {
        assertMaster((args) => ask(inner, args), master).then(
          () => {
            if (this.#ended) return;
            this.#ready = true;
            this.listener.onReady();
          },
          (error: Error) => this.#lose(error),
        );
      },
      onLost: (error) => this.#lose(error),
      onLaneLost: (lane, error) => {
        if (!this.#ended) this.listener.onLaneLost(lane, error);
      },
      onMaintenance: (forMs) => {
        if (!this.#ended) this.listener.onMaintenance(forMs);
      },
    });
    this.#inner = inner;
    if (!this.#isReferenced) inner.unref();
  }

  #lose(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ready = false;
    this.listener.onLost(error);
    this.#end(error);
  }

  #end(error: Error): void {
    this.#ended = true;
    this.#ready = false;
    this.#abort.abort(error);
    this.#inner?.destroy(error);
    this.path.onEnd(this);
  }
}

/** One command ahead of the engine's. */
function ask(connection: Connection, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.send({
      args,
      batch: undefined,
      options: undefined,
      written: false,
      handle: undefined,
      onReply: resolve,
      onError: reject,
    });
  });
}
