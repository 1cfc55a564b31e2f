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
import type { MultiDbOptions } from '../../options/types.js';
import type { ManagedClient } from '../../runtime/group/managed-client.js';
import type { DatabaseSnapshot } from '../../runtime/report/snapshot.js';

/** The RESP version that the installed node-redis uses by default: 2 in version 5, 3 in 6. */
export type DefaultRespVersion = NonNullable<NonNullable<RedisClientType['options']>['RESP']>;

/** Per-command options that `withCommandOptions` takes beside node-redis's own. */
export interface MultiDbCommandOptions<TM extends TypeMapping = TypeMapping> {
  /** How replies are decoded, as in node-redis. */
  readonly typeMapping?: TM;
  /** Whether the command overtakes those that wait for the connection. Default: false. */
  readonly asap?: boolean;
  /**
   * A signal that ends the command while it waits. A command that was written goes on, except a
   * read whose database has been left.
   */
  readonly abortSignal?: AbortSignal;
  /** Deadline of one attempt in milliseconds, instead of `commandTimeoutMs`. */
  readonly timeout?: number;
  /** Instead of `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety;
  /** Instead of the option `iterators`. */
  readonly iterators?: 'throw' | 'restart';
}

/** Options of `transaction()`. */
export interface TransactionOptions {
  /** How often `fn` is called at most when watched keys change; 1 or more. Default: 10. */
  readonly maxAttempts?: number;
  /** Of everything, 1 to 2^31-1 ms. Default: `commandDeadlineMs`. */
  readonly timeoutMs?: number;
}

/** What `fn` of a transaction returned; a `multi()` counts as what it replies when executed. */
export type TransactionResult<T> =
  Awaited<T> extends { execTyped(...args: never[]): Promise<infer Replies> } ? Replies : Awaited<T>;

/** What a client of several databases has beside, or instead of, a node-redis client. */
export interface MultiDbMembers<
  M extends RedisModules,
  F extends RedisFunctions,
  S extends RedisScripts,
  RESP extends RespVersions,
  TM extends TypeMapping,
> extends ManagedClient {
  /**
   * Opens connections and starts health checks; resolves when the initialization policy is met.
   * Idempotent. Rejects with `InitializationFailedError`, and leaves nothing open then.
   */
  connect(): Promise<MultiDbClient<M, F, S, RESP, TM>>;
  /**
   * A client with connections of its own in the same group: the same active database, the same
   * health checks, switched in the same instant. It has to be connected and closed itself; the
   * group lives as long as any client of it is open.
   *
   * `overrides` may change what lives in a client (modules, scripts, functions, keyPrefix,
   * commandOptions); throws `InvalidOptionError` for what shapes a connection.
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
   * An optimistic transaction on a connection of its own: watches `keys`, calls `fn`, and calls it
   * again, with another `tx`, when a watched key was changed by somebody before EXEC (up to
   * `maxAttempts`; then node-redis's `WatchError`). So `fn` may run several times.
   *
   * Every command of `tx` goes to the database that was active when `fn` was called. Resolves to
   * what `fn` returns; a `multi()` that it returns is executed first. On a cluster all keys lie in
   * one hash slot, else `UnsupportedError`; a slot that moves is a conflict. When the active database
   * changes before EXEC the promise rejects with `DatabaseSwitchedError`, and nothing was executed;
   * after `timeoutMs` with `CommandTimeoutError`, whatever `fn` does.
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
  /** A view whose commands may be repeated up to `safety` when their outcome is unknown. */
  withRetrySafety(safety: RetrySafety): MultiDbClient<M, F, S, RESP, TM>;

  /**
   * Adds a database while commands are running. Resolves to its snapshot once it is known whether
   * it is healthy; it stays either way. Rejects with `DatabaseUnavailableError` when it is removed,
   * and with `ClientClosedError` when the client is closed, before that is known.
   */
  addDatabase(database: MultiDbDatabaseOptions): Promise<DatabaseSnapshot>;
  /**
   * Adds a database, waits until it is well, and only then removes `id`; else `id` is kept, and it
   * rejects with `DatabaseUnavailableError`. A database of the same id takes its place: position,
   * drain and turn; its weight is that of its own options, its counters begin anew.
   */
  replaceDatabase(id: string, database: MultiDbDatabaseOptions): Promise<DatabaseSnapshot>;

  // What can not follow a switch: declared for the editor, which strikes it out and shows what to use.

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
 * `RedisClientType`; what can't follow a switch yet throws `UnsupportedError`.
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
