/** What is wrong in the options is said where they enter, with the path of the option. */
import { createMultiDbClient, InvalidOptionError, isMultiDbError } from 'redis-multidb';
import { expect, it } from 'vitest';

const url = 'redis://127.0.0.1:6379';
const one = [{ client: { url } }];

const WRONG: readonly (readonly [option: string, options: unknown])[] = [
  ['options', undefined],
  ['databases', {}],
  ['databases[0].client', { databases: [{ id: 'east' }] }],
  ['databases[1].client', { databases: [...one, { id: 'east', client: { socket: {} } }] }],
  ['databases', { databases: [] }],
  ['database', { database: one }],
  ['databases[0].client', { databases: [{ client: undefined }] }],
  ['databases[0].client', { databases: [{ client: { url: undefined } }] }],
  ['databases[0].client.url', { databases: [{ client: { url: '' } }] }],
  ['databases[0].client', { databases: [{ client: { socket: { host: '' } } }] }],
  ['databases[0].client', { databases: [{ client: { socket: { host: null } } }] }],
  [
    'databases[0].cluster.rootNodes[0]',
    { databases: [{ topology: 'cluster', cluster: { rootNodes: [{ url: undefined }] } }] },
  ],
  ['databases[0].weight', { databases: [{ weight: 0, client: { url } }] }],
  [
    'databases[1].weight',
    { databases: [...one, { id: 'b', client: { url }, weight: Number.NaN }] },
  ],
  ['databases[1].id', { databases: [...one, ...one] }],
  ['databases[0].client.url', { databases: [{ client: { url: 'http://secret@host' } }] }],
  ['databases[0].client.keyPrefix', { databases: [{ client: { url, keyPrefix: 'x' } }] }],
  ['databases[0].topology', { databases: [{ client: { url }, topology: 'ring' }] }],
  [
    'databases[0].healthCheck.numProbes',
    { databases: [{ client: { url }, healthCheck: { numProbes: 0 } }] },
  ],
  ['gracePeriodMS', { databases: one, gracePeriodMS: 1 }],
  ['gracePeriodMs', { databases: one, gracePeriodMs: -1 }],
  ['commandTimeoutMs', { databases: one, commandTimeoutMs: 2 ** 31 }],
  [
    'failbackCheckIntervalMs',
    { databases: one, failbackCheckIntervalMs: Number.POSITIVE_INFINITY },
  ],
  ['commandRetry.maxAttempts', { databases: one, commandRetry: { maxAttempts: 0 } }],
  ['commandRetry.safety', { databases: one, commandRetry: { safety: 'never' } }],
  ['commandRetry.jitter', { databases: one, commandRetry: { jitter: 1.5 } }],
  [
    'failureDetector.failureRateThreshold',
    { databases: one, failureDetector: { failureRateThreshold: 101 } },
  ],
  ['healthCheck.policy', { databases: one, healthCheck: { policy: 'SOME' } }],
  ['initializationPolicy', { databases: one, initializationPolicy: 'TWO_AVAILABLE' }],
  ['fallbackErrors', { databases: one, fallbackErrors: 'Error' }],
  ['standbyConnections', { databases: one, standbyConnections: 'cold' }],
  ['url', { databases: one, url }],
];

it.each(WRONG)('%s', (option, options) => {
  let error: unknown;
  try {
    createMultiDbClient(options as never);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InvalidOptionError);
  expect(isMultiDbError(error)).toBe(true);
  expect(error).toMatchObject({ code: 'INVALID_OPTION', option });
  expect((error as Error).message).toContain(`${option}: expected `);
  expect((error as Error).message).not.toContain('secret');
});

it.each([
  [{ database: one }, 'database: expected a known option (did you mean databases), received'],
  [{ databases: [{ client: { url: '' } }] }, 'expected a URL such as redis://host:6379'],
  [{ databases: [{ client: { url: '' } }] }, 'received ""'],
  [{ databases: [{ client: { url: undefined } }] }, 'expected an address: `url`, or `socket` with'],
])('%j says what was meant', (options, message) => {
  expect(() => createMultiDbClient(options as never)).toThrow(message);
});

it('keeps its hands off the options object', () => {
  const options = Object.freeze({
    client: Object.freeze({ RESP: 3, socket: Object.freeze({ noDelay: true }) }),
    databases: Object.freeze([Object.freeze({ id: 'a', client: Object.freeze({ url }) })]),
  });
  const before = structuredClone(options);
  createMultiDbClient(options as never);
  createMultiDbClient(options as never);
  expect(options).toEqual(before);
});
