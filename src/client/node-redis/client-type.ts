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
import type { RetrySafety } from '../../core/command-category.js';
import type { MultiDbEvents } from '../../events.js';
import type { DatabaseOptions, MultiDbOptions } from '../../options/types.js';
import type { Explanation } from '../../runtime/report/explain.js';
import type { DatabaseSnapshot } from '../../runtime/report/snapshot.js';
import type { MultiDbStats } from '../../runtime/report/stats.js';

/** The RESP version that the installed node-redis uses by default: 2 in version 5, 3 in 6. */
export type DefaultRespVersion = NonNullable<NonNullable<RedisClientType['options']>['RESP']>;

/** Per-command options that `withCommandOptions` takes beside node-redis's own. */
export interface MultiDbCommandOptions<TM extends TypeMapping = TypeMapping> {
  readonly typeMapping?: TM;
  readonly asap?: boolean;
  readonly abortSignal?: AbortSignal;
  /** Deadline of one attempt in milliseconds, instead of `commandTimeoutMs`. */
  readonly timeout?: number;
  /** Instead of `commandRetry.safety`. */
  readonly retrySafety?: RetrySafety;
  /** Instead of the option `iterators`. */
  readonly iterators?: 'throw' | 'restart';
}

type Listener<E extends keyof MultiDbEvents> = (...event: MultiDbEvents[E]) => unknown;

export interface DrainOptions {
  /** How long the database is kept away from traffic, 0 to 2^31-1 ms. Default: until told otherwise. */
  readonly durationMs?: number;
}

export interface TransactionOptions {
  /** How often `fn` is called at most when watched keys change; 1 or more. Default: 10. */
  readonly maxAttempts?: number;
  /** Of everything, 1 to 2^31-1 ms. Default: `commandDeadlineMs`. */
  readonly timeoutMs?: number;
}

/** What `fn` of a transaction returned; a `multi()` counts as what it replies when executed. */
export type TransactionResult<T> =
  Awaited<T> extends { execTyped(...args: never[]): Promise<infer Replies> } ? Replies : Awaited<T>;

export interface ForceOptions {
  /** How long failback and weights are ignored, 0 to 2^31-1 ms. Default: until told otherwise. */
  readonly durationMs?: number;
}

/** What a client of several databases has beside, or instead of, a node-redis client. */
export interface MultiDbMembers<
  M extends RedisModules,
  F extends RedisFunctions,
  S extends RedisScripts,
  RESP extends RespVersions,
  TM extends TypeMapping,
> {
  /**
   * Opens connections and starts health checks; resolves when the initialization policy is met.
   * Idempotent. Rejects with `InitializationFailedError`, and leaves nothing open then.
   */
  connect(): Promise<MultiDbClient<M, F, S, RESP, TM>>;
  /** Accepts no more commands, waits for those that are pending, closes everything. Idempotent. */
  close(): Promise<void>;
  /** Rejects what is pending with `ClientClosedError` and closes everything at once. Idempotent. */
  destroy(): void;
  [Symbol.asyncDispose](): Promise<void>;
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

  /** From `connect()` until `close()` or `destroy()`. */
  readonly isOpen: boolean;
  /** True exactly while a database can serve. */
  readonly isReady: boolean;

  withCommandOptions<O extends MultiDbCommandOptions<NTM>, NTM extends TypeMapping>(
    options: O,
  ): MultiDbClient<M, F, S, RESP, NTM extends TypeMapping ? NTM : TM>;
  withTypeMapping<NTM extends TypeMapping>(
    typeMapping: NTM,
  ): MultiDbClient<M, F, S, RESP, NTM extends TypeMapping ? NTM : TM>;
  withAbortSignal(abortSignal: AbortSignal): MultiDbClient<M, F, S, RESP, TM>;
  asap(): MultiDbClient<M, F, S, RESP, TM>;
  /** A view whose commands may be repeated up to `safety` when their outcome is unknown. */
  withRetrySafety(safety: RetrySafety): MultiDbClient<M, F, S, RESP, TM>;

  /** Every database at this moment, in order of configuration. */
  readonly databases: readonly DatabaseSnapshot[];
  /** Id of the active database; undefined while there is none. */
  readonly activeDatabase: string | undefined;
  /**
   * Verifies the database by a probe and makes it active; a later failback may leave it again.
   * Rejects with `DatabaseUnavailableError` if it can't serve, `UnknownDatabaseError`.
   */
  setActiveDatabase(id: string): Promise<void>;
  /**
   * As `setActiveDatabase`, and stays there against failback and weights for `durationMs`. It
   * still fails over when the database fails.
   */
  forceActiveDatabase(id: string, options?: ForceOptions): Promise<void>;
  /**
   * Keeps a database away from traffic, before maintenance for instance: it is not eligible, and
   * serves only when no other one can. If it is active, the best of the others becomes active
   * first; what is in flight finishes where it is. Rejects with `DatabaseUnavailableError` if none
   * of the others can serve, `UnknownDatabaseError`. `setActiveDatabase` ends a drain as well.
   */
  drainDatabase(id: string, options?: DrainOptions): Promise<void>;
  /**
   * Ends a drain; the database is returned to at the next look for a better one. False when it was
   * not drained. Throws `UnknownDatabaseError`.
   */
  resumeDatabase(id: string): boolean;
  /**
   * Adds a database while commands are running. Resolves to its snapshot once it is known whether
   * it is healthy; it stays either way. Rejects with `DatabaseUnavailableError` when it is removed,
   * and with `ClientClosedError` when the client is closed, before that is known.
   */
  addDatabase(database: MultiDbDatabaseOptions): Promise<DatabaseSnapshot>;
  /**
   * Removes a database; never the last. The active one is left first; what is pending there
   * settles. Rejects with `DatabaseUnavailableError` when no other one can serve.
   */
  removeDatabase(id: string): Promise<void>;
  /**
   * Adds a database, waits until it is well, and only then removes `id`; else `id` is kept, and it
   * rejects with `DatabaseUnavailableError`. A database of the same id takes its place: position,
   * drain and turn; its weight is that of its own options, its counters begin anew.
   */
  replaceDatabase(id: string, database: MultiDbDatabaseOptions): Promise<DatabaseSnapshot>;
  getWeight(id: string): number;
  /** Takes effect at once. False when nothing changed. */
  setWeight(id: string, weight: number): boolean;
  /** Its checks pass and its connection is ready. */
  isHealthy(id: string): boolean;
  /** Which database is active and why, and what each other one lacks. */
  explain(): Explanation;
  /** What has been counted so far; read it as often as metrics are collected. */
  stats(): MultiDbStats;

  on<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  once<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  off<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  addListener<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
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
> = MultiDbMembers<M, F, S, RESP, TM> & RedisClientType<M, F, S, RESP, TM>;

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
