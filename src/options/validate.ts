import type { FailureDetectorOptions } from '../core/failure-detector.js';
import type { GracePeriod } from '../core/grace-period.js';
import {
  type InitializationPolicy,
  initializationPolicies,
} from '../core/initialization-policy.js';
import type { RetryBudgetOptions } from '../core/traffic-budget.js';
import { invalid, type Values } from '../validation/check.js';
import { ADAPTIVE_BOUNDS } from './adaptive.js';
import { type BeforeFailback, resolveBeforeFailback } from './before-failback.js';
import { optionsObject, read } from './check.js';
import { type ClientOptions, checkClient } from './client.js';
import { copyOptions } from './copy.js';
import { DEFAULTS } from './defaults.js';
import { resolveFailureDetector } from './failure-detector.js';
import { resolveGracePeriod } from './grace-period.js';
import { resolveHealthChecks } from './health-check.js';
import { requireHedgeable, resolveHedging } from './hedging.js';
import { libraryName } from './library-name.js';
import { resolveOnPromotionNeeded } from './promotion.js';
import { resolveSelection } from './selection.js';
import { compileSelector } from './selector.js';
import { defaultInstanceId, resolveSteering } from './steering.js';
import { type Topology, UNHEALTHY_AFTER_MS } from './topologies.js';
import { resolveTopology } from './topology.js';
import type {
  ResolvedCommandRetry,
  ResolvedDatabase,
  ResolvedHealthCheck,
  ResolvedOptions,
} from './types.js';

/** Defaults of a database, also for databases that are added later. */
export interface GroupDefaults {
  /** The top-level `client`: a deep copy, to be copied again for every use. */
  readonly client: ClientOptions;
  readonly healthChecks: readonly ResolvedHealthCheck[];
  /** As given, because options of a database override them before defaults are applied. */
  readonly failureDetector: Values;
  /** Applies to databases of every topology; `undefined` uses the default of each topology. */
  readonly unhealthyAfterMs: number | undefined;
  readonly adaptiveSuspicion: boolean;
  readonly gracePeriod: GracePeriod;
  readonly failbackCheckIntervalMs: number;
  readonly beforeFailback: BeforeFailback | undefined;
}

export interface ValidatedOptions extends ResolvedOptions {
  readonly group: GroupDefaults;
}

/**
 * Validates the options of `createMultiDbClient` and applies the defaults. Does not change its
 * argument and keeps no reference to its plain objects or arrays.
 *
 * Throws `InvalidOptionError` with the option, the accepted range and the received value, never
 * with credentials.
 */
export function resolveOptions(options: unknown): ValidatedOptions {
  const values = optionsObject(options, '', '');
  const detector =
    values.failureDetector === undefined
      ? {}
      : optionsObject(values.failureDetector, 'failureDetector', 'failureDetector');
  const suspectAfterMs = read(values, 'suspectAfterMs', '');
  const group: GroupDefaults = {
    client: checkClient(values.client, 'client'),
    healthChecks: resolveHealthChecks(values.healthCheck, 'healthCheck'),
    failureDetector: copyOptions(detector),
    unhealthyAfterMs: read(values, 'unhealthyAfterMs', ''),
    adaptiveSuspicion: suspectAfterMs === 'adaptive',
    gracePeriod: resolveGracePeriod(values.gracePeriodMs, 'gracePeriodMs'),
    failbackCheckIntervalMs: read(values, 'failbackCheckIntervalMs', ''),
    beforeFailback: resolveBeforeFailback(values, ''),
  };
  resolveFailureDetector(group.failureDetector, 'failureDetector');
  const retryOnFailover = read(values, 'retryOnFailover', '');
  const fastFailover = read(values, 'fastFailover', '');
  const standbyConnections = read(values, 'standbyConnections', '');
  const hedging =
    values.hedging === undefined ? undefined : resolveHedging(values.hedging, 'hedging');
  if (hedging !== undefined) requireHedgeable(group.client, standbyConnections, 'hedging');

  return {
    group,
    databases: resolveDatabases(values.databases, group),
    commandRetry: resolveCommandRetry(values.commandRetry),
    hedging,
    fallbackErrors: optionalSelector(values.fallbackErrors, 'fallbackErrors'),
    readOnlyWrites: read(values, 'readOnlyWrites', ''),
    onPromotionNeeded: resolveOnPromotionNeeded(values),
    failbackSupported: read(values, 'failbackSupported', ''),
    failbackCheckIntervalMs: read(values, 'failbackCheckIntervalMs', ''),
    beforeFailbackTimeoutMs: read(values, 'beforeFailbackTimeoutMs', ''),
    fastFailover: fastFailover || retryOnFailover,
    retryOnFailover,
    maxNumFailoverAttempts: read(values, 'maxNumFailoverAttempts', ''),
    delayInBetweenFailoverAttemptsMs: read(values, 'delayInBetweenFailoverAttemptsMs', ''),
    commandTimeoutMs: read(values, 'commandTimeoutMs', ''),
    commandDeadlineMs: read(values, 'commandDeadlineMs', ''),
    suspectAfterMs: suspectAfterMs === 'adaptive' ? ADAPTIVE_BOUNDS.suspectAfterMs : suspectAfterMs,
    resolveIntervalMs: read(values, 'resolveIntervalMs', '') || 0,
    maxPendingCommands: read(values, 'maxPendingCommands', ''),
    maxTransactionConnections: read(values, 'maxTransactionConnections', ''),
    initializationPolicy: resolveInitializationPolicy(values.initializationPolicy),
    selection: resolveSelection(values),
    initialWaitMs: read(values, 'initialWaitMs', ''),
    keepConnectingMs: read(values, 'keepConnectingMs', ''),
    failbackJitter: read(values, 'failbackJitter', ''),
    failbackRampMs: read(values, 'failbackRampMs', ''),
    instanceId: read(values, 'instanceId', '') ?? defaultInstanceId(),
    steering: resolveSteering(values.steering),
    proxyErrors: resolveTexts(values.proxyErrors, 'proxyErrors'),
    preloadFunctions: resolveLibraries(values.preloadFunctions),
    iterators: read(values, 'iterators', ''),
    standbyConnections,
    subscriptions: read(values, 'subscriptions', ''),
  };
}

/**
 * Validates one database. `at` is its path for errors, such as `databases[1]`; `takenIds` are the
 * ids of other databases.
 */
export function resolveDatabase(
  config: unknown,
  at: string,
  group: GroupDefaults,
  takenIds: Iterable<string> = [],
): ResolvedDatabase {
  const values = optionsObject(config, 'databases[]', at);
  const { address, ...topology } = resolveTopology(values, at, group.client);
  const id = read(values, 'databases[].id', at) ?? address;
  for (const taken of takenIds) {
    if (taken === id) throw invalid(`${at}.id`, 'an id that no other database has', id);
  }
  return {
    id,
    weight: read(values, 'databases[].weight', at),
    ...topology,
    unhealthyAfterMs: group.unhealthyAfterMs ?? UNHEALTHY_AFTER_MS[topology.topology],
    healthChecks:
      values.healthCheck === undefined
        ? group.healthChecks
        : resolveHealthChecks(values.healthCheck, `${at}.healthCheck`),
    adaptiveSuspicion: group.adaptiveSuspicion,
    failureDetector: detectorOf(values, at, group),
    gracePeriod:
      values.gracePeriodMs === undefined
        ? group.gracePeriod
        : resolveGracePeriod(values.gracePeriodMs, `${at}.gracePeriodMs`),
    failbackCheckIntervalMs:
      read(values, 'databases[].failbackCheckIntervalMs', at) ?? group.failbackCheckIntervalMs,
    beforeFailback: resolveBeforeFailback(values, at) ?? group.beforeFailback,
    writable: writableOf(values, at, topology.topology),
  };
}

function resolveDatabases(value: unknown, group: GroupDefaults): readonly ResolvedDatabase[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid('databases', DEFAULTS.databases.range, value);
  }
  const resolved: ResolvedDatabase[] = [];
  for (const [index, config] of value.entries()) {
    const taken = resolved.map((database) => database.id);
    resolved.push(resolveDatabase(config, `databases[${index}]`, group, taken));
  }
  return resolved;
}

function writableOf(values: Values, at: string, topology: Topology): ResolvedDatabase['writable'] {
  const writable = read(values, 'databases[].writable', at);
  if (writable === undefined || topology === 'client' || topology === 'pool') return writable;
  // Sentinel leads to masters only, and the replicas of a cluster redirect.
  const expected = `nothing for the topology ${topology}, which finds its masters itself`;
  throw invalid(`${at}.writable`, expected, writable);
}

function detectorOf(values: Values, at: string, group: GroupDefaults): FailureDetectorOptions {
  return resolveFailureDetector(
    values.failureDetector,
    `${at}.failureDetector`,
    group.failureDetector,
  );
}

function resolveCommandRetry(value: unknown): ResolvedCommandRetry {
  const at = 'commandRetry';
  const values = value === undefined ? {} : optionsObject(value, at, at);
  return {
    maxAttempts: read(values, 'commandRetry.maxAttempts', at),
    waitDurationMs: read(values, 'commandRetry.waitDurationMs', at),
    exponentialBackoffMultiplier: read(values, 'commandRetry.exponentialBackoffMultiplier', at),
    includedErrors: optionalSelector(values.includedErrors, `${at}.includedErrors`),
    ignoredErrors: optionalSelector(values.ignoredErrors, `${at}.ignoredErrors`),
    safety: read(values, 'commandRetry.safety', at),
    jitter: read(values, 'commandRetry.jitter', at),
    budget: values.budget === undefined ? undefined : resolveRetryBudget(values.budget),
  };
}

function resolveRetryBudget(value: unknown): RetryBudgetOptions {
  const at = 'commandRetry.budget';
  const values = optionsObject(value, at, at);
  return {
    share: read(values, 'commandRetry.budget.share', at),
    minPerSecond: read(values, 'commandRetry.budget.minPerSecond', at),
  };
}

function resolveInitializationPolicy(given: unknown): InitializationPolicy {
  const { default: byDefault, range } = DEFAULTS.initializationPolicy;
  if (typeof given === 'function') return given as InitializationPolicy;
  const name = given === undefined ? byDefault : given;
  if (typeof name === 'string' && Object.hasOwn(initializationPolicies, name)) {
    return initializationPolicies[name as keyof typeof initializationPolicies];
  }
  throw invalid('initializationPolicy', range, given);
}

function resolveTexts(value: unknown, at: string): readonly string[] {
  if (value === undefined) return [];
  const isText = (each: unknown) => typeof each === 'string' && each !== '';
  if (Array.isArray(value) && value.every(isText)) return Object.freeze([...value]);
  throw invalid(at, 'an array of non-empty strings', value);
}

function resolveLibraries(given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalid('preloadFunctions', 'an array', given);
  return given.map((code: unknown, index) => {
    if (typeof code === 'string' && libraryName(code) !== undefined) return code;
    throw invalid(`preloadFunctions[${index}]`, 'a library: `#!lua name=...` and its code', code);
  });
}

function optionalSelector(value: unknown, at: string) {
  return value === undefined ? undefined : compileSelector(value, at);
}
