import type { FailureDetector } from '../core/failure-detector.js';
import type { ProbingPolicy } from '../core/probing-policy.js';
import type { HealthCheckFunction, HealthCheckStrategy } from '../health-strategies/strategy.js';
import type { GracePeriodOptions } from '../validation/rules.js';
import type { BeforeFailback } from './before-failback.js';

/**
 * Selects errors: a list of classes (an error matches when it is an instance of one), or a
 * function that answers. A function that throws counts as "no" for that error.
 */
export type ErrorSelector =
  | readonly (abstract new (
      ...args: never[]
    ) => Error)[]
  | ((error: Error) => boolean);

/** When failed commands open the circuit breaker of a database. Each part is optional. */
export interface FailureDetectorSettings {
  /**
   * What the window covers: the last `slidingWindowSizeMs`, or the last `slidingWindowSize`
   * commands. Accepts 'time', 'count'. Default: `time`.
   */
  readonly slidingWindowType?: 'time' | 'count';
  /**
   * Length of the window of type `time`. Accepts milliseconds from 1 to 2147483647. Default:
   * `2000`.
   */
  readonly slidingWindowSizeMs?: number;
  /**
   * Number of commands in the window of type `count`. Accepts an integer from 1 to 1000000.
   * Default: `100`.
   */
  readonly slidingWindowSize?: number;
  /**
   * Failures in the window that open the circuit breaker, if `failureRateThreshold` is reached too.
   * At most `slidingWindowSize` for type `count`. Accepts an integer from 0 to 2147483647. Default:
   * `1000`; for type `count` the share `failureRateThreshold` of `slidingWindowSize`.
   */
  readonly minNumOfFailures?: number;
  /**
   * Percentage of failures in the window that opens the circuit breaker, if `minNumOfFailures` is
   * reached too. Accepts percent from 0 to 100. Default: `10`.
   */
  readonly failureRateThreshold?: number;
  /**
   * A call that takes longer from its writing until its reply begins is slow. A database whose
   * calls are slow is left if the next one is faster. Accepts milliseconds from 1 to 2147483647.
   * Default: no call counts as slow.
   */
  readonly slowCallMs?: number;
  /**
   * Percentage of slow calls in the window that makes the database slow, if `minNumOfSlowCalls` is
   * reached too. Accepts percent from 0 to 100. Default: `50`.
   */
  readonly slowCallRateThreshold?: number;
  /**
   * Slow calls in the window that make the database slow, if `slowCallRateThreshold` is reached
   * too. Accepts an integer from 0 to 2147483647. Default: `3`.
   */
  readonly minNumOfSlowCalls?: number;
  /**
   * Creates a failure detector of your own for each database. It decides instead of the thresholds.
   * Accepts a function `(databaseId) => FailureDetector`. Default: the thresholds decide.
   */
  readonly detector?: (databaseId: string) => FailureDetector;
  /**
   * Errors that count as failures of the database. Accepts an array of error classes, or a function
   * `(error) => boolean`. Default: connection errors, timeouts, state replies.
   */
  readonly includedErrors?: ErrorSelector;
  /**
   * Errors that do not count. They take precedence over `includedErrors`. Accepts an array of error
   * classes, or a function `(error) => boolean`. Default: none.
   */
  readonly ignoredErrors?: ErrorSelector;
}

/** One health check: a strategy with its timing and policy. Each part is optional. */
export interface HealthCheckOptions {
  /**
   * What a probe does. Accepts an object with `check(probe)`, or a function `(probe) => boolean |
   * Promise<boolean>`. Default: `new PingStrategy()`.
   */
  readonly strategy?: HealthCheckStrategy | HealthCheckFunction;
  /**
   * Time between two rounds of probes. Accepts milliseconds from 1 to 2147483647. Default: `5000`.
   */
  readonly intervalMs?: number;
  /**
   * Timeout of one probe. `'adaptive'` derives it from the response times of each database, at most
   * 1000 ms. Accepts milliseconds from 1 to 2147483647, or 'adaptive'. Default: `1000`.
   */
  readonly timeoutMs?: number | 'adaptive';
  /** Number of probes in a round. Accepts an integer from 1 to 2147483647. Default: `3`. */
  readonly numProbes?: number;
  /**
   * Time between the probes of a round. Accepts milliseconds from 0 to 2147483647. Default: `500`.
   */
  readonly delayInBetweenProbesMs?: number;
  /**
   * Which probes of a round must succeed. Accepts 'ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS',
   * or a `ProbingPolicy` function. Default: `ALL_SUCCESS`.
   */
  readonly policy?: ProbingPolicy | 'ALL_SUCCESS' | 'ANY_SUCCESS' | 'MAJORITY_SUCCESS';
}

/** One health check. */
export type OneHealthCheck = HealthCheckStrategy | HealthCheckFunction | HealthCheckOptions;

/** `false` disables; an array means that all must pass. */
export type HealthCheckSetting = false | OneHealthCheck | readonly OneHealthCheck[];

/** The options that databases of every topology have. */
interface CommonDatabaseOptions {
  /**
   * Name of the database in methods, events and errors. Accepts a non-empty string, unique in the
   * group. Default: `host:port` of the client options, or of the first root node of a cluster;
   * `name@host:port` for Sentinel.
   */
  readonly id?: string;
  /**
   * Preference. The eligible database with the highest weight is active; among equal weights the
   * first one. Accepts a finite number above 0. Default: `1`.
   */
  readonly weight?: number;
  /**
   * Replaces the `healthCheck` of the group for this database. Accepts `false`, a strategy, `{
   * strategy, ... }`, or an array of these. Default: that of the group.
   */
  readonly healthCheck?: HealthCheckSetting;
  /**
   * Overrides single options of the `failureDetector` of the group. Accepts an object. Default:
   * that of the group.
   */
  readonly failureDetector?: FailureDetectorSettings;
  /**
   * Replaces the `gracePeriodMs` of the group for this database. Accepts milliseconds from 0 to
   * 2147483647, or an object `{ baseMs, maxMs }`. Default: that of the group.
   */
  readonly gracePeriodMs?: number | GracePeriodOptions;
  /**
   * How often the client checks whether to fail back to this database. Replaces the
   * `failbackCheckIntervalMs` of the group for it. Accepts milliseconds from 1 to 2147483647.
   * Default: that of the group.
   */
  readonly failbackCheckIntervalMs?: number;
  /**
   * Replaces the `beforeFailback` of the group for this database. Accepts a function `(context) =>
   * void | Promise<void>`. Default: that of the group.
   */
  readonly beforeFailback?: BeforeFailback;
  /**
   * Whether the database may be a replica. `'auto'`: it serves reads while it is one, and writes as
   * soon as it is promoted. `false`: it only ever serves reads. For single servers and pools.
   * Accepts 'auto' or false. Default: a database that refuses writes is unhealthy.
   */
  readonly writable?: 'auto' | false;
}

/** A server, or what looks like one, over one connection per client. */
export interface SingleDatabaseOptions<ClientOptions = object> extends CommonDatabaseOptions {
  /** The database is a server with one connection per client. Default. */
  readonly topology?: 'client';
  /**
   * node-redis options of this database. They override the top-level `client`. Accepts an object.
   */
  readonly client?: ClientOptions;
}

/** As node-redis's `createClientPool` has them. */
export interface PoolOptions {
  /**
   * Number of connections that stay open. Accepts an integer from 0 to 2147483647. Default: `1`.
   */
  readonly minimum?: number;
  /** Maximum number of connections. Accepts an integer from 1 to 2147483647. Default: `100`. */
  readonly maximum?: number;
  /**
   * Longest wait for a free connection. 0 waits until the deadline of the command. Accepts
   * milliseconds from 0 to 2147483647. Default: `3000`.
   */
  readonly acquireTimeout?: number;
  /**
   * How long an idle connection above the minimum stays open. Accepts milliseconds from 0 to
   * 2147483647. Default: `3000`.
   */
  readonly cleanupDelay?: number;
}

/** A server over several connections per client, so that a blocking command delays nobody. */
export interface PoolDatabaseOptions<ClientOptions = object> extends CommonDatabaseOptions {
  /** The database is a server with several connections per client. */
  readonly topology: 'pool';
  /**
   * node-redis options of this database. They override the top-level `client`. Accepts an object.
   */
  readonly client?: ClientOptions;
  /** Pool options; only with `topology: 'pool'`. Accepts an object. */
  readonly pool?: PoolOptions;
}

/** A Redis Cluster. */
export interface ClusterDatabaseOptions<ClusterOptions = object> extends CommonDatabaseOptions {
  /** The database is a Redis Cluster. */
  readonly topology: 'cluster';
  /**
   * Options of `createCluster`; only with `topology: 'cluster'`. `defaults` overrides the top-level
   * `client`. Accepts an object with `rootNodes`.
   */
  readonly cluster: ClusterOptions;
}

/** A master that Redis Sentinel watches. */
export interface SentinelDatabaseOptions<SentinelOptions = object> extends CommonDatabaseOptions {
  /** The database is a master that Redis Sentinel watches. */
  readonly topology: 'sentinel';
  /**
   * Options of `createSentinel`; only with `topology: 'sentinel'`. `nodeClientOptions` overrides
   * the top-level `client`. Accepts an object with `name` and `sentinelRootNodes`.
   */
  readonly sentinel: SentinelOptions;
}

/** One Redis deployment, with the options of the client library for its topology. */
export type DatabaseOptions<
  ClientOptions = object,
  ClusterOptions = object,
  SentinelOptions = object,
> =
  | SingleDatabaseOptions<ClientOptions>
  | PoolDatabaseOptions<ClientOptions>
  | ClusterDatabaseOptions<ClusterOptions>
  | SentinelDatabaseOptions<SentinelOptions>;
