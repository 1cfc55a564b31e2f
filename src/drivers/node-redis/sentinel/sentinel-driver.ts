import type { ResolvedPool, ResolvedSentinel } from '../../../options/types.js';
import type {
  Connection,
  ConnectionListener,
  Driver,
  DriverTime,
  ProbeConnection,
} from '../../driver.js';
import { PoolConnection } from '../../pool/pool-connection.js';
import type { Subscriber, SubscriberListener } from '../../subscriber.js';
import { NodeRedisConnection } from '../client-connection.js';
import { NodeRedisDriver } from '../client-driver.js';
import { type NodeRedisOptions, withAddress } from '../options.js';
import { poolWaits } from '../pool-waits.js';
import { openProbeConnection } from '../probe-connection.js';
import { type Address, sameAddress } from './address.js';
import { assertMaster } from './role.js';
import { SentinelConnection } from './sentinel-connection.js';
import { SentinelSubscriber } from './sentinel-subscriber.js';
import { Sentinels } from './sentinels.js';
import { MasterWatch } from './watch.js';

/** Is notified when the Sentinels report a master. */
interface Follower {
  follow(master: Address): void;
}

/**
 * Driver for the master that Redis Sentinel reports. Sentinels are asked whenever a connection is
 * opened, and watched while there is any, so that connections follow a new master whatever the
 * state of the old one. Probes go to the reported master as well.
 */
export class NodeRedisSentinelDriver extends NodeRedisDriver {
  private readonly nodeOptions: NodeRedisOptions;
  readonly #sentinels: Sentinels;
  readonly #followers = new Set<Follower>();
  #watch: MasterWatch | undefined;
  /** The master that the latest data connection was opened to. */
  endpoint: Address | undefined;
  /** Not supported, because it is not known which of the Sentinels to inspect. */
  override readonly inspectPort = undefined;

  constructor(
    private readonly databaseId: string,
    nodeOptions: NodeRedisOptions,
    private readonly setting: ResolvedSentinel,
    private readonly time: DriverTime,
  ) {
    const [first] = setting.sentinelRootNodes;
    // The address is for messages only; every method that opens a connection is overridden.
    super(withAddress(nodeOptions, first as Address));
    this.nodeOptions = { ...nodeOptions, names: this.names };
    this.#sentinels = new Sentinels(setting, time, this.names, (master) => {
      for (const follower of [...this.#followers]) follower.follow(master);
    });
  }

  override get mayBeSentinel(): boolean {
    return false;
  }

  override openConnection(listener: ConnectionListener, time: DriverTime): Connection {
    const size = (this.setting.masterPoolSize as number | undefined) ?? 1;
    return this.#connect(size, listener, time);
  }

  override readonly openIsolated: Driver['openIsolated'] = (listener, time) =>
    this.#connect(1, listener, time);

  #connect(size: number, listener: ConnectionListener, time: DriverTime): Connection {
    const connection = new SentinelConnection(
      {
        hasLanes: size > 1,
        find: (signal) => this.#sentinels.find(signal),
        open: (master, inner) => this.#open(master, size, inner, time),
        onEnd: (ended) => this.#forget(ended),
      },
      listener,
    );
    this.#remember(connection);
    return connection;
  }

  override openSubscriber(listener: SubscriberListener): Subscriber {
    const subscriber = new SentinelSubscriber(
      {
        find: (signal) => this.#sentinels.find(signal),
        optionsOf: (master) => withAddress(this.nodeOptions, master),
        onEnd: (ended) => this.#forget(ended),
      },
      listener,
    );
    this.#remember(subscriber);
    return subscriber;
  }

  override async openProbe(signal: AbortSignal): Promise<ProbeConnection> {
    const master = await this.#sentinels.find(signal);
    const connection = await openProbeConnection(withAddress(this.nodeOptions, master), signal);
    const destroy = () => {
      this.#followers.delete(follower);
      connection.destroy();
    };
    // The next probe opens another connection, to the new master.
    const follower = { follow: (next: Address) => sameAddress(next, master) || destroy() };
    const onAbort = () => destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await assertMaster((args) => connection.send(args), master);
      signal.throwIfAborted();
    } catch (error) {
      destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    this.#followers.add(follower);
    return {
      get alive() {
        return connection.alive;
      },
      send: (args) => connection.send(args),
      subscribe: (channel, onMessage) => connection.subscribe(channel, onMessage),
      unsubscribe: (channel, onMessage) => connection.unsubscribe(channel, onMessage),
      destroy,
    };
  }

  #open(master: Address, size: number, listener: ConnectionListener, time: DriverTime): Connection {
    this.endpoint = master;
    const options = withAddress(this.nodeOptions, master);
    if (size <= 1) return new NodeRedisConnection(options, listener);
    const pool: ResolvedPool = { minimum: size, maximum: size, acquireTimeout: 0, cleanupDelay: 0 };
    const { databaseId, connectTimeoutMs } = this;
    return new PoolConnection(
      {
        pool,
        databaseId,
        connectTimeoutMs,
        open: (member) => new NodeRedisConnection(options, member),
        reconnectDelay: (retries, cause) => this.reconnectDelay(retries, cause),
        observer: poolWaits,
      },
      listener,
      time,
    );
  }

  #remember(follower: Follower): void {
    this.#followers.add(follower);
    this.#watch ??= new MasterWatch(this.#sentinels, this.time);
  }

  #forget(follower: Follower): void {
    this.#followers.delete(follower);
    // Probes alone need no watch, because each new probe connection asks the Sentinels.
    if ([...this.#followers].some((each) => isDataPath(each))) return;
    this.#watch?.end();
    this.#watch = undefined;
  }
}

function isDataPath(follower: Follower): boolean {
  return follower instanceof SentinelConnection || follower instanceof SentinelSubscriber;
}
