import type { RetrySafety } from '../core/command-risk.js';
import type { FailureDetectorOptions } from '../core/failure-detector.js';
import type { GracePeriod } from '../core/grace-period.js';
import type { HedgingSettings } from '../core/hedging-settings.js';
import type { InitializationPolicy } from '../core/initialization-policy.js';
import type { ProbingPolicy } from '../core/probing-policy.js';
import type { RetryBudgetOptions } from '../core/traffic-budget.js';
import type { HealthCheckRole, HealthCheckStrategy } from '../health-strategies/strategy.js';
import type { GracePeriodOptions } from '../validation/rules.js';
import type { BeforeFailback } from './before-failback.js';
import type {
  DatabaseOptions,
  ErrorSelector,
  FailureDetectorSettings,
  HealthCheckSetting,
  PoolOptions,
} from './database-options.js';
import type { OnPromotionNeeded } from './promotion.js';
import type { SelectionSetting } from './selection.js';
import type { SteeringSource } from './steering.js';

/**
 * When and how often a failed command is sent again. Default: three attempts, for reads whose
 * outcome is unknown and for every command that certainly was not executed.
 */
export interface CommandRetryOptions {
  /**
   * Maximum number of attempts, including the first. 1 turns retries off. Accepts an integer from 1
   * to 2147483647. Default: `3`.
   */
  readonly maxAttempts?: number;
  /** Wait before the second attempt. Accepts milliseconds from 0 to 2147483647. Default: `500`. */
  readonly waitDurationMs?: number;
  /**
   * Factor by which each further wait is longer: 500, 1000, 2000 ... Accepts a finite number, 1 or
   * more. Default: `2`.
   */
  readonly exponentialBackoffMultiplier?: number;
  /**
   * Errors after which a command is retried, within `commandRetry.safety`. Accepts an array of
   * error classes, or a function `(error) => boolean`. Default: command never sent, outcome
   * unknown, state replies (LOADING, READONLY ...).
   */
  readonly includedErrors?: ErrorSelector;
  /**
   * Errors after which a command is not retried. They take precedence over `includedErrors`.
   * Accepts an array of error classes, or a function `(error) => boolean`. Default: none.
   */
  readonly ignoredErrors?: ErrorSelector;
  /**
   * Riskiest category of commands that is retried when the outcome is unknown. Accepts
   * 'connection', 'read', 'checked-write', 'last-write-wins', 'accumulating', 'admin'. Default:
   * `read`.
   */
  readonly safety?: RetrySafety;
  /**
   * Largest random share by which a wait is shortened. It is drawn once per batch, which keeps the
   * order. Accepts a number from 0 to 1. Default: `0.2`.
   */
  readonly jitter?: number;
  /**
   * Limits repeats to a share of the traffic of the last ten seconds. Further repeats are not sent,
   * and the command fails with the error of its last attempt. Commands that were never sent are not
   * repeats. Accepts an object. Default: no limit.
   *
   * @example
   * ```ts
   * commandRetry: { budget: { share: 0.1, minPerSecond: 5 } }
   * ```
   */
  readonly budget?: RetryBudgetSettings;
}

/** A limit of repeats, per client. Each part is optional. */
export interface RetryBudgetSettings {
  /** Repeats per first attempt. Accepts a number from 0 to 1. Default: `0.2`. */
  readonly share?: number;
  /**
   * Repeats per second that are allowed in addition, for clients with little traffic. Accepts an
   * integer from 0 to 2147483647. Default: `10`.
   */
  readonly minPerSecond?: number;
}

/** When reads are sent to a second database. Each part is optional. */
export interface HedgingOptions {
  /**
   * How long a read may wait before it is sent to a standby as well. `p99`: the 99th percentile of
   * the latency that the client measures, from 5 ms to half of `suspectAfterMs`. Accepts
   * milliseconds from 1 to 2147483647, or 'p99'. Default: `p99`.
   */
  readonly afterMs?: number | 'p99';
  /**
   * Largest share of the reads of the last minute that is sent to a standby as well. Accepts a
   * number from 0 to 1. Default: `0.05`.
   */
  readonly maxShare?: number;
}

/** Options of `createMultiDbClient`. `ClientOptions` are those of the client library. */
export interface MultiDbOptions<ClientOptions = object, Database = DatabaseOptions<ClientOptions>> {
  /**
   * The databases. The order only decides between equal weights. Accepts a non-empty array.
   * Default: required.
   */
  readonly databases: readonly Database[];
  /**
   * node-redis options of all databases. `RESP`, `modules`, `scripts`, `functions`, `keyPrefix` and
   * `commandOptions` can only be set here. Accepts an object.
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
   * Sends a read of keys that has no reply after `afterMs` to the best healthy standby as well; the
   * first reply counts. Such a reply may be older than the data of the active database. Accepts an
   * object. Default: off.
   *
   * @example
   * ```ts
   * hedging: { afterMs: 50, maxShare: 0.05 }
   * ```
   */
  readonly hedging?: HedgingOptions;
  /**
   * When failed commands open the circuit breaker of a database, and when its calls are too slow. Default: 1000 failures and 10
   * percent within two seconds.
   */
  readonly failureDetector?: FailureDetectorSettings;
  /**
   * Errors of which a single one starts a probe. If the probe fails, the database is left. Accepts
   * an array of error classes, or a function `(error) => boolean`. Default: circuit breaker open,
   * connection errors after all retries.
   */
  readonly fallbackErrors?: ErrorSelector;
  /**
   * How databases are probed. Of several checks, all must pass. `false` turns health checks off.
   * Accepts `false`, a strategy, `{ strategy, ... }`, or an array of these. Default: `new
   * PingStrategy()`.
   */
  readonly healthCheck?: HealthCheckSetting;
  /**
   * Whether the client returns to a better database by itself. Accepts true or false. Default:
   * `true`.
   */
  readonly failbackSupported?: boolean;
  /**
   * How often the client looks for a better database to fail back to. Accepts milliseconds from 1
   * to 2147483647. Default: `120000`.
   */
  readonly failbackCheckIntervalMs?: number;
  /**
   * How long a database that was left as failed stays ineligible. With `{ baseMs, maxMs }` the
   * grace period doubles each time the database fails again within `maxMs` of its end, and each
   * further `maxMs` without a failure takes one doubling back. Accepts milliseconds from 0 to
   * 2147483647, or an object `{ baseMs, maxMs }`. Default: `60000`.
   */
  readonly gracePeriodMs?: number | GracePeriodOptions;
  /**
   * Called once each time a database that was left is about to become active again by a failback.
   * The client waits for the promise, and does not take the database when it rejects. Accepts a
   * function `(context) => void | Promise<void>`. Default: none.
   *
   * @example
   * ```ts
   * // A cache that was not written while its database was away is stale.
   * beforeFailback: ({ sendCommand }) => sendCommand(['FLUSHALL', 'ASYNC'])
   * ```
   */
  readonly beforeFailback?: BeforeFailback;
  /**
   * What becomes of writes while the active database serves reads only: they wait up to their
   * deadline, or reject with `NotWritableError`. Accepts 'wait', 'reject'. Default: `wait`.
   */
  readonly readOnlyWrites?: 'wait' | 'reject';
  /**
   * Called once when a database becomes active that serves reads only, so that it can be promoted.
   * Accepts a function `(context) => void | Promise<void>`. Default: none.
   *
   * @example
   * ```ts
   * onPromotionNeeded: ({ id, cause }) => console.error(`promote ${id}: ${cause}`)
   * ```
   */
  readonly onPromotionNeeded?: OnPromotionNeeded;
  /**
   * Deadline of `beforeFailback`. The next failback check calls it again. Accepts milliseconds from
   * 1 to 2147483647. Default: `30000`.
   */
  readonly beforeFailbackTimeoutMs?: number;
  /**
   * Whether a failover closes the connections to the old database at once, without waiting for
   * replies. Accepts true or false. Default: `false`.
   */
  readonly fastFailover?: boolean;
  /**
   * Whether a failover sends commands in flight to the new database at once, within
   * `commandRetry.safety`. Reads are always sent. Implies `fastFailover`. Accepts true or false.
   * Default: `false`.
   */
  readonly retryOnFailover?: boolean;
  /**
   * Failed searches after which commands fail with `PermanentlyUnavailableError` instead of
   * `TemporarilyUnavailableError`. Accepts an integer from 1 to 2147483647. Default: `10`.
   */
  readonly maxNumFailoverAttempts?: number;
  /**
   * Time between two searches while all databases are down. Accepts milliseconds from 1 to
   * 2147483647. Default: `12000`.
   */
  readonly delayInBetweenFailoverAttemptsMs?: number;

  /**
   * Deadline of one attempt. A blocking command may take its block time in addition. Accepts
   * milliseconds from 1 to 2147483647. Default: `5000`.
   */
  readonly commandTimeoutMs?: number;
  /**
   * Deadline of a command with its queueing, waits and all attempts, also during `close()`. A
   * blocking command may take its block time in addition. Accepts milliseconds from 1 to
   * 2147483647. Default: `10000`.
   */
  readonly commandDeadlineMs?: number;
  /**
   * Silence on a connection, while a non-blocking command waits for its reply, after which a round
   * of probes starts. `'adaptive'` derives it from the response times of each database, from 50 to
   * 1000 ms. Accepts milliseconds from 1 to 2147483647, or 'adaptive'. Default: `1000`.
   */
  readonly suspectAfterMs?: number | 'adaptive';
  /**
   * Failover delay: how long a failure must last before a database is left. Retries wait meanwhile.
   * A given value applies to every topology. Accepts milliseconds from 0 to 2147483647. Default:
   * `0`; `15000` for `cluster` and `sentinel`, which heal themselves.
   */
  readonly unhealthyAfterMs?: number;
  /**
   * How often the host names of open connections are looked up again. When a name has moved to
   * another address, the connections are renewed without a failover. 0 or `false` turns this off.
   * Accepts milliseconds from 1 to 2147483647, 0 or false. Default: `30000`.
   */
  readonly resolveIntervalMs?: number | false;
  /**
   * Maximum number of pending commands. Further commands fail with `OverloadedError` and are not
   * sent. Accepts an integer from 1 to 2147483647. Default: `100000`.
   */
  readonly maxPendingCommands?: number;
  /**
   * Maximum number of connections that `transaction()` opens to the active database, or to each
   * master of a cluster. Accepts an integer from 1 to 2147483647. Default: `10`.
   */
  readonly maxTransactionConnections?: number;
  /**
   * How many databases must be available before `connect()` resolves. With two databases,
   * `MAJORITY_AVAILABLE` requires both. Accepts 'ONE_AVAILABLE', 'MAJORITY_AVAILABLE',
   * 'ALL_AVAILABLE', or an `InitializationPolicy` function. Default: `ONE_AVAILABLE`.
   */
  readonly initializationPolicy?:
    | InitializationPolicy
    | 'ONE_AVAILABLE'
    | 'MAJORITY_AVAILABLE'
    | 'ALL_AVAILABLE';
  /**
   * Which of the eligible databases of equal weight is active: the first one, the one whose probes
   * take the least time, or the one that a function returns. Accepts 'first', 'lowest-latency', or
   * a function `(candidates) => id`. Default: `first`.
   */
  readonly selection?: SelectionSetting;
  /**
   * How long `connect()` waits for a database of higher weight before it uses another one. Accepts
   * milliseconds from 0 to 2147483647. Default: `1000`.
   */
  readonly initialWaitMs?: number;
  /**
   * How long `connect()` keeps trying while too few databases are up, for containers that start
   * together; 0: it rejects as soon as that is known. Accepts milliseconds from 0 to 2147483647.
   * Default: `0`.
   */
  readonly keepConnectingMs?: number;
  /**
   * Largest random share by which `failbackCheckIntervalMs` is shortened, so that many processes do
   * not return at the same time. Accepts a number from 0 to 1. Default: `0.2`.
   */
  readonly failbackJitter?: number;
  /**
   * Time over which a fleet fails back: each process returns at its own place in it, which follows
   * from `instanceId`, after it has found the better database. Accepts milliseconds from 0 to
   * 2147483647. Default: `0`.
   */
  readonly failbackRampMs?: number;
  /**
   * Name of this process in the fleet. It determines the place of the process in `failbackRampMs`
   * and in the spread of a steering document. Accepts a non-empty string. Default: host name and
   * process id.
   */
  readonly instanceId?: string;
  /**
   * Where steering documents come from, which an operator publishes for all processes. Accepts a
   * source, or a non-empty array of sources. Default: none.
   */
  readonly steering?: SteeringSource | readonly SteeringSource[];
  /**
   * Beginnings of error replies by which a proxy says that no server is behind it, beside those of
   * Envoy, Twemproxy and Predixy. Accepts an array of non-empty strings. Default: none.
   */
  readonly proxyErrors?: readonly string[];
  /**
   * Function libraries that each database gets before its first command. They are loaded with
   * `FUNCTION LOAD REPLACE` over each new connection where they are missing or different. Accepts
   * an array of libraries, each a string that begins as `#!lua name=...`. Default: none.
   */
  readonly preloadFunctions?: readonly string[];
  /**
   * What an iterator such as `scanIterator` does when the active database changes: throw
   * `DatabaseSwitchedError`, or start again on the new database. Accepts 'throw', 'restart'.
   * Default: `throw`.
   */
  readonly iterators?: 'throw' | 'restart';
  /**
   * `warm` holds a connection to each standby open; `lazy` opens it at the switch. Accepts 'warm',
   * 'lazy'. Default: `warm`.
   */
  readonly standbyConnections?: 'warm' | 'lazy';
  /**
   * `active` subscribes on the active database, and again after a switch. `all` subscribes on every
   * database and delivers the messages of the active one, so that a switch has no gap. Accepts
   * 'active', 'all'. Default: `active`.
   */
  readonly subscriptions?: 'active' | 'all';
}

/** A health check in force: everything filled in. */
export interface ResolvedHealthCheck {
  readonly name: string;
  readonly role: HealthCheckRole;
  readonly strategy: HealthCheckStrategy;
  readonly intervalMs: number;
  /** The upper bound if it is adaptive. */
  readonly timeoutMs: number;
  /** Whether the timeout is derived from the response times of the database. */
  readonly adaptiveTimeout: boolean;
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
  /** Whether `suspectAfterMs` is derived from the response times of the database. */
  readonly adaptiveSuspicion: boolean;
  readonly failureDetector: FailureDetectorOptions;
  readonly gracePeriod: GracePeriod;
  readonly failbackCheckIntervalMs: number;
  readonly beforeFailback: BeforeFailback | undefined;
  /** `undefined`: a database that refuses writes is unhealthy. */
  readonly writable: 'auto' | false | undefined;
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
  /** `undefined`: no limit. */
  readonly budget: RetryBudgetOptions | undefined;
}

/** All options in force, validated, selectors compiled to predicates. */
export interface ResolvedOptions {
  readonly databases: readonly ResolvedDatabase[];
  readonly commandRetry: ResolvedCommandRetry;
  /** `undefined`: off, except for views of a client. */
  readonly hedging: HedgingSettings | undefined;
  readonly fallbackErrors: ((error: Error) => boolean) | undefined;
  readonly readOnlyWrites: 'wait' | 'reject';
  readonly onPromotionNeeded: OnPromotionNeeded | undefined;
  readonly failbackSupported: boolean;
  readonly failbackCheckIntervalMs: number;
  readonly beforeFailbackTimeoutMs: number;
  readonly fastFailover: boolean;
  readonly retryOnFailover: boolean;
  readonly maxNumFailoverAttempts: number;
  readonly delayInBetweenFailoverAttemptsMs: number;
  readonly commandTimeoutMs: number;
  readonly commandDeadlineMs: number;
  /** The upper bound if it is adaptive. */
  readonly suspectAfterMs: number;
  /** 0: never. */
  readonly resolveIntervalMs: number;
  readonly maxPendingCommands: number;
  readonly maxTransactionConnections: number;
  readonly initializationPolicy: InitializationPolicy;
  readonly selection: SelectionSetting;
  readonly initialWaitMs: number;
  readonly keepConnectingMs: number;
  readonly failbackJitter: number;
  readonly failbackRampMs: number;
  readonly instanceId: string;
  /** Empty: steering is off. */
  readonly steering: readonly SteeringSource[];
  readonly proxyErrors: readonly string[];
  readonly preloadFunctions: readonly string[];
  readonly iterators: 'throw' | 'restart';
  readonly standbyConnections: 'warm' | 'lazy';
  readonly subscriptions: 'active' | 'all';
}
