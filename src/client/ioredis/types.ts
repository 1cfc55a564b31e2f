import type { RetrySafety } from '../../core/command-risk.js';
import type { DatabaseOptions, SingleDatabaseOptions } from '../../options/database-options.js';
import type { HedgingOptions, MultiDbOptions } from '../../options/types.js';
import type { OutagePolicy } from '../../runtime/command/command-options.js';
import type { AddOptions, ManagedClient } from '../../runtime/group/managed-client.js';
import type { DatabaseSnapshot } from '../../runtime/report/snapshot.js';
import type { TransactionOptions } from '../transaction-call.js';

/** An instance of the class `Redis` of ioredis 5 or 6, or of iovalkey. */
export interface RedisLike {
  /** The options of the client. */
  readonly options: object;
  /** The status of the client, such as `ready`. */
  readonly status: string;
  /** Ends the client at once. */
  disconnect(reconnect?: boolean): void;
}

/** What databases of every kind have. */
type Common = Pick<SingleDatabaseOptions, 'id' | 'weight' | 'healthCheck' | 'failureDetector'>;

/** A server, or a master behind Sentinel, with options of ioredis. */
export interface RedisDatabaseOptions<RedisOptions = object> extends Common {
  /**
   * Options of ioredis: an object, a URL, or a path. They override the top-level `redis`. Options
   * that belong to the client, such as `keyPrefix`, must be the same in all databases.
   */
  readonly redis: RedisOptions | string;
}

/** A Redis Cluster, with the arguments of ioredis's `Cluster`. */
export interface RedisClusterDatabaseOptions<RedisOptions = object> extends Common {
  /** Nodes to begin with: URLs, objects with `host` and `port`, or ports of this machine. */
  readonly cluster: readonly (
    | string
    | number
    | { readonly host?: string; readonly port?: number }
  )[];
  /**
   * Options of ioredis's `Cluster`. A warning names those without effect. Options that belong to the
   * client, such as `keyPrefix`, must be the same in all databases.
   */
  readonly clusterOptions?: {
    /** Options of ioredis for each node. They override the top-level `redis`. */
    readonly redisOptions?: RedisOptions;
    /** Addresses in place of those that the cluster announces. */
    readonly natMap?: object;
    /** Only `master`: all commands go to masters. */
    readonly scaleReads?: 'master';
    /** How many redirections a command follows. Accepts an integer from 0 to 2147483647. Default: 16. */
    readonly maxRedirections?: number;
    /** The prefix of keys, for all databases. */
    readonly keyPrefix?: string;
    /** Whether the first command connects the client. */
    readonly lazyConnect?: boolean;
    /** Scripts as `defineCommand` takes them. */
    readonly scripts?: object;
    /** Only `false`: the nodes are hosts. */
    readonly useSRVRecords?: false;
    /** No effect: the engine reconnects and fails over by itself. */
    readonly clusterRetryStrategy?: ((times: number, reason?: Error) => unknown) | null;
    /** No effect: the engine reconnects by itself. */
    readonly clusterNodeRetryStrategy?: ((times: number) => unknown) | null;
    /** No effect: the engine connects to the names that the cluster announces. */
    readonly dnsLookup?: (
      hostname: string,
      callback: (error: Error | null | undefined, address: string, family?: number) => void,
    ) => void;
    /** No effect: a command waits for a database until `commandDeadlineMs` at most. */
    readonly enableOfflineQueue?: boolean;
    /** No effect: a server that is loading its data is not used. */
    readonly enableReadyCheck?: boolean;
    /** No effect: commands of one turn of the event loop are written together. */
    readonly enableAutoPipelining?: boolean;
    /** No effect: `commandRetry` decides when a command is sent again. */
    readonly retryDelayOnFailover?: number;
    /** No effect: `commandRetry` decides when a command is sent again. */
    readonly retryDelayOnClusterDown?: number;
    /** No effect: `commandRetry` decides when a command is sent again. */
    readonly retryDelayOnTryAgain?: number;
    /** No effect: a redirection is followed at once. */
    readonly retryDelayOnMoved?: number;
    /** No effect: the engine learns by itself which node has a slot. */
    readonly slotsRefreshTimeout?: number;
    /** No effect: the engine learns by itself which node has a slot. */
    readonly slotsRefreshInterval?: number;
    /** No effect: each shard has a connection for its sharded subscriptions. */
    readonly shardedSubscribers?: boolean;
  };
}

/** One database: in options of ioredis, or as config files have it. */
export type MultiDbRedisDatabase<RedisOptions = object> =
  | RedisDatabaseOptions<RedisOptions>
  | RedisClusterDatabaseOptions<RedisOptions>
  | DatabaseOptions;

/** Options of `createMultiDbRedis`. */
export interface MultiDbRedisOptions<R extends RedisLike>
  extends Omit<MultiDbOptions, 'databases' | 'client'> {
  /** The class `Redis` of ioredis 5 or 6, or of iovalkey, as the application imports it. */
  readonly Redis: new (
    ...args: never[]
  ) => R;
  /** Options of ioredis for all databases and for the client. */
  readonly redis?: R['options'];
  /** The databases. The order only decides between equal weights. */
  readonly databases: readonly MultiDbRedisDatabase<R['options']>[];
  /** Options of node-redis for databases in the form of config files. */
  readonly client?: object;
}

/** The result of `fn` of a transaction; for a `multi()`, that of its `exec()`. */
export type RedisTransactionResult<T> =
  Awaited<T> extends { exec(): Promise<infer Results> } ? Exclude<Results, null> : Awaited<T>;

/** What a client of several databases has beside, or instead of, an ioredis client. */
export interface MultiDbRedisMembers<R extends RedisLike> extends ManagedClient {
  /**
   * A client with connections of its own in the same group: the same active database, switched in
   * the same instant. Throws `InvalidOptionError` for overrides that lead to another server.
   */
  duplicate(overrides?: Partial<R['options']>): MultiDbRedis<R>;
  /**
   * A view whose commands may be repeated up to `safety` when their outcome is unknown. Throws
   * `InvalidOptionError`.
   */
  withRetrySafety(safety: RetrySafety): MultiDbRedis<R>;
  /**
   * A view that decides what its commands do while no database can serve:
   * `reject` (the default) rejects them at once, `wait` keeps them until a database serves. The wait does
   * not count towards `commandDeadlineMs`; `commandTimeout` limits it. `transaction()` does not wait.
   * Throws `InvalidOptionError`.
   */
  withOutage(outage: OutagePolicy): MultiDbRedis<R>;
  /**
   * A view whose reads are sent to the best standby as well when they wait for too long; `false` turns
   * that off. Throws `InvalidOptionError`.
   */
  withHedging(hedging?: HedgingOptions | false): MultiDbRedis<R>;
  /**
   * Runs an optimistic transaction on a dedicated connection: watches `keys` and calls `fn`. If another
   * client changes a watched key before EXEC, `fn` is called again with another `tx`, up to
   * `maxAttempts` times; then the call rejects with the `WatchError` of node-redis.
   *
   * All commands of `tx` go to the database that was active when `fn` was called. Resolves to the
   * result of `fn`; a returned `multi()` is executed first. Rejects with `DatabaseSwitchedError` if the
   * active database changes before EXEC (nothing was executed then), and with `CommandTimeoutError`
   * after `timeoutMs`. On a cluster, all keys must be in one hash slot.
   *
   * @example
   * ```ts
   * await redis.transaction('stock', async (tx) => {
   *   const stock = Number(await tx.get('stock'));
   *   return tx.multi().set('stock', stock - 1);
   * });
   * ```
   */
  transaction<T>(
    keys: string | Buffer | readonly (string | Buffer)[],
    fn: (tx: R) => T,
    options?: TransactionOptions,
  ): Promise<RedisTransactionResult<T>>;
  /** Lets the process end although the client is open. */
  unref(): void;
  /** Ends the effect of `unref()`. */
  ref(): void;
  /**
   * Adds a database while commands are running. Resolves to its snapshot once it is known whether
   * it is healthy.
   */
  addDatabase(
    database: MultiDbRedisDatabase<R['options']>,
    options?: AddOptions,
  ): Promise<DatabaseSnapshot>;
  /** Adds a database, waits until it is healthy, and only then removes `id`. */
  replaceDatabase(
    id: string,
    database: MultiDbRedisDatabase<R['options']>,
  ): Promise<DatabaseSnapshot>;
}

/** An ioredis client whose commands go to the active database. */
export type MultiDbRedis<R extends RedisLike> = MultiDbRedisMembers<R> & R;
