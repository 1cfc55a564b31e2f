import type { DriverErrorKind } from '../../../core/driver-error-kind.js';
import type { ResolvedCluster } from '../../../options/types.js';
import type {
  Connection,
  ConnectionListener,
  Driver,
  DriverTime,
  ProbeConnection,
  Shards,
} from '../../driver.js';
import type { Subscriber, SubscriberListener } from '../../subscriber.js';
import { NodeRedisDriver } from '../client-driver.js';
import type { NodeRedisOptions } from '../options.js';
import { ClusterConnection } from './cluster-connection.js';
import { ClusterSubscriber } from './cluster-subscriber.js';
import { ClusterProbe } from './probe.js';
import { isRedirectedTooOften } from './redirection.js';
import { ScanCursors } from './scan.js';
import { ShardConnection } from './shard-connection.js';
import { ClusterSlots, NoNodeError } from './slots.js';

/** Driver for a Redis Cluster. `@redis/client` 5 or 6 handles slots and redirections. */
export class ClusterDriver extends NodeRedisDriver {
  readonly shards: Shards = {
    ownerOf: (hashSlot) => this.#slots.ownerOf(hashSlot)?.address,
    refresh: (node) => this.#slots.rediscover(this.#slots.byAddress(node ?? '')).catch(() => {}),
  };
  readonly #slots: ClusterSlots;
  readonly #scans: ScanCursors;
  readonly #options: { readonly lazy: boolean; readonly useReplicas: boolean };

  /** `node`: options of a connection to one node, without its address. */
  constructor(cluster: ResolvedCluster, node: NodeRedisOptions) {
    super(cluster.rootNodes[0] as NodeRedisOptions);
    this.#slots = new ClusterSlots(cluster, { ...node, names: this.names }, () =>
      this.#scans.mint(),
    );
    this.#scans = new ScanCursors(this.#slots);
    this.#options = {
      lazy: cluster.minimizeConnections === true,
      useReplicas: cluster.useReplicas === true,
    };
  }

  get shardTags(): readonly string[] | undefined {
    return this.#slots.known ? this.#slots.hashTags : undefined;
  }

  override get mayBeSentinel(): boolean {
    return false;
  }

  override openConnection(listener: ConnectionListener, time: DriverTime): Connection {
    const { connectTimeoutMs } = this;
    const options = { ...this.#options, connectTimeoutMs, time };
    return new ClusterConnection(this.#slots, this.#scans, options, listener);
  }

  override readonly openIsolated: Driver['openIsolated'] = (listener, time, hashSlot) =>
    new ShardConnection(this.#slots, hashSlot as number, time, listener);

  override openSubscriber(listener: SubscriberListener): Subscriber {
    return new ClusterSubscriber(this.#slots, listener);
  }

  override openProbe(signal: AbortSignal): Promise<ProbeConnection> {
    const isCut = (error: unknown) => this.isCut(error);
    return ClusterProbe.open({ slots: this.#slots, scans: this.#scans, isCut }, signal);
  }

  override classify(error: unknown): DriverErrorKind | undefined {
    if (error instanceof NoNodeError) return 'connection';
    return isRedirectedTooOften(error) ? 'reply' : super.classify(error);
  }

  override isCut(error: unknown): boolean {
    return super.isCut(error instanceof NoNodeError ? error.cause : error);
  }
}
