import type { Connection, ConnectionListener } from '../../driver.js';
import { FoundConnection } from '../found-connection.js';
import { type Address, sameAddress } from './address.js';
import { assertMaster } from './role.js';

/** How a connection finds and reaches the master. */
export interface SentinelPath {
  /** Whether the connection has several lanes. */
  readonly hasLanes: boolean;
  find(signal: AbortSignal): Promise<Address>;
  open(master: Address, listener: ConnectionListener): Connection;
  /** Called when the connection has ended. */
  onEnd(connection: SentinelConnection): void;
}

/**
 * A data connection to the master that the Sentinels report. It asks the Sentinels, connects to the
 * master, and is ready once the server confirms its role. It is lost when the inner connection is
 * lost or another server has become the master; the next connection finds the new one.
 */
export class SentinelConnection extends FoundConnection {
  readonly hasLanes: boolean;
  readonly #abort = new AbortController();
  #master: Address | undefined;
  #ready = false;

  constructor(
    private readonly path: SentinelPath,
    listener: ConnectionListener,
  ) {
    super(listener);
    this.hasLanes = path.hasLanes;
    path
      .find(this.#abort.signal)
      .then((master) => {
        if (!this.ended) this.#open(master);
      })
      .catch((error: Error) => this.lose(error));
  }

  get ready(): boolean {
    return !this.ended && this.#ready;
  }

  get endpoint(): Address | undefined {
    return this.#master;
  }

  /** The Sentinels report this master. The connection is lost if it leads to another one. */
  follow(master: Address): void {
    if (this.ended || this.#master === undefined || sameAddress(this.#master, master)) return;
    const { host, port } = master;
    this.lose(new Error(`the master has moved to ${host}:${port}`));
  }

  #open(master: Address): void {
    this.#master = master;
    const inner = this.path.open(master, {
      settings: this.listener.settings,
      onReady: () => {
        assertMaster((args) => ask(inner, args), master).then(
          () => {
            if (this.ended) return;
            this.#ready = true;
            this.listener.onReady();
          },
          (error: Error) => this.lose(error),
        );
      },
      onLost: (error) => this.lose(error),
      onLaneLost: (lane, error) => {
        if (!this.ended) this.listener.onLaneLost(lane, error);
      },
      onMaintenance: (forMs) => {
        if (!this.ended) this.listener.onMaintenance(forMs);
      },
    });
    this.use(inner);
  }

  protected override end(error: Error): void {
    this.#abort.abort(error);
    super.end(error);
    this.path.onEnd(this);
  }
}

/** Sends one command ahead of the engine's commands. */
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
