import type { RetrySafety } from '../core/command-risk.js';
import type { FailureDetectorOptions } from '../core/failure-detector.js';
import type { InitializationPolicy } from '../core/initialization-policy.js';
import type { ProbingPolicy } from '../core/probing-policy.js';
import type {
  HealthCheckFunction,
  HealthCheckRole,
  HealthCheckStrategy,
} from '../health-strategies/strategy.js';

/**
 * Selects errors: a list of classes (an error matches when it is an instance of one), or a
 * function that answers. A function that throws counts as "no" for that error.
 */
export type ErrorSelector =
  | readonly (abstract new (
      ...args: never[]
    ) => Error)[]
  | ((error: Error) => boolean);

/** `FailureDetectorOptions` as they are given: each part optional, errors by class or predicate. */
export interface FailureDetectorSettings
  extends Partial<Omit<FailureDetectorOptions, 'includedErrors' | 'ignoredErrors'>> {
  /** Errors that count as failures. Default: connection errors, timeouts and state replies. */
  readonly includedErrors?: ErrorSelector;
  /** Errors that don't count although they are included. Default: none. */
  readonly ignoredErrors?: ErrorSelector;
}

/** One health check: a strategy with its timing and policy. Each part is optional. */
export interface HealthCheckOptions {
  /** What one probe does. Default: `new PingStrategy()`. */
  readonly strategy?: HealthCheckStrategy | HealthCheckFunction;
  /** From the end of a round to the start of the next, 1 to 2^31-1 ms. Default: 5000. */
  readonly intervalMs?: number;
  /** Longest duration of one probe, 1 to 2^31-1 ms. Default: 1000. */
  readonly timeoutMs?: number;
  /** Probes in a round, 1 or more. Default: 3. */
  readonly numProbes?: number;
  /** Wait between the probes of a round, 0 to 2^31-1 ms. Default: 500. */
  readonly delayInBetweenProbesMs?: number;
  /** When a round is a success. Default: `ALL_SUCCESS`. */
  readonly policy?: ProbingPolicy | 'ALL_SUCCESS' | 'ANY_SUCCESS' | 'MAJORITY_SUCCESS';
}

/** `false` disables; an array means that all must pass. */
export type HealthCheckSetting =
  | false
  | HealthCheckStrategy
  | HealthCheckFunction
  | HealthCheckOptions
  | readonly (HealthCheckStrategy | HealthCheckFunction | HealthCheckOptions)[];

/** The options that databases of every topology have. */
interface CommonDatabaseOptions {
  /** Stable name used in every method and event. Default: where it leads, as `host:port`. */
  readonly id?: string;
  /** Finite and above 0; the eligible database of the highest weight is active. Default: 1. */
  readonly weight?: number;
  /** Instead of the group's. */
  readonly healthCheck?: HealthCheckSetting;
  /** Over the group's, part by part. */
  readonly failureDetector?: FailureDetectorSettings;
}

/** A server, or what looks like one, over one connection per client. */
export interface SingleDatabaseOptions<ClientOptions = object> extends CommonDatabaseOptions {
  /** The database is a server with one connection per client. Default. */
  readonly topology?: 'client';
  /** Options of the client library for this database, over those of the top-level `client`. */
  readonly client?: ClientOptions;
}

/** As node-redis's `createClientPool` has them. */
export interface PoolOptions {
  /** Connections that are kept open, 0 or more. Default: 1. */
  readonly minimum?: number;
  /** Connections at most, 1 or more. Default: 100. */
  readonly maximum?: number;
  /** Longest wait for a free connection, 0 to 2^31-1 ms; 0: as long as the command may take. Default: 3000. */
  readonly acquireTimeout?: number;
  /** How long a connection beyond the minimum may be idle, 0 to 2^31-1 ms. Default: 3000. */
  readonly cleanupDelay?: number;
}

/** A server over several connections per client, so that a blocking command delays nobody. */
export interface PoolDatabaseOptions<ClientOptions = object> extends CommonDatabaseOptions {
  /** The database is a server with several connections per client. */
  readonly topology: 'pool';
  /** Of every connection, over those of the top-level `client`. */
  readonly client?: ClientOptions;
  /** The size of the pool and its times. Default: 1 to 100 connections. */
  readonly pool?: PoolOptions;
}

/** A Redis Cluster. */
export interface ClusterDatabaseOptions<ClusterOptions = object> extends CommonDatabaseOptions {
  /** The database is a Redis Cluster. */
  readonly topology: 'cluster';
  /** As for the library's `createCluster`; `defaults` lie over the top-level `client`. */
  readonly cluster: ClusterOptions;
}

/** A master that Redis Sentinel watches. */
export interface SentinelDatabaseOptions<SentinelOptions = object> extends CommonDatabaseOptions {
  /** The database is a master that Redis Sentinel watches. */
  readonly topology: 'sentinel';
  /** As for the library's `createSentinel`; `nodeClientOptions` lie over the top-level `client`. */
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

/**
 * When and how often a failed command is sent again. Default: three attempts, for reads whose
 * outcome is unknown and for every command that certainly was not executed.
 */
export interface CommandRetryOptions {
  /** Including the first call; 1 disables. Default: 3. */
  readonly maxAttempts?: number;
  /** Before the second attempt, 0 to 2^31-1 ms. Default: 500. */
  readonly waitDurationMs?: number;
  /** Each further wait is this many times longer, 1 or more. Default: 2. */
  readonly exponentialBackoffMultiplier?: number;
  /**
   * Errors that are retried. Default: what was never sent, what has an unknown outcome, and
   * state replies (LOADING, READONLY, ...). Safety comes first whatever stands here.
   */
  readonly includedErrors?: ErrorSelector;
  /** Errors that are not retried although they are included. Default: none. */
  readonly ignoredErrors?: ErrorSelector;
  /** The riskiest category of command that may be repeated when its outcome is unknown. Default: `read`. */
  readonly safety?: RetrySafety;
  /** Share of each wait that is random, 0 to 1. Default: 0.2. */
  readonly jitter?: number;
}

/** Options of `createMultiDbClient`. `ClientOptions` are those of the client library. */
export interface MultiDbOptions<ClientOptions = object, Database = DatabaseOptions<ClientOptions>> {
  /** At least one; ids are unique. */
  readonly databases: readonly Database[];
  /**
   * What shapes the API and must be the same everywhere (RESP, modules, scripts, functions,
   * keyPrefix, commandOptions), and defaults for all databases (credentials, TLS).
   */
  readonly client?: ClientOptions;
  /**
   * Retries of failed commands. A command that may have been executed is sent again only if its
   * category is within `safety`.
   *
   * @example
   * ```ts
   * commandRetry: { maxAttempts: 5, waitDurationMs: 200, safety: 'read' }
   * ```
   */
  readonly commandRetry?: CommandRetryOptions;
  /**
   * When failed commands open the circuit breaker of a database. Default: 1000 failures and 10
   * percent within two seconds.
   */
  readonly failureDetector?: FailureDetectorSettings;
  /** Errors that lead to a failover by themselves, when a probe confirms. Default: breaker open, connection errors that outlive all retries. */
  readonly fallbackErrors?: ErrorSelector;
  /** Default: `PingStrategy` with the defaults of `HealthCheckOptions`. */
  readonly healthCheck?: HealthCheckSetting;
  /** Automatic failback. Default: true. */
  readonly failbackSupported?: boolean;
  /** Between two looks for a better database, 1 to 2^31-1 ms. Default: 120000. */
  readonly failbackCheckIntervalMs?: number;
  /** A database left as unhealthy stays ineligible this long, 0 to 2^31-1 ms. Default: 60000. */
  readonly gracePeriodMs?: number;
  /** On a failover, destroy the old database's connections at once. Default: false. */
  readonly fastFailover?: boolean;
  /** On a failover, send what is in flight to the new database at once, within safety. Default: false; implies `fastFailover`. */
  readonly retryOnFailover?: boolean;
  /** Failed searches before errors turn from temporary to permanent, 1 or more. Default: 10. */
  readonly maxNumFailoverAttempts?: number;
  /** Between two searches while all are down, 1 to 2^31-1 ms. Default: 12000. */
  readonly delayInBetweenFailoverAttemptsMs?: number;

  /** Deadline of one attempt, 1 to 2^31-1 ms; a blocking command adds its block time. Default: 5000. */
  readonly commandTimeoutMs?: number;
  /** Deadline of the whole command, 1 to 2^31-1 ms; block time on top. Default: 10000. */
  readonly commandDeadlineMs?: number;
  /** Silence of a connection with a command under way that starts a probe round, 1 to 2^31-1 ms. Default: 1000. */
  readonly suspectAfterMs?: number;
  /**
   * How long a failure must persist before a database is left, 0 to 2^31-1 ms. Default: 0, and
   * 15000 for databases of topology `cluster` and `sentinel`, which heal themselves.
   */
  readonly unhealthyAfterMs?: number;
  /**
   * How often the host names of open connections are looked up again, 1 to 2^31-1 ms; 0 or `false`:
   * never. Default: 30000.
   */
  readonly resolveIntervalMs?: number | false;
  /** Beyond it commands fail with `OverloadedError`, never sent; 1 or more. Default: 100000. */
  readonly maxPendingCommands?: number;
  /** Connections of their own that `transaction()` opens when it needs them, 1 or more. Default: 10. */
  readonly maxTransactionConnections?: number;
  /** When `connect()` is satisfied. Default: `ONE_AVAILABLE`. */
  readonly initializationPolicy?:
    | InitializationPolicy
    | 'ONE_AVAILABLE'
    | 'MAJORITY_AVAILABLE'
    | 'ALL_AVAILABLE';
  /** At start, how long a database of higher weight may take before a lower one is used, 0 to 2^31-1 ms. Default: 1000. */
  readonly initialWaitMs?: number;
  /** Share of `failbackCheckIntervalMs` that is random, 0 to 1. Default: 0.2. */
  readonly failbackJitter?: number;
  /** Libraries of functions, each `#!lua name=...` and its code, that every database has before it gets a command. Default: none. */
  readonly preloadFunctions?: readonly string[];
  /** What `scanIterator` and its kin do at a switch: throw, or begin again on the new database. Default: `throw`. */
  readonly iterators?: 'throw' | 'restart';
  /** `warm`: standbys hold a ready connection; `lazy`: it is opened at the switch. Default: `warm`. */
  readonly standbyConnections?: 'warm' | 'lazy';
  /**
   * Where channels are subscribed: on the active database, or on all of them, of which only the
   * active one delivers. Default: `active`.
   */
  readonly subscriptions?: 'active' | 'all';
}

/** A health check in force: everything filled in. */
export interface ResolvedHealthCheck {
  readonly name: string;
  readonly role: HealthCheckRole;
  readonly strategy: HealthCheckStrategy;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly numProbes: number;
  readonly delayInBetweenProbesMs: number;
  readonly policy: ProbingPolicy;
}

export type ResolvedPool = Required<PoolOptions>;

/**
 * How a database is reached. All objects are deep copies that the driver owns. `client` are the
 * options of one connection, without an address for `cluster` and `sentinel`.
 */
export type ResolvedTopology = { readonly client: object } & (
  | { readonly topology: 'client' }
  | { readonly topology: 'pool'; readonly pool: ResolvedPool }
  /** `rootNodes` are complete options of one connection, `defaults` is `client`. */
  | { readonly topology: 'cluster'; readonly cluster: ResolvedCluster }
  /** `nodeClientOptions` is `client`. */
  | { readonly topology: 'sentinel'; readonly sentinel: ResolvedSentinel }
);

/** Options of `createCluster` by their names, `rootNodes` and `defaults` in force. */
export interface ResolvedCluster {
  readonly rootNodes: readonly object[];
  readonly defaults: object;
  readonly [name: string]: unknown;
}

/** Options of `createSentinel` by their names. */
export interface ResolvedSentinel {
  readonly name: string;
  readonly sentinelRootNodes: readonly { readonly host: string; readonly port: number }[];
  readonly nodeClientOptions: object;
  readonly sentinelClientOptions: object;
  readonly [name: string]: unknown;
}

/** A database's options in force. */
export type ResolvedDatabase = ResolvedTopology & {
  readonly id: string;
  readonly weight: number;
  /** How long a failure must persist before it is left. */
  readonly unhealthyAfterMs: number;
  /** Empty: health checks are disabled. */
  readonly healthChecks: readonly ResolvedHealthCheck[];
  readonly failureDetector: FailureDetectorOptions;
};

export interface ResolvedCommandRetry {
  readonly maxAttempts: number;
  readonly waitDurationMs: number;
  readonly exponentialBackoffMultiplier: number;
  /** `undefined`: what the classification says. */
  readonly includedErrors: ((error: Error) => boolean) | undefined;
  readonly ignoredErrors: ((error: Error) => boolean) | undefined;
  readonly safety: RetrySafety;
  readonly jitter: number;
}

/** All options in force, validated, selectors compiled to predicates. */
export interface ResolvedOptions {
  readonly databases: readonly ResolvedDatabase[];
  readonly commandRetry: ResolvedCommandRetry;
  readonly fallbackErrors: ((error: Error) => boolean) | undefined;
  readonly failbackSupported: boolean;
  readonly failbackCheckIntervalMs: number;
  readonly gracePeriodMs: number;
  readonly fastFailover: boolean;
  readonly retryOnFailover: boolean;
  readonly maxNumFailoverAttempts: number;
  readonly delayInBetweenFailoverAttemptsMs: number;
  readonly commandTimeoutMs: number;
  readonly commandDeadlineMs: number;
  readonly suspectAfterMs: number;
  /** 0: never. */
  readonly resolveIntervalMs: number;
  readonly maxPendingCommands: number;
  readonly maxTransactionConnections: number;
  readonly initializationPolicy: InitializationPolicy;
  readonly initialWaitMs: number;
  readonly failbackJitter: number;
  readonly preloadFunctions: readonly string[];
  readonly iterators: 'throw' | 'restart';
  readonly standbyConnections: 'warm' | 'lazy';
  readonly subscriptions: 'active' | 'all';
}
