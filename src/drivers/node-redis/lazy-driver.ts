import type { DriverErrorKind } from '../../core/driver-error-kind.js';
import type {
  Connection,
  ConnectionListener,
  Driver,
  DriverTime,
  Endpoint,
  ProbeConnection,
  Shards,
} from '../driver.js';
import type { Subscriber, SubscriberListener } from '../subscriber.js';
import { NodeRedisDriver } from './client-driver.js';
import type { NodeRedisOptions } from './options.js';

/**
 * A driver whose code is loaded when its first connection is opened, so that applications do not
 * pay for topologies that they do not use. Before that it knows the address alone. Connections of
 * the driver are returned as they are, so that commands take no detour.
 */
export class LazyDriver implements Driver {
  /** Only for what is known without a connection. */
  readonly #address: NodeRedisDriver;
  protected loaded: Driver | undefined;
  #loading: Promise<void> | undefined;

  /** `options`: those of a connection to the configured address. */
  constructor(
    options: NodeRedisOptions,
    private readonly create: () => Promise<Driver>,
  ) {
    this.#address = new NodeRedisDriver(options);
  }

  /** A load that failed is tried again by the next call. */
  load(): Promise<void> | undefined {
    if (this.loaded !== undefined) return undefined;
    this.#loading ??= this.create().then(
      (driver) => {
        this.loaded = driver;
      },
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  get #known(): Driver {
    return this.loaded ?? this.#address;
  }

  protected get ready(): Driver {
    if (this.loaded === undefined) throw new Error('the driver is not loaded yet');
    return this.loaded;
  }

  get address(): string {
    return this.#known.address;
  }

  get host(): string {
    return this.#known.host;
  }

  get port(): number | undefined {
    return this.#known.port;
  }

  get endpoint(): Endpoint | undefined {
    return this.loaded?.endpoint;
  }

  get connectTimeoutMs(): number {
    return this.#known.connectTimeoutMs;
  }

  get names(): Driver['names'] {
    return this.#known.names;
  }

  get mayBeSentinel(): boolean {
    return this.#known.mayBeSentinel === true;
  }

  get inspectPort(): Driver['inspectPort'] {
    return this.#known.inspectPort;
  }

  get openIsolated(): Driver['openIsolated'] {
    return (listener, time, hashSlot) =>
      (this.ready.openIsolated as NonNullable<Driver['openIsolated']>)(listener, time, hashSlot);
  }

  openConnection(listener: ConnectionListener, time: DriverTime): Connection {
    return this.ready.openConnection(listener, time);
  }

  openSubscriber(listener: SubscriberListener): Subscriber {
    return this.ready.openSubscriber(listener);
  }

  async openProbe(signal: AbortSignal): Promise<ProbeConnection> {
    if (this.loaded === undefined) {
      await this.load();
      signal.throwIfAborted();
    }
    return this.ready.openProbe(signal);
  }

  reconnectDelay(retries: number, cause: Error): number | undefined {
    return this.#known.reconnectDelay?.(retries, cause);
  }

  classify(error: unknown): DriverErrorKind | undefined {
    return this.#known.classify(error);
  }

  isCut(error: unknown): boolean {
    return this.#known.isCut(error);
  }

  abortError(): Error {
    return this.#known.abortError();
  }
}

/** Also tells which node serves a slot; none is known before the driver is loaded. */
export class LazyClusterDriver extends LazyDriver {
  readonly shards: Shards = {
    ownerOf: (hashSlot) => this.loaded?.shards?.ownerOf(hashSlot),
    refresh: async (node) => this.loaded?.shards?.refresh(node),
  };

  override get mayBeSentinel(): boolean {
    return false;
  }

  get shardTags(): readonly string[] | undefined {
    return this.loaded?.shardTags;
  }
}

/** Its address is that of the first Sentinel, which is not inspected as a database. */
export class LazySentinelDriver extends LazyDriver {
  override get mayBeSentinel(): boolean {
    return false;
  }

  override get inspectPort(): undefined {
    return undefined;
  }
}
