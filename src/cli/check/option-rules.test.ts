import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../options/validate.js';
import { optionFindings } from './option-rules.js';

const east = { id: 'east', weight: 2, client: { url: 'redis://east:6379' } };
const west = { id: 'west', weight: 1, client: { url: 'redis://west:6379' } };
const cluster = {
  id: 'c',
  weight: 3,
  topology: 'cluster',
  cluster: { rootNodes: [{ url: 'redis://c:6379' }] },
};

function found(options: object) {
  const resolved = resolveOptions({ databases: [east, west], ...options } as never);
  return optionFindings(resolved).map(({ level, check, text }) => `${level} ${check}: ${text}`);
}

it('nothing is said of the defaults', () => {
  expect(found({})).toEqual([]);
});

const gate = { name: 'lag', role: 'gate', check: () => true } as const;

/** What fires, what it says, and the same without the danger. */
const RULES: readonly [fires: object, says: RegExp, silent: object][] = [
  [
    { databases: [east] },
    /^warning databases: there is only one database/,
    { databases: [east, west] },
  ],
  [
    { databases: [east, { ...west, weight: 2 }] },
    /^note weights: all weights are equal/,
    { databases: [east, { ...west, weight: 1.9 }] },
  ],
  [
    { databases: [east, { ...west, weight: 2 }, { id: 's', client: { url: 'redis://s' } }] },
    /^note weights: east and west have the same weight/,
    // Only the preferred ones matter.
    { databases: [east, west, { id: 's', client: { url: 'redis://s' } }] },
  ],
  [
    { commandTimeoutMs: 10_001 },
    /^warning commandTimeoutMs: commandTimeoutMs \(10001\) is longer than commandDeadlineMs \(10000\)/,
    { commandTimeoutMs: 10_000 },
  ],
  [
    { suspectAfterMs: 5000 },
    /^warning suspectAfterMs: suspectAfterMs \(5000\) is not below commandTimeoutMs \(5000\)/,
    { suspectAfterMs: 4999 },
  ],
  [
    { unhealthyAfterMs: 9001 },
    /^warning commandDeadlineMs: a silent server is left after 10001 ms .*commands fail after 10000/,
    { unhealthyAfterMs: 9000 },
  ],
  [
    { databases: [cluster, west] },
    /^note commandDeadlineMs: a silent server is left after 16000 ms/,
    { databases: [cluster, west], commandDeadlineMs: 16_000 },
  ],
  [
    { databases: [cluster, west], unhealthyAfterMs: 20_000 },
    /^warning commandDeadlineMs: a silent server is left after 21000 ms/,
    { databases: [cluster, west], unhealthyAfterMs: 1000 },
  ],
  [
    { commandRetry: { waitDurationMs: 10_000 } },
    /^warning commandRetry.waitDurationMs: .*there is no second attempt/,
    { commandRetry: { waitDurationMs: 9999 } },
  ],
  [
    { commandRetry: { safety: 'checked-write' } },
    /^note commandRetry.safety: .*SET NX may return null/,
    { commandRetry: { safety: 'read' } },
  ],
  [
    { commandRetry: { safety: 'last-write-wins' } },
    /^note commandRetry.safety: .*overwrite a newer acknowledged value/,
    { commandRetry: { safety: 'connection' } },
  ],
  [
    { commandRetry: { safety: 'accumulating' } },
    /^warning commandRetry.safety: .*INCR or LPUSH may count twice/,
    {},
  ],
  [{ commandRetry: { safety: 'admin' } }, /^warning commandRetry.safety: .*FLUSHALL/, {}],
  [
    { databases: [{ ...east, healthCheck: false }, west] },
    /^warning healthCheck: east: health checks are off/,
    { databases: [{ ...east, healthCheck: {} }, west] },
  ],
  [
    { healthCheck: { intervalMs: 999 } },
    /^warning healthCheck: east: timeoutMs \(1000\) of PING is longer than its intervalMs \(999\)/,
    { healthCheck: { intervalMs: 1000 } },
  ],
  [
    { databases: [{ ...east, healthCheck: gate }, west] },
    /^warning healthCheck: east has only gate checks/,
    { databases: [{ ...east, healthCheck: [{}, gate] }, west] },
  ],
  [
    { failbackSupported: false },
    /^note failbackSupported: automatic failback is off/,
    { failbackSupported: true },
  ],
  [{ gracePeriodMs: 0 }, /^warning gracePeriodMs: gracePeriodMs is 0/, { gracePeriodMs: 1 }],
  [
    { standbyConnections: 'lazy' },
    /^note standbyConnections: standbyConnections is lazy/,
    { standbyConnections: 'warm' },
  ],
  [
    { initializationPolicy: 'ALL_AVAILABLE' },
    /^warning initializationPolicy: the application cannot start while a/,
    { initializationPolicy: 'ONE_AVAILABLE' },
  ],
  [
    { initializationPolicy: 'MAJORITY_AVAILABLE' },
    /^warning initializationPolicy: the application cannot start while a/,
    {
      initializationPolicy: 'MAJORITY_AVAILABLE',
      databases: [east, west, { id: 's', weight: 0.5, client: { url: 'redis://s' } }],
    },
  ],
];

describe.each(RULES)('%j', (fires, says, silent) => {
  it('is told', () => {
    expect(found(fires).filter((each) => says.test(each))).not.toEqual([]);
  });

  it(`${JSON.stringify(silent)} is not`, () => {
    expect(found(silent).filter((each) => says.test(each))).toEqual([]);
  });
});

it('retries that are off have no wait that could be too long', () => {
  expect(found({ commandRetry: { maxAttempts: 1, waitDurationMs: 10_000 } })).toEqual([]);
});

it('a single database is not warned of a policy for several', () => {
  const all = found({ databases: [east], initializationPolicy: 'ALL_AVAILABLE' });
  expect(all).toHaveLength(1);
});
