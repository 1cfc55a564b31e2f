import { RETRY_SAFETIES } from '../core/command-category.js';
import {
  count,
  countOrNone,
  duration,
  durationOrNever,
  durationOrNone,
  flag,
  multiplier,
  name,
  oneOf,
  percent,
  type Rule,
  shape,
  share,
  weight,
  windowSize,
} from '../validation/rules.js';
import { TOPOLOGIES, type Topology } from './topologies.js';

/** One option: what holds without it, what it means, and what it accepts. */
export interface OptionEntry<T> {
  readonly default: T;
  readonly meaning: string;
  readonly range: string;
  readonly rule: Rule<T>;
  /** The default in the documentation, where the value itself does not tell. */
  readonly shownDefault: string | undefined;
}

function option<T>(value: T, rule: Rule<T>, meaning: string, shownDefault?: string) {
  const entry: OptionEntry<T> = { default: value, meaning, range: rule.range, rule, shownDefault };
  return Object.freeze(entry);
}

/** An option without a default value of its own; `shownDefault` says what holds without it. */
function shaped(range: string, meaning: string, shownDefault = '') {
  return option<undefined>(undefined, shape(range), meaning, shownDefault);
}

const HEALTH_CHECK = '`false`, a strategy, `{ strategy, ... }`, or an array of which all must pass';
const SELECTOR = 'an array of error classes, or a function `(error) => boolean`';

/**
 * All options and their defaults: what validation reads, and what the table in `docs/options.md`
 * is made of. The names are paths in `MultiDbOptions`. From `commandRetry` to
 * `delayInBetweenFailoverAttemptsMs` the defaults are those of Jedis 7.
 */
export const DEFAULTS = Object.freeze({
  databases: shaped('a non-empty array', 'The databases, in any order.', 'required'),
  'databases[].id': option<string | undefined>(
    undefined,
    name,
    'Stable name used in every method and event.',
    '`host:port` of its client options, or of the first root node; `name@host:port` of a sentinel',
  ),
  'databases[].weight': option(
    1,
    weight,
    'The eligible database with the highest weight is active; among equals the first one.',
  ),
  'databases[].client': shaped(
    'an object',
    'node-redis options of this database, over those of the top-level `client`.',
  ),
  'databases[].topology': option<Topology>(
    'client',
    oneOf(TOPOLOGIES),
    "How it is reached: by one connection per client, or as node-redis's `createClientPool`, " +
      '`createCluster` or `createSentinel` do. One group may mix them.',
  ),
  'databases[].pool': shaped('an object', 'Of topology `pool`, beside `client`.'),
  'databases[].pool.minimum': option(1, countOrNone, 'Connections that are kept open.'),
  'databases[].pool.maximum': option(100, count, 'Connections at most.'),
  'databases[].pool.acquireTimeout': option(
    3000,
    durationOrNone,
    'Longest wait for a free connection; 0: until the deadline of the command.',
  ),
  'databases[].pool.cleanupDelay': option(
    3000,
    durationOrNone,
    'How long a connection beyond the minimum may be idle.',
  ),
  'databases[].cluster': shaped(
    'an object with `rootNodes`',
    "node-redis's options of `createCluster`, of topology `cluster`; `defaults` over those of " +
      'the top-level `client`.',
  ),
  'databases[].sentinel': shaped(
    'an object with `name` and `sentinelRootNodes`',
    "node-redis's options of `createSentinel`, of topology `sentinel`; `nodeClientOptions` over " +
      'those of the top-level `client`.',
  ),
  'databases[].healthCheck': shaped(HEALTH_CHECK, 'Instead of that of the group.', "the group's"),
  'databases[].failureDetector': shaped(
    'an object',
    'Over that of the group, part by part.',
    "the group's",
  ),
  client: shaped(
    'an object',
    'What shapes the API and is the same for all databases (`RESP`, `modules`, `scripts`, ' +
      '`functions`, `keyPrefix`, `commandOptions`), and defaults for all databases.',
  ),

  'commandRetry.maxAttempts': option(3, count, 'Including the first call; 1 disables.'),
  'commandRetry.waitDurationMs': option(500, durationOrNone, 'Wait before the second attempt.'),
  'commandRetry.exponentialBackoffMultiplier': option(
    2,
    multiplier,
    'Each further wait is this many times longer: 500, 1000, 2000 ...',
  ),
  'commandRetry.includedErrors': shaped(
    SELECTOR,
    'Errors that are retried, within `commandRetry.safety`.',
    'never sent, unknown outcome, state replies (LOADING, READONLY, ...)',
  ),
  'commandRetry.ignoredErrors': shaped(SELECTOR, 'Errors that are not retried.', 'none'),
  'commandRetry.safety': option<(typeof RETRY_SAFETIES)[number]>(
    'read',
    oneOf(RETRY_SAFETIES),
    'The riskiest category of command that is repeated when its outcome is unknown.',
  ),
  'commandRetry.jitter': option(
    0.2,
    share,
    'Random share of each wait, by which it may be shorter; drawn once per batch.',
  ),

  'failureDetector.slidingWindowType': option<'time' | 'count'>(
    'time',
    oneOf(['time', 'count']),
    'What the window holds: the last `slidingWindowSizeMs`, or the last `slidingWindowSize` ' +
      'commands.',
  ),
  'failureDetector.slidingWindowSizeMs': option(2000, duration, 'Length of a `time` window.'),
  'failureDetector.slidingWindowSize': option(100, windowSize, 'Length of a `count` window.'),
  'failureDetector.minNumOfFailures': option(
    1000,
    countOrNone,
    'Failures in the window; both thresholds must be reached to open the breaker. At most ' +
      '`slidingWindowSize` in a `count` window.',
    '`1000`; in a `count` window as many as `failureRateThreshold` makes of `slidingWindowSize`',
  ),
  'failureDetector.failureRateThreshold': option(10, percent, 'Failures among all outcomes.'),
  'failureDetector.includedErrors': shaped(
    SELECTOR,
    'Errors that count as failures.',
    'connection errors, timeouts, state replies',
  ),
  'failureDetector.ignoredErrors': shaped(SELECTOR, 'Errors that do not count.', 'none'),

  fallbackErrors: shaped(
    SELECTOR,
    'Errors that lead to a failover by themselves, when a probe confirms.',
    'breaker open, connection errors that outlive all retries',
  ),

  healthCheck: shaped(HEALTH_CHECK, 'How databases are probed.', '`new PingStrategy()`'),
  'healthCheck.strategy': shaped(
    'an object with `check(probe)`, or a function `(probe) => boolean | Promise<boolean>`',
    'What one probe does.',
    '`new PingStrategy()`',
  ),
  'healthCheck.intervalMs': option(5000, duration, 'Between two rounds of probes.'),
  'healthCheck.timeoutMs': option(1000, duration, 'Longest duration of one probe.'),
  'healthCheck.numProbes': option(3, count, 'Probes in a round.'),
  'healthCheck.delayInBetweenProbesMs': option(500, durationOrNone, 'Between probes of a round.'),
  'healthCheck.policy': option<'ALL_SUCCESS' | 'ANY_SUCCESS' | 'MAJORITY_SUCCESS'>(
    'ALL_SUCCESS',
    shape("'ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS', or a `ProbingPolicy` function"),
    'When a round is a success.',
  ),

  failbackSupported: option(true, flag, 'Automatic failback.'),
  failbackCheckIntervalMs: option(120_000, duration, 'Between two looks for a better database.'),
  gracePeriodMs: option(
    60_000,
    durationOrNone,
    'A database that was left as unhealthy stays ineligible this long.',
  ),
  fastFailover: option(
    false,
    flag,
    "On a failover, destroy the old database's connections at once.",
  ),
  retryOnFailover: option(
    false,
    flag,
    'At a failover, send what is in flight on the old database to the new one at once, within ' +
      '`commandRetry.safety` (reads always are); implies `fastFailover`.',
  ),
  maxNumFailoverAttempts: option(
    10,
    count,
    'Failed searches before errors turn from temporary to permanent.',
  ),
  delayInBetweenFailoverAttemptsMs: option(
    12_000,
    duration,
    'Between two searches while all databases are down.',
  ),

  commandTimeoutMs: option(
    5000,
    duration,
    'Deadline of one attempt; a blocking command adds its own block time.',
  ),
  commandDeadlineMs: option(
    10_000,
    duration,
    'Deadline of a command: queue, wire, waits and all attempts together, also under ' +
      '`close()`; block time on top.',
  ),
  suspectAfterMs: option(
    1000,
    duration,
    'A connection headed by a non-blocking command that has delivered nothing for this long ' +
      'starts a round of probes.',
  ),
  unhealthyAfterMs: option<number | undefined>(
    undefined,
    durationOrNone,
    'A failure must persist this long before a database is left; retries wait meanwhile. Once ' +
      'given, it holds for databases of every topology.',
    '`0`; `15000` for databases of topology `cluster` and `sentinel`, which heal themselves',
  ),
  resolveIntervalMs: option<number | false>(
    30_000,
    durationOrNever,
    'How often the host names of open connections are looked up again. When a name has moved away ' +
      'from the connected address, the connections are renewed without a failover; 0 or `false`: never.',
  ),
  maxPendingCommands: option(
    100_000,
    count,
    'Beyond it commands fail with `OverloadedError`, never sent, not a failure.',
  ),
  maxTransactionConnections: option(
    10,
    count,
    'Connections of their own that `transaction()` opens to the active database, of a cluster to each ' +
      'master, when it needs them.',
  ),
  initializationPolicy: option<'ONE_AVAILABLE' | 'MAJORITY_AVAILABLE' | 'ALL_AVAILABLE'>(
    'ONE_AVAILABLE',
    shape(
      "'ONE_AVAILABLE', 'MAJORITY_AVAILABLE', 'ALL_AVAILABLE', or an `InitializationPolicy` " +
        'function',
    ),
    'When `connect()` is satisfied. With two databases a majority would keep the application ' +
      'down whenever one of them is.',
  ),
  initialWaitMs: option(
    1000,
    durationOrNone,
    'At start, how long a database of higher weight may take before a lower one is used.',
  ),
  failbackJitter: option(
    0.2,
    share,
    'Random share of `failbackCheckIntervalMs`, so that a fleet does not return in one instant.',
  ),
  preloadFunctions: shaped(
    'an array of libraries, each a string that begins as `#!lua name=...`',
    'Functions that every database has before it gets a command: loaded with `FUNCTION LOAD ' +
      'REPLACE` over each new connection, where they are missing or others.',
    'none',
  ),
  iterators: option<'throw' | 'restart'>(
    'throw',
    oneOf(['throw', 'restart']),
    'What `scanIterator` and its kin do when the active database changes: throw ' +
      '`DatabaseSwitchedError`, or begin again on the new one.',
  ),
  standbyConnections: option<'warm' | 'lazy'>(
    'warm',
    oneOf(['warm', 'lazy']),
    '`warm`: a standby holds a ready connection; `lazy`: it is opened at the switch.',
  ),
  subscriptions: option<'active' | 'all'>(
    'active',
    oneOf(['active', 'all']),
    '`active`: subscribed on the active database, and again at a switch; `all`: on every database, ' +
      'of which only the active one delivers, so that a switch has no gap.',
  ),
});

/** Path of an option, such as `commandRetry.maxAttempts` or `databases[].weight`. */
export type OptionName = keyof typeof DEFAULTS;
