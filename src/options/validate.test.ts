import { describe, expect, it } from 'vitest';
import { ALL_AVAILABLE, ONE_AVAILABLE } from '../core/initialization-policy.js';
import { InvalidOptionError } from '../errors.js';
import { checkOption } from './check.js';
import { DEFAULTS, type OptionName } from './defaults.js';
import type { MultiDbOptions } from './types.js';
import { resolveDatabase, resolveOptions } from './validate.js';

const EAST = { client: { url: 'redis://east:1' } };
const WEST = { client: { url: 'redis://west:1' } };
const databases = [EAST, WEST];

describe('resolveOptions', () => {
  it('fills the defaults in', () => {
    const { databases: resolved, group: _, ...options } = resolveOptions({ databases });
    expect(options).toEqual({
      commandRetry: {
        maxAttempts: 3,
        waitDurationMs: 500,
        exponentialBackoffMultiplier: 2,
        includedErrors: undefined,
        ignoredErrors: undefined,
        safety: 'read',
        jitter: 0.2,
        budget: undefined,
      },
      hedging: undefined,
      readOnlyWrites: 'wait',
      onPromotionNeeded: undefined,
      selection: 'first',
      fallbackErrors: undefined,
      failbackSupported: true,
      failbackCheckIntervalMs: 120_000,
      beforeFailbackTimeoutMs: 30_000,
      fastFailover: false,
      retryOnFailover: false,
      maxNumFailoverAttempts: 10,
      delayInBetweenFailoverAttemptsMs: 12_000,
      commandTimeoutMs: 5000,
      commandDeadlineMs: 10_000,
      suspectAfterMs: 1000,
      resolveIntervalMs: 30_000,
      maxPendingCommands: 100_000,
      maxTransactionConnections: 10,
      initializationPolicy: ONE_AVAILABLE,
      initialWaitMs: 1000,
      keepConnectingMs: 0,
      proxyErrors: [],
      failbackJitter: 0.2,
      failbackRampMs: 0,
      instanceId: expect.stringMatching(/.:\d+$/),
      steering: [],
      preloadFunctions: [],
      iterators: 'throw',
      standbyConnections: 'warm',
      subscriptions: 'active',
    });
    expect(resolved.map(({ id, weight }) => [id, weight])).toEqual([
      ['east:1', 1],
      ['west:1', 1],
    ]);
    expect(resolved[0]?.healthChecks.map(({ name }) => name)).toEqual(['PING']);
  });

  it('takes every value that is given', () => {
    const given = {
      databases: [{ ...EAST, id: 'east', weight: 0.5, topology: 'client' }],
      failbackSupported: false,
      failbackCheckIntervalMs: 1,
      gracePeriodMs: 0,
      fastFailover: true,
      maxNumFailoverAttempts: 2,
      delayInBetweenFailoverAttemptsMs: 3,
      commandTimeoutMs: 4,
      commandDeadlineMs: 5,
      suspectAfterMs: 6,
      unhealthyAfterMs: 7,
      maxPendingCommands: 8,
      initializationPolicy: 'ALL_AVAILABLE',
      initialWaitMs: 0,
      failbackJitter: 1,
      standbyConnections: 'lazy',
      commandRetry: { maxAttempts: 1, safety: 'admin', jitter: 0, includedErrors: [TypeError] },
      fallbackErrors: [RangeError],
    } satisfies MultiDbOptions;
    const {
      databases: _,
      commandRetry,
      fallbackErrors,
      unhealthyAfterMs,
      gracePeriodMs,
      ...others
    } = given;
    const resolved = resolveOptions(given);
    expect(resolved).toMatchObject({ ...others, initializationPolicy: ALL_AVAILABLE });
    expect(resolved.databases[0]).toMatchObject({
      id: 'east',
      weight: 0.5,
      unhealthyAfterMs,
      gracePeriod: { baseMs: gracePeriodMs, maxMs: gracePeriodMs },
    });
    expect(resolved.commandRetry).toMatchObject({ maxAttempts: 1, safety: 'admin', jitter: 0 });
    expect(resolved.commandRetry.includedErrors?.(new TypeError())).toBe(true);
    expect(resolved.fallbackErrors?.(new RangeError())).toBe(true);
    expect(resolved.fallbackErrors?.(new TypeError())).toBe(false);
  });

  it('limits repeats only with a budget, whose parts are optional', () => {
    const budget = (given?: object) =>
      resolveOptions({ databases, commandRetry: given === undefined ? {} : { budget: given } })
        .commandRetry.budget;
    expect(budget()).toBeUndefined();
    expect(budget({})).toEqual({ share: 0.2, minPerSecond: 10 });
    expect(budget({ share: 0, minPerSecond: 0 })).toEqual({ share: 0, minPerSecond: 0 });
    expect(() => budget({ share: 2 })).toThrow(
      'commandRetry.budget.share: expected a number from 0 to 1, received 2',
    );
    expect(() => budget({ shares: 1 })).toThrow('did you mean share');
  });

  it('retryOnFailover implies fastFailover', () => {
    const resolved = resolveOptions({ databases, retryOnFailover: true });
    expect([resolved.retryOnFailover, resolved.fastFailover]).toEqual([true, true]);
  });

  it('looks names up every 30 s, or never', () => {
    const resolved = (resolveIntervalMs?: number | false) =>
      resolveOptions({
        databases,
        ...(resolveIntervalMs === undefined ? {} : { resolveIntervalMs }),
      }).resolveIntervalMs;
    expect([resolved(), resolved(5), resolved(0), resolved(false)]).toEqual([30_000, 5, 0, 0]);
    expect(() => resolveOptions({ databases, resolveIntervalMs: -1 })).toThrow(
      'resolveIntervalMs: expected milliseconds from 1 to 2147483647, 0 or false, received -1',
    );
    expect(() => resolveOptions({ databases, resolveIntervalMs: true as never })).toThrow(
      'received true',
    );
  });

  it('takes a grace period as a number or as bounds, for the group and for each database', () => {
    const periods = (options: Partial<MultiDbOptions>) =>
      resolveOptions({ databases, ...options }).databases.map(({ gracePeriod }) => gracePeriod);
    const fixed = (ms: number) => ({ baseMs: ms, maxMs: ms });
    expect(periods({})).toEqual([fixed(60_000), fixed(60_000)]);
    const doubling = { baseMs: 1000, maxMs: 8000 };
    expect(
      periods({
        gracePeriodMs: doubling,
        databases: [EAST, { ...WEST, gracePeriodMs: 5 }],
      }),
    ).toEqual([doubling, fixed(5)]);
  });

  it('takes the interval of failback checks for the group and for each database', () => {
    const intervals = (options: Partial<MultiDbOptions>) =>
      resolveOptions({ databases, ...options }).databases.map(
        ({ failbackCheckIntervalMs }) => failbackCheckIntervalMs,
      );
    expect(intervals({})).toEqual([120_000, 120_000]);
    const own = [EAST, { ...WEST, failbackCheckIntervalMs: 5 }];
    expect(intervals({ failbackCheckIntervalMs: 7000, databases: own })).toEqual([7000, 5]);
    for (const failbackCheckIntervalMs of [0, -1, Number.NaN, 2 ** 31, '5']) {
      const wrong = [EAST, { ...WEST, failbackCheckIntervalMs }] as MultiDbOptions['databases'];
      expect(() => resolveOptions({ databases: wrong })).toThrow(
        'databases[1].failbackCheckIntervalMs: expected milliseconds from 1 to 2147483647',
      );
    }
  });

  it.each([
    [-1, 'gracePeriodMs: expected milliseconds from 0 to 2147483647, or an object'],
    [[1, 2], 'gracePeriodMs: expected milliseconds from 0 to 2147483647, or an object'],
    [{ baseMs: 0, maxMs: 1 }, 'gracePeriodMs.baseMs: expected milliseconds from 1 to 2147483647'],
    [{ baseMs: 5 }, 'gracePeriodMs.maxMs: expected milliseconds from baseMs (5) to 2147483647'],
    [{ baseMs: 5, maxMs: 4 }, 'gracePeriodMs.maxMs: expected milliseconds from baseMs (5)'],
    [{ baseMs: 5, max: 9 }, 'gracePeriodMs.max: expected a known option (one of baseMs, maxMs)'],
  ])('refuses the grace period %j', (gracePeriodMs, message) => {
    const refused = expect.objectContaining({ message: expect.stringMatching(/^gracePeriodMs/) });
    expect(() => resolveOptions({ databases, gracePeriodMs })).toThrow(refused);
    expect(() => resolveOptions({ databases, gracePeriodMs })).toThrow(message);
    const own = [EAST, { ...WEST, gracePeriodMs }];
    expect(() => resolveOptions({ databases: own })).toThrow(`databases[1].${message}`);
  });

  it('takes a policy of its own', () => {
    const own = () => 'success' as const;
    const resolved = resolveOptions({ databases, initializationPolicy: own });
    expect(resolved.initializationPolicy).toBe(own);
  });

  it("a database's health checks take the place of the group's, its detector lies over it", () => {
    const { databases: resolved } = resolveOptions({
      healthCheck: { numProbes: 7 },
      failureDetector: { minNumOfFailures: 5 },
      databases: [
        EAST,
        { ...WEST, healthCheck: { timeoutMs: 9 }, failureDetector: { failureRateThreshold: 50 } },
        { id: 'none', healthCheck: false },
      ],
    });
    expect(resolved.map(({ healthChecks }) => healthChecks.map((c) => c.numProbes))).toEqual([
      [7],
      [3],
      [],
    ]);
    expect(
      resolved.map(({ failureDetector: d }) => [d.minNumOfFailures, d.failureRateThreshold]),
    ).toEqual([
      [5, 10],
      [5, 50],
      [5, 10],
    ]);
  });

  it('changes nothing that it is given and does not follow later changes', () => {
    const given = {
      databases: [{ client: { socket: { host: 'east' } } }],
      client: { socket: { keepAlive: true } },
      failureDetector: { minNumOfFailures: 5 },
    };
    const before = structuredClone(given);
    const { group, databases: resolved } = resolveOptions(given);
    expect(given).toEqual(before);
    given.client.socket.keepAlive = false;
    given.failureDetector.minNumOfFailures = 6;
    expect(resolved[0]?.client).toEqual({ socket: { host: 'east', keepAlive: true } });
    const later = resolveDatabase(WEST, 'database', group);
    expect(later.client).toMatchObject({ socket: { keepAlive: true } });
    expect(later.failureDetector.minNumOfFailures).toBe(5);
  });
});

describe('resolveDatabase', () => {
  const { group } = resolveOptions({ databases, client: { password: 'p' } });

  it('resolves one that is added later as those at the start', () => {
    const added = resolveDatabase(
      { id: 'north', weight: 3, client: { url: 'redis://north' } },
      'database',
      group,
      ['east:1'],
    );
    expect(added).toMatchObject({ id: 'north', weight: 3, client: { password: 'p' } });
    expect(added.healthChecks).toBe(group.healthChecks);
  });

  it('rejects an id that is taken, and names the path that it was given', () => {
    const add = (config: object) => resolveDatabase(config, 'database', group, ['east:1']);
    expect(() => add(EAST)).toThrow('database.id: expected an id that no other database has');
    expect(() => add({ id: 'x', weight: 0 })).toThrow('database.weight: expected a finite number');
  });
});

describe('numbers', () => {
  const MAX_TIMER = 2 ** 31 - 1;
  const at = (name: OptionName, value: unknown) => {
    const [first = '', second, third] = name.split('.');
    if (third !== undefined && first === 'commandRetry') {
      return { databases, commandRetry: { [second as string]: { [third]: value } } };
    }
    if (name.startsWith('databases[].pool.')) {
      const own = { maximum: 2 ** 31 - 1, [name.slice('databases[].pool.'.length)]: value };
      return { databases: [{ ...EAST, topology: 'pool', pool: own }] };
    }
    if (first === 'databases[]') return { databases: [{ ...EAST, [second as string]: value }] };
    return { databases, [first]: second === undefined ? value : { [second]: value } };
  };
  const numeric = (Object.keys(DEFAULTS) as OptionName[]).filter((name) => {
    return (
      typeof DEFAULTS[name].default === 'number' ||
      ['unhealthyAfterMs', 'failureDetector.slowCallMs'].includes(name)
    );
  });

  it('are all found', () => {
    expect(numeric).toHaveLength(39);
  });

  it.each(numeric)('%s: no NaN, Infinity, negative number, string, null or boolean', (name) => {
    const option = name.replace('[]', '[0]');
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, '1', null];
    for (const value of [...bad, true, 1n, []]) {
      expect(() => resolveOptions(at(name, value)), String(value)).toThrow(InvalidOptionError);
      expect(() => resolveOptions(at(name, value))).toThrow(
        `${option}: expected ${DEFAULTS[name].range}`,
      );
    }
  });

  it.each(numeric.filter((name) => name.endsWith('Ms')))('%s: what a timer can keep', (name) => {
    expect(() => resolveOptions(at(name, MAX_TIMER))).not.toThrow();
    expect(() => resolveOptions(at(name, MAX_TIMER + 1))).toThrow(InvalidOptionError);
  });

  it('names the option, the range and the value', () => {
    expect(() => resolveOptions(at('suspectAfterMs', 0))).toThrow(
      "suspectAfterMs: expected milliseconds from 1 to 2147483647, or 'adaptive', received 0",
    );
  });

  it.each([
    ['databases[].weight', 0],
    ['commandRetry.maxAttempts', 0],
    ['commandRetry.maxAttempts', 1.5],
    ['commandRetry.exponentialBackoffMultiplier', 0.9],
    ['commandRetry.jitter', 1.1],
    ['maxPendingCommands', 0],
  ] as const)('%s: not %s', (name, value) => {
    expect(() => resolveOptions(at(name, value))).toThrow(InvalidOptionError);
    expect(() => checkOption(name, value)).toThrow(`${name}: expected`);
  });

  it('checkOption returns what it accepts', () => {
    expect(checkOption('databases[].weight', 0.25)).toBe(0.25);
  });
});

describe('rejects', () => {
  it.each([
    [undefined, 'options: expected an object'],
    [[], 'options: expected an object'],
    [{}, 'databases: expected a non-empty array'],
    [{ databases: [] }, 'databases: expected a non-empty array'],
    [{ databases: EAST }, 'databases: expected a non-empty array'],
    [{ databases: ['redis://u:p@h'] }, 'databases[0]: expected an object'],
    [{ databases: [EAST, EAST] }, 'databases[1].id: expected an id that no other'],
    [
      {
        databases: [
          { ...EAST, id: 'a' },
          { ...EAST, id: 'a' },
        ],
      },
      'databases[1].id',
    ],
    [{ databases: [{ id: '' }] }, 'databases[0].id: expected a non-empty string'],
    [{ databases: [{ id: 5 }] }, 'databases[0].id: expected a non-empty string'],
    [{ databases: [{ client: { url: 'redis://' } }] }, 'databases[0].client.url: expected a URL'],
    [{ databases, proxyErrors: [''] }, 'proxyErrors: expected an array of non-empty strings'],
    [{ databases: [{ topology: 'ring' }] }, "databases[0].topology: expected 'client', 'pool'"],
    [{ databases, fastFailover: 1 }, 'fastFailover: expected true or false'],
    [{ databases, standbyConnections: 'cold' }, "standbyConnections: expected 'warm', 'lazy'"],
    [{ databases, subscriptions: 'both' }, "subscriptions: expected 'active', 'all'"],
    [{ databases, initializationPolicy: 'SOME' }, "initializationPolicy: expected 'ONE_AVAILABLE'"],
    [{ databases, initializationPolicy: null }, 'initializationPolicy: expected'],
    [{ databases, commandRetry: 3 }, 'commandRetry: expected an object'],
    [{ databases, commandRetry: null }, 'commandRetry: expected an object'],
    [
      { databases, commandRetry: { safety: 'never' } },
      "commandRetry.safety: expected 'connection'",
    ],
    [{ databases, commandRetry: { ignoredErrors: [1] } }, 'commandRetry.ignoredErrors[0]'],
    [{ databases, failureDetector: [] }, 'failureDetector: expected an object'],
    [{ databases, fallbackErrors: {} }, 'fallbackErrors: expected an array of error classes'],
    [
      { databases, client: { clientSideCache: true } },
      'client.clientSideCache: expected an object',
    ],
    [
      { databases, client: { clientSideCache: { maxEntries: 1.5 } } },
      'client.clientSideCache.maxEntries: expected an integer',
    ],
  ])('%j', (options, message) => {
    expect(() => resolveOptions(options)).toThrow(InvalidOptionError);
    expect(() => resolveOptions(options)).toThrow(message);
  });

  it.each([
    [
      { failbackCheckInterval: 1 },
      'failbackCheckInterval: expected a known option (did you mean failbackCheckIntervalMs)',
    ],
    [{ Databases: [] }, 'did you mean databases'],
    [{ healthChecks: [] }, 'did you mean healthCheck)'],
    [{ maxAttempts: 1 }, 'did you mean commandRetry.maxAttempts'],
    [{ url: 'redis://u:s3cret@h' }, 'did you mean client.url or databases[].client.url'],
    [
      { databases: [{ url: 'redis://u:s3cret@h' }] },
      'databases[0].url: expected a known option (did you mean client.url)',
    ],
    [{ databases: [{ wieght: 1 }] }, 'did you mean weight'],
    [{ commandRetry: { maxAttempt: 1 } }, 'did you mean maxAttempts'],
    [{ commandRetry: { zzzzzzzz: 1 } }, '(one of maxAttempts, waitDurationMs'],
  ])('unknown name: %j', (over, message) => {
    const act = () => resolveOptions({ databases, ...over });
    expect(act).toThrow(InvalidOptionError);
    expect(act).toThrow(message);
    expect(act).not.toThrow('s3cret');
  });

  it.each([
    [{ 'redis://u:s3cret@h': 1 }],
    [{ client: { 'redis://u:s3cret@h': 1 } }],
    [{ client: { socket: { constructor: 's3cret' } } }],
    [{ client: { ['x'.repeat(1e6)]: 1 } }],
    [{ databases: [{ 'redis://:s3cret': 1 }] }],
    [{ databases: [{ topology: 'cluster', cluster: { 'u:s3cret@h': 1 } }] }],
    [{ [`bell\u001b]52;c;\u0007${'x'.repeat(1e6)}`]: 1 }],
  ])('an unknown name is foreign as well: %#', (over) => {
    const act = () => resolveOptions({ databases, ...over });
    expect(act).toThrow(/^[^\p{Cc}]{1,1500}$/u);
    expect(act).not.toThrow('s3cret');
  });

  it.each([
    [{ databases: ['redis://u:s3cret@h'] }],
    [{ databases, client: 'u:s3cret@h' }],
    [{ databases: [{ client: { url: 'redis://u:s3cret' } }] }],
  ])('without showing credentials: %#', (options) => {
    expect(() => resolveOptions(options)).toThrow(InvalidOptionError);
    expect(() => resolveOptions(options)).not.toThrow('s3cret');
  });
});
