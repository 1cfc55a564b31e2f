import type {
  RedisArgument,
  RedisClientOptions,
  RedisClientType,
  RedisClusterOptions,
  RedisFunctions,
  RedisModules,
  RedisScripts,
  RedisSentinelOptions,
  RespVersions,
  TypeMapping,
} from '@redis/client';
import type * as library from '@redis/client/dist/lib/client/index.js';
import type { RetrySafety } from '../../core/command-risk.js';
import type { MultiDbEvents } from '../../events.js';
import type { DatabaseOptions } from '../../options/database-options.js';
import type { HedgingOptions, MultiDbOptions } from '../../options/types.js';
import type { OutagePolicy } from '../../runtime/command/command-options.js';
import type { AddOptions, ManagedClient } from '../../runtime/group/managed-client.js';
import type { DatabaseSnapshot } from '../../runtime/report/snapshot.js';
import type { TransactionOptions } from '../transaction-call.js';

/** The RESP version that the installed node-redis uses by default: 2 in version 5, 3 in 6. */
export type DefaultRespVersion = NonNullable<NonNullable<RedisClientType['options']>['RESP']>;

/** Per-command options of `withCommandOptions()`. */
export interface MultiDbCommandOptions<TM extends TypeMapping = TypeMapping> {
  /** How replies are decoded, as in node-redis. */
  readonly typeMapping?: TM;
  /** Whether the command overtakes commands that wait for the connection. Default: false. */
  readonly asap?: boolean;
  /**
   * A signal that ends the command while it waits. A command that was written continues, except a read
   * whose database has been left.
   */
  readonly abortSignal?: AbortSignal;
  /** Deadline of one attempt in milliseconds, instead of `commandTimeoutMs`. */
  readonly timeout?: number;
  /** Riskiest category that is retried, instead of `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety;
  /** What the command does while no database can serve. Default: `reject`. */
  readonly outage?: OutagePolicy;
  /** When reads are sent to a standby as well, instead of the option `hedging`; `false`: never. */
  readonly hedging?: HedgingOptions | false;
  /** What an iterator does at a switch, instead of the option `iterators`. */
  readonly iterators?: 'throw' | 'restart';
}

/** The result of `fn` of a transaction; for a `multi()`, the replies of its commands. */
export type TransactionResult<T> =
  Awaited<T> extends { execTyped(...args: never[]): Promise<infer Replies> } ? Replies : Awaited<T>;

/** Members of the client that node-redis does not have, or that differ from those of node-redis. */
export interface MultiDbMembers<
  M extends RedisModules,
  F extends RedisFunctions,
  S extends RedisScripts,
  RESP extends RespVersions,
  TM extends TypeMapping,
> extends ManagedClient {
  /**
   * Opens connections and starts health checks. Resolves when the initialization policy is met. Idempotent.
   * Rejects with `InitializationFailedError` if it cannot be met; nothing stays open then.
   */
  connect(): Promise<MultiDbClient<M, F, S, RESP, TM>>;
  /**
   * Returns a client with its own connections in the same group: it has the same active database and the
   * same health checks, and it switches at the same moment. Connect it and close it separately. The group
   * lives as long as any of its clients is open.
   *
   * `overrides` may change `modules`, `scripts`, `functions`, `keyPrefix` and `commandOptions`. Throws
   * `InvalidOptionError` for options of a connection.
   */
  duplicate<
    M2 extends RedisModules = M,
    F2 extends RedisFunctions = F,
    S2 extends RedisScripts = S,
    RESP2 extends RespVersions = RESP,
    TM2 extends TypeMapping = TM,
  >(
    overrides?: Partial<RedisClientOptions<M2, F2, S2, RESP2, TM2>>,
  ): MultiDbClient<M2, F2, S2, RESP2, TM2>;

  /**
   * Runs an optimistic transaction on a dedicated connection: watches `keys` and calls `fn`. If another
   * client changes a watched key before EXEC, `fn` is called again with another `tx`, up to `maxAttempts`
   * times; then the call rejects with the `WatchError` of node-redis.
   *
   * All commands of `tx` go to the database that was active when `fn` was called. Resolves to the result of
   * `fn`; a returned `multi()` is executed first. Rejects with `DatabaseSwitchedError` if the active database
   * changes before EXEC (nothing was executed then), and with `CommandTimeoutError` after `timeoutMs`. On a
   * cluster, all keys must be in one hash slot (otherwise `UnsupportedError`), and a slot that moves is a
   * conflict.
   *
   * @example
   * ```ts
   * await client.transaction('stock', async (tx) => {
   *   const stock = Number(await tx.get('stock'));
   *   return tx.multi().set('stock', String(stock - 1));
   * });
   * ```
   */
  transaction<T>(
    keys: RedisArgument | readonly RedisArgument[],
    fn: (tx: RedisClientType<M, F, S, RESP, TM>) => T,
    options?: TransactionOptions,
  ): Promise<TransactionResult<T>>;

  /**
   * Returns a view whose commands have these options.
   *
   * @example
   * ```ts
   * await client.withCommandOptions({ timeout: 200 }).get('key');
   * ```
   */
  withCommandOptions<O extends MultiDbCommandOptions<NTM>, NTM extends TypeMapping>(
    options: O,
  ): MultiDbClient<M, F, S, RESP, NTM extends TypeMapping ? NTM : TM>;
  /** Returns a view whose replies are decoded by this mapping. */
  withTypeMapping<NTM extends TypeMapping>(
    typeMapping: NTM,
  ): MultiDbClient<M, F, S, RESP, NTM extends TypeMapping ? NTM : TM>;
  /** Returns a view whose commands end when the signal aborts. */
  withAbortSignal(abortSignal: AbortSignal): MultiDbClient<M, F, S, RESP, TM>;
  /** Returns a view whose commands overtake those that wait for the connection. */
  asap(): MultiDbClient<M, F, S, RESP, TM>;
  /**
   * Returns a view whose commands are retried up to the category `safety` when their outcome is unknown.
   * Throws `InvalidOptionError`.
   */
  withRetrySafety(safety: RetrySafety): MultiDbClient<M, F, S, RESP, TM>;
  /**
   * Returns a view that decides what its commands do while no database can serve:
   * `reject` (the default) rejects them at once, `wait` keeps them until a database serves. The wait does
   * not count towards `commandDeadlineMs`; the `timeout` of a command limits it. `transaction()` does not wait.
   * Throws `InvalidOptionError`.
   */
  withOutage(outage: OutagePolicy): MultiDbClient<M, F, S, RESP, TM>;
  /**
   * Returns a view whose reads are sent to the best standby as well when they wait for too long; `false`
   * turns that off. Parts that are not given have the defaults of `hedging`. Throws `InvalidOptionError`.
   *
   * @example
   * ```ts
   * await client.withHedging({ afterMs: 20 }).get('key');
   * ```
   */
  withHedging(hedging?: HedgingOptions | false): MultiDbClient<M, F, S, RESP, TM>;

  /**
   * Adds a database while commands are running. Resolves to its snapshot when its health is known; an
   * unhealthy database stays as well. Rejects with `DatabaseUnavailableError` if the database is removed
   * before, and with `ClientClosedError` if the client is closed before.
   */
  addDatabase(database: MultiDbDatabaseOptions, options?: AddOptions): Promise<DatabaseSnapshot>;
  /**
   * Adds a database, waits until it is healthy, and then removes the database `id`. If the new database
   * cannot serve, the old one is kept and the call rejects with `DatabaseUnavailableError`. A database with
   * the same id takes over position, drain and being active. Its weight is that of its own options, and its
   * counters start at 0.
   */
  replaceDatabase(id: string, database: MultiDbDatabaseOptions): Promise<DatabaseSnapshot>;

  // Members that cannot follow a switch are declared so that editors strike them out and show a replacement.

  /**
   * @deprecated Rejects with `UnsupportedError`: set `database` in the options of each database
   * instead.
   */
  SELECT(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: set `database` in the options of each database
   * instead.
   */
  select(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: it applies to a single connection; use
   * `client.transaction(keys, fn)`.
   */
  WATCH(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: it applies to a single connection; use
   * `client.transaction(keys, fn)`.
   */
  watch(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: it applies to a single connection; use
   * `client.transaction(keys, fn)`.
   */
  UNWATCH(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: it applies to a single connection; use
   * `client.transaction(keys, fn)`.
   */
  unwatch(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Throws `UnsupportedError`: it applies to a single connection; use
   * `client.transaction(keys, fn)`.
   */
  setDirtyWatch(...args: readonly unknown[]): never;
  /**
   * @deprecated Rejects with `UnsupportedError`: it shows the commands of a single server; use a
   * separate node-redis client for that server.
   */
  MONITOR(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: it shows the commands of a single server; use a
   * separate node-redis client for that server.
   */
  monitor(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: there is nothing to reset, because connection
   * state is refused.
   */
  reset(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Rejects with `UnsupportedError`: there is nothing to reset, because connection
   * state is refused.
   */
  resetIfDirty(...args: readonly unknown[]): Promise<never>;
  /**
   * @deprecated Throws `UnsupportedError`: set `topology: 'pool'` in the options of each database
   * instead.
   */
  createPool(...args: readonly unknown[]): never;
}

/** A listener of one event. */
type Listener<E extends keyof MultiDbEvents> = (...event: MultiDbEvents[E]) => unknown;

/**
 * A node-redis client with the events of `MultiDbEvents` in place of its own: an unknown name is a
 * type error.
 */
interface TypedEvents<
  M extends RedisModules,
  F extends RedisFunctions,
  S extends RedisScripts,
  RESP extends RespVersions,
  TM extends TypeMapping,
> extends library.default<M, F, S, RESP, TM> {
  /** Calls `listener` for each event of this name. */
  on<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** Calls `listener` for the next event of this name only. */
  once<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** Removes a listener. */
  off<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** The same as `on()`. */
  addListener<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** The same as `off()`. */
  removeListener<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
}

/**
 * A node-redis client whose commands go to the active database. It is assignable to
 * `RedisClientType`. Members that cannot follow a switch throw `UnsupportedError`.
 */
export type MultiDbClient<
  M extends RedisModules = Record<never, never>,
  F extends RedisFunctions = Record<never, never>,
  S extends RedisScripts = Record<never, never>,
  RESP extends RespVersions = DefaultRespVersion,
  TM extends TypeMapping = Record<never, never>,
> = MultiDbMembers<M, F, S, RESP, TM> &
  TypedEvents<M, F, S, RESP, TM> &
  library.RedisClientExtensions<M, F, S, RESP, TM>;

/** One database over `@redis/client`: its options, by topology. */
export type MultiDbDatabaseOptions = DatabaseOptions<
  RedisClientOptions,
  RedisClusterOptions,
  RedisSentinelOptions
>;

/** Options of `createMultiDbClient` over `@redis/client`. */
export type MultiDbClientOptions<
  M extends RedisModules = RedisModules,
  F extends RedisFunctions = RedisFunctions,
  S extends RedisScripts = RedisScripts,
  RESP extends RespVersions = RespVersions,
  TM extends TypeMapping = TypeMapping,
> = MultiDbOptions<RedisClientOptions<M, F, S, RESP, TM>, MultiDbDatabaseOptions>;
