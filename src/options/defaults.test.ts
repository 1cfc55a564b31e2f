import { expect, it } from 'vitest';
import { DEFAULTS } from './defaults.js';
import type { OptionEntry } from './option-entry.js';

const entries = Object.entries(DEFAULTS) as [string, OptionEntry<unknown>][];

it('pins all options and their defaults', () => {
  const defaults = entries.map(([name, entry]) => [name, entry.default]);
  expect(Object.fromEntries(defaults)).toEqual({
    databases: undefined,
    'databases[].id': undefined,
    'databases[].weight': 1,
    'databases[].client': undefined,
    'databases[].topology': 'client',
    'databases[].pool': undefined,
    'databases[].pool.minimum': 1,
    'databases[].pool.maximum': 100,
    'databases[].pool.acquireTimeout': 3000,
    'databases[].pool.cleanupDelay': 3000,
    'databases[].cluster': undefined,
    'databases[].sentinel': undefined,
    'databases[].healthCheck': undefined,
    'databases[].failureDetector': undefined,
    'databases[].gracePeriodMs': undefined,
    'databases[].beforeFailback': undefined,
    'databases[].writable': undefined,
    client: undefined,
    'commandRetry.maxAttempts': 3,
    'commandRetry.waitDurationMs': 500,
    'commandRetry.exponentialBackoffMultiplier': 2,
    'commandRetry.includedErrors': undefined,
    'commandRetry.ignoredErrors': undefined,
    'commandRetry.safety': 'read',
    'commandRetry.jitter': 0.2,
    'commandRetry.budget': undefined,
    'commandRetry.budget.share': 0.2,
    'commandRetry.budget.minPerSecond': 10,
    hedging: undefined,
    'hedging.afterMs': 'p99',
    'hedging.maxShare': 0.05,
    'failureDetector.slidingWindowType': 'time',
    'failureDetector.slidingWindowSizeMs': 2000,
    'failureDetector.slidingWindowSize': 100,
    'failureDetector.minNumOfFailures': 1000,
    'failureDetector.failureRateThreshold': 10,
    'failureDetector.slowCallMs': undefined,
    'failureDetector.slowCallRateThreshold': 50,
    'failureDetector.minNumOfSlowCalls': 3,
    'failureDetector.detector': undefined,
    'failureDetector.includedErrors': undefined,
    'failureDetector.ignoredErrors': undefined,
    fallbackErrors: undefined,
    healthCheck: undefined,
    'healthCheck.strategy': undefined,
    'healthCheck.intervalMs': 5000,
    'healthCheck.timeoutMs': 1000,
    'healthCheck.numProbes': 3,
    'healthCheck.delayInBetweenProbesMs': 500,
    'healthCheck.policy': 'ALL_SUCCESS',
    failbackSupported: true,
    failbackCheckIntervalMs: 120_000,
    gracePeriodMs: 60_000,
    readOnlyWrites: 'wait',
    onPromotionNeeded: undefined,
    selection: 'first',
    beforeFailback: undefined,
    beforeFailbackTimeoutMs: 30_000,
    fastFailover: false,
    retryOnFailover: false,
    maxNumFailoverAttempts: 10,
    delayInBetweenFailoverAttemptsMs: 12_000,
    commandTimeoutMs: 5000,
    commandDeadlineMs: 10_000,
    suspectAfterMs: 1000,
    resolveIntervalMs: 30_000,
    unhealthyAfterMs: undefined,
    maxPendingCommands: 100_000,
    maxTransactionConnections: 10,
    initializationPolicy: 'ONE_AVAILABLE',
    initialWaitMs: 1000,
    keepConnectingMs: 0,
    proxyErrors: undefined,
    failbackJitter: 0.2,
    failbackRampMs: 0,
    instanceId: undefined,
    steering: undefined,
    preloadFunctions: undefined,
    iterators: 'throw',
    standbyConnections: 'warm',
    subscriptions: 'active',
  });
});

it('is frozen, entries as well', () => {
  expect(Object.isFrozen(DEFAULTS)).toBe(true);
  for (const [name, entry] of entries) expect(Object.isFrozen(entry), name).toBe(true);
});

it('every entry says what it means and accepts, and accepts its own default', () => {
  for (const [name, { meaning, range, rule, default: value }] of entries) {
    expect(meaning, name).toMatch(/\S.*\.+$/);
    expect(range, name).not.toBe('');
    if (value !== undefined) expect(rule.accepts(value), name).toBe(true);
  }
});
