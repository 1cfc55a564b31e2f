import { RETRY_SAFETIES } from '../core/command-risk.js';
import {
  autoOrFalse,
  count,
  countOrNone,
  duration,
  durationOrAdaptive,
  durationOrNever,
  durationOrNone,
  durationOrP99,
  flag,
  type GracePeriodOptions,
  gracePeriod,
  multiplier,
  name,
  oneOf,
  percent,
  shape,
  share,
  text,
  weight,
  windowSize,
} from '../validation/rules.js';
import { option, shaped } from './option-entry.js';
import { TOPOLOGIES, type Topology } from './topologies.js';

const HEALTH_CHECK = '`false`, a strategy, `{ strategy, ... }`, or an array of these';
const SELECTOR = 'an array of error classes, or a function `(error) => boolean`';

/**
 * All options and their defaults. Validation reads this table, and the table in `docs/options.md` is
 * generated from it. The keys are paths in `MultiDbOptions`. The defaults from `commandRetry` to
 * `delayInBetweenFailoverAttemptsMs` are those of Jedis 7.
 */
export const DEFAULTS = Object.freeze({
  databases: shaped(
    'a non-empty array',
    'The databases. The order only decides between equal weights.',
    'required',
  ),
  'databases[].id': option<string | undefined>(
    undefined,
    name,
    'Name of the database in methods, events and errors.',
    '`host:port` of the client options, or of the first root node of a cluster; `name@host:port` for Sentinel',
  ),
  'databases[].weight': option(
    1,
    weight,
    'Preference. The eligible database with the highest weight is active; among equal weights the first one.',
  ),
  'databases[].client': shaped(
    'an object',
    'node-redis options of this database. They override the top-level `client`.',
  ),
  'databases[].topology': option<Topology>(
    'client',
    oneOf(TOPOLOGIES),
    'How the client connects: with one connection, or like `createClientPool`, `createCluster` or ' +
      '`createSentinel` of node-redis. One group can mix topologies.',
  ),
  'databases[].pool': shaped('an object', "Pool options; only with `topology: 'pool'`."),
  'databases[].pool.minimum': option(1, countOrNone, 'Number of connections that stay open.'),
  'databases[].pool.maximum': option(100, count, 'Maximum number of connections.'),
  'databases[].pool.acquireTimeout': option(
    3000,
    durationOrNone,
    'Longest wait for a free connection. 0 waits until the deadline of the command.',
  ),
  'databases[].pool.cleanupDelay': option(
    3000,
    durationOrNone,
    'How long an idle connection above the minimum stays open.',
  ),
  'databases[].cluster': shaped(
    'an object with `rootNodes`',
    "Options of `createCluster`; only with `topology: 'cluster'`. `defaults` overrides the " +
      'top-level `client`.',
  ),
  'databases[].sentinel': shaped(
    'an object with `name` and `sentinelRootNodes`',
    "Options of `createSentinel`; only with `topology: 'sentinel'`. `nodeClientOptions` " +
      'overrides the top-level `client`.',
  ),
  'databases[].healthCheck': shaped(
    HEALTH_CHECK,
    'Replaces the `healthCheck` of the group for this database.',
    'that of the group',
  ),
  'databases[].failureDetector': shaped(
    'an object',
    'Overrides single options of the `failureDetector` of the group.',
    'that of the group',
  ),
  'databases[].gracePeriodMs': option<number | GracePeriodOptions | undefined>(
    undefined,
    gracePeriod,
    'Replaces the `gracePeriodMs` of the group for this database.',
    'that of the group',
  ),
  'databases[].failbackCheckIntervalMs': option<number | undefined>(
    undefined,
    duration,
    'How often the client checks whether to fail back to this database. Replaces the ' +
      '`failbackCheckIntervalMs` of the group for it.',
    'that of the group',
  ),
  'databases[].beforeFailback': shaped(
    'a function `(context) => void | Promise<void>`',
    'Replaces the `beforeFailback` of the group for this database.',
    'that of the group',
  ),
  'databases[].writable': option<'auto' | false | undefined>(
    undefined,
    autoOrFalse,
    "Whether the database may be a replica. `'auto'`: it serves reads while it is one, and writes as soon as " +
      'it is promoted. `false`: it only ever serves reads. For single servers and pools.',
    'a database that refuses writes is unhealthy',
  ),
  client: shaped(
    'an object',
    'node-redis options of all databases. `RESP`, `modules`, `scripts`, `functions`, `keyPrefix` and ' +
      '`commandOptions` can only be set here.',
  ),

  'commandRetry.maxAttempts': option(
    3,
    count,
    'Maximum number of attempts, including the first. 1 turns retries off.',
  ),
  'commandRetry.waitDurationMs': option(500, durationOrNone, 'Wait before the second attempt.'),
  'commandRetry.exponentialBackoffMultiplier': option(
    2,
    multiplier,
    'Factor by which each further wait is longer: 500, 1000, 2000 ...',
  ),
  'commandRetry.includedErrors': shaped(
    SELECTOR,
    'Errors after which a command is retried, within `commandRetry.safety`.',
    'command never sent, outcome unknown, state replies (LOADING, READONLY ...)',
  ),
  'commandRetry.ignoredErrors': shaped(
    SELECTOR,
    'Errors after which a command is not retried. They take precedence over `includedErrors`.',
    'none',
  ),
  'commandRetry.safety': option<(typeof RETRY_SAFETIES)[number]>(
    'read',
    oneOf(RETRY_SAFETIES),
    'Riskiest category of commands that is retried when the outcome is unknown.',
  ),
  'commandRetry.jitter': option(
    0.2,
    share,
    'Largest random share by which a wait is shortened. It is drawn once per batch, which keeps the order.',
  ),

  'commandRetry.budget': shaped(
    'an object',
    'Limits repeats to a share of the traffic of the last ten seconds. Further repeats are not sent, and the ' +
      'command fails with the error of its last attempt. Commands that were never sent are not repeats.',
    'no limit',
  ),
  'commandRetry.budget.share': option(0.2, share, 'Repeats per first attempt.'),
  'commandRetry.budget.minPerSecond': option(
    10,
    countOrNone,
    'Repeats per second that are allowed in addition, for clients with little traffic.',
  ),

  hedging: shaped(
    'an object',
    'Sends a read of keys that has no reply after `afterMs` to the best healthy standby as well; the first ' +
      'reply counts. Such a reply may be older than the data of the active database.',
    'off',
  ),
  'hedging.afterMs': option<number | 'p99'>(
    'p99',
    durationOrP99,
    'How long a read may wait before it is sent to a standby as well. `p99`: the 99th percentile of the ' +
      'latency that the client measures, from 5 ms to half of `suspectAfterMs`.',
  ),
  'hedging.maxShare': option(
    0.05,
    share,
    'Largest share of the reads of the last minute that is sent to a standby as well.',
  ),

  'failureDetector.slidingWindowType': option<'time' | 'count'>(
    'time',
    oneOf(['time', 'count']),
    'What the window covers: the last `slidingWindowSizeMs`, or the last `slidingWindowSize` ' +
      'commands.',
  ),
  'failureDetector.slidingWindowSizeMs': option(
    2000,
    duration,
    'Length of the window of type `time`.',
  ),
  'failureDetector.slidingWindowSize': option(
    100,
    windowSize,
    'Number of commands in the window of type `count`.',
  ),
  'failureDetector.minNumOfFailures': option(
    1000,
    countOrNone,
    'Failures in the window that open the circuit breaker, if `failureRateThreshold` is reached too. ' +
      'At most `slidingWindowSize` for type `count`.',
    '`1000`; for type `count` the share `failureRateThreshold` of `slidingWindowSize`',
  ),
  'failureDetector.failureRateThreshold': option(
    10,
    percent,
    'Percentage of failures in the window that opens the circuit breaker, if `minNumOfFailures` is reached too.',
  ),
  'failureDetector.slowCallMs': option<number | undefined>(
    undefined,
    duration,
    'A call that takes longer from its writing until its reply begins is slow. A database whose calls are ' +
      'slow is left if the next one is faster.',
    'no call counts as slow',
  ),
  'failureDetector.slowCallRateThreshold': option(
    50,
    percent,
    'Percentage of slow calls in the window that makes the database slow, if `minNumOfSlowCalls` is reached too.',
  ),
  'failureDetector.minNumOfSlowCalls': option(
    3,
    countOrNone,
    'Slow calls in the window that make the database slow, if `slowCallRateThreshold` is reached too.',
  ),
  'failureDetector.detector': shaped(
    'a function `(databaseId) => FailureDetector`',
    'Creates a failure detector of your own for each database. It decides instead of the thresholds.',
    'the thresholds decide',
  ),
  'failureDetector.includedErrors': shaped(
    SELECTOR,
    'Errors that count as failures of the database.',
    'connection errors, timeouts, state replies',
  ),
  'failureDetector.ignoredErrors': shaped(
    SELECTOR,
    'Errors that do not count. They take precedence over `includedErrors`.',
    'none',
  ),

  fallbackErrors: shaped(
    SELECTOR,
    'Errors of which a single one starts a probe. If the probe fails, the database is left.',
    'circuit breaker open, connection errors after all retries',
  ),

  healthCheck: shaped(
    HEALTH_CHECK,
    'How databases are probed. Of several checks, all must pass. `false` turns health checks off.',
    '`new PingStrategy()`',
  ),
  'healthCheck.strategy': shaped(
    'an object with `check(probe)`, or a function `(probe) => boolean | Promise<boolean>`',
    'What a probe does.',
    '`new PingStrategy()`',
  ),
  'healthCheck.intervalMs': option(5000, duration, 'Time between two rounds of probes.'),
  'healthCheck.timeoutMs': option<number | 'adaptive'>(
    1000,
    durationOrAdaptive,
    "Timeout of one probe. `'adaptive'` derives it from the response times of each database, at most 1000 ms.",
  ),
  'healthCheck.numProbes': option(3, count, 'Number of probes in a round.'),
  'healthCheck.delayInBetweenProbesMs': option(
    500,
    durationOrNone,
    'Time between the probes of a round.',
  ),
  'healthCheck.policy': option<'ALL_SUCCESS' | 'ANY_SUCCESS' | 'MAJORITY_SUCCESS'>(
    'ALL_SUCCESS',
    shape("'ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS', or a `ProbingPolicy` function"),
    'Which probes of a round must succeed.',
  ),

  failbackSupported: option(
    true,
    flag,
    'Whether the client returns to a better database by itself.',
  ),
  failbackCheckIntervalMs: option(
    120_000,
    duration,
    'How often the client looks for a better database to fail back to.',
  ),
  gracePeriodMs: option<number | GracePeriodOptions>(
    60_000,
    gracePeriod,
    'How long a database that was left as failed stays ineligible. With `{ baseMs, maxMs }` the grace ' +
      'period doubles each time the database fails again within `maxMs` of its end, and each further ' +
      '`maxMs` without a failure takes one doubling back.',
  ),
  beforeFailback: shaped(
    'a function `(context) => void | Promise<void>`',
    'Called once each time a database that was left is about to become active again by a failback. The ' +
      'client waits for the promise, and does not take the database when it rejects.',
    'none',
  ),
  readOnlyWrites: option<'wait' | 'reject'>(
    'wait',
    oneOf(['wait', 'reject']),
    'What becomes of writes while the active database serves reads only: they wait up to their deadline, or ' +
      'reject with `NotWritableError`.',
  ),
  onPromotionNeeded: shaped(
    'a function `(context) => void | Promise<void>`',
    'Called once when a database becomes active that serves reads only, so that it can be promoted.',
    'none',
  ),
  beforeFailbackTimeoutMs: option(
    30_000,
    duration,
    'Deadline of `beforeFailback`. The next failback check calls it again.',
  ),
  fastFailover: option(
    false,
    flag,
    'Whether a failover closes the connections to the old database at once, without waiting for replies.',
  ),
  retryOnFailover: option(
    false,
    flag,
    'Whether a failover sends commands in flight to the new database at once, within ' +
      '`commandRetry.safety`. Reads are always sent. Implies `fastFailover`.',
  ),
  maxNumFailoverAttempts: option(
    10,
    count,
    'Failed searches after which commands fail with `PermanentlyUnavailableError` instead of ' +
      '`TemporarilyUnavailableError`.',
  ),
  delayInBetweenFailoverAttemptsMs: option(
    12_000,
    duration,
    'Time between two searches while all databases are down.',
  ),

  commandTimeoutMs: option(
    5000,
    duration,
    'Deadline of one attempt. A blocking command may take its block time in addition.',
  ),
  commandDeadlineMs: option(
    10_000,
    duration,
    'Deadline of a command with its queueing, waits and all attempts, also during `close()`. A ' +
      'blocking command may take its block time in addition.',
  ),
  suspectAfterMs: option<number | 'adaptive'>(
    1000,
    durationOrAdaptive,
    'Silence on a connection, while a non-blocking command waits for its reply, after which a round of ' +
      "probes starts. `'adaptive'` derives it from the response times of each database, from 50 to 1000 ms.",
  ),
  unhealthyAfterMs: option<number | undefined>(
    undefined,
    durationOrNone,
    'Failover delay: how long a failure must last before a database is left. Retries wait meanwhile. ' +
      'A given value applies to every topology.',
    '`0`; `15000` for `cluster` and `sentinel`, which heal themselves',
  ),
  resolveIntervalMs: option<number | false>(
    30_000,
    durationOrNever,
    'How often the host names of open connections are looked up again. When a name has moved to ' +
      'another address, the connections are renewed without a failover. 0 or `false` turns this off.',
  ),
  maxPendingCommands: option(
    100_000,
    count,
    'Maximum number of pending commands. Further commands fail with `OverloadedError` and are not sent.',
  ),
  maxTransactionConnections: option(
    10,
    count,
    'Maximum number of connections that `transaction()` opens to the active database, or to each ' +
      'master of a cluster.',
  ),
  initializationPolicy: option<'ONE_AVAILABLE' | 'MAJORITY_AVAILABLE' | 'ALL_AVAILABLE'>(
    'ONE_AVAILABLE',
    shape(
      "'ONE_AVAILABLE', 'MAJORITY_AVAILABLE', 'ALL_AVAILABLE', or an `InitializationPolicy` " +
        'function',
    ),
    'How many databases must be available before `connect()` resolves. With two databases, ' +
      '`MAJORITY_AVAILABLE` requires both.',
  ),
  selection: option<'first' | 'lowest-latency'>(
    'first',
    shape("'first', 'lowest-latency', or a function `(candidates) => id`"),
    'Which of the eligible databases of equal weight is active: the first one, the one whose probes take the ' +
      'least time, or the one that a function returns.',
  ),
  initialWaitMs: option(
    1000,
    durationOrNone,
    'How long `connect()` waits for a database of higher weight before it uses another one.',
  ),
  keepConnectingMs: option(
    0,
    durationOrNone,
    'How long `connect()` keeps trying while too few databases are up, for containers that start ' +
      'together; 0: it rejects as soon as that is known.',
  ),
  failbackJitter: option(
    0.2,
    share,
    'Largest random share by which `failbackCheckIntervalMs` is shortened, so that many processes do not ' +
      'return at the same time.',
  ),
  failbackRampMs: option(
    0,
    durationOrNone,
    'Time over which a fleet fails back: each process returns at its own place in it, which follows from ' +
      '`instanceId`, after it has found the better database.',
  ),
  instanceId: option<string | undefined>(
    undefined,
    text,
    'Name of this process in the fleet. It determines the place of the process in `failbackRampMs` and ' +
      'in the spread of a steering document.',
    'host name and process id',
  ),
  steering: shaped(
    'a source, or a non-empty array of sources',
    'Where steering documents come from, which an operator publishes for all processes.',
    'none',
  ),
  proxyErrors: shaped(
    'an array of non-empty strings',
    'Beginnings of error replies by which a proxy says that no server is behind it, beside those of ' +
      'Envoy, Twemproxy and Predixy.',
    'none',
  ),
  preloadFunctions: shaped(
    'an array of libraries, each a string that begins as `#!lua name=...`',
    'Function libraries that each database gets before its first command. They are loaded with ' +
      '`FUNCTION LOAD REPLACE` over each new connection where they are missing or different.',
    'none',
  ),
  iterators: option<'throw' | 'restart'>(
    'throw',
    oneOf(['throw', 'restart']),
    'What an iterator such as `scanIterator` does when the active database changes: throw ' +
      '`DatabaseSwitchedError`, or start again on the new database.',
  ),
  standbyConnections: option<'warm' | 'lazy'>(
    'warm',
    oneOf(['warm', 'lazy']),
    '`warm` holds a connection to each standby open; `lazy` opens it at the switch.',
  ),
  subscriptions: option<'active' | 'all'>(
    'active',
    oneOf(['active', 'all']),
    '`active` subscribes on the active database, and again after a switch. `all` subscribes on every ' +
      'database and delivers the messages of the active one, so that a switch has no gap.',
  ),
});

/** Path of an option, such as `commandRetry.maxAttempts` or `databases[].weight`. */
export type OptionName = keyof typeof DEFAULTS;
