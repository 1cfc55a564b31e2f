/** Custom failure detectors on virtual time: they decide, and their mistakes are contained. */
import { afterEach, expect, it } from 'vitest';
import type { FailureDetector } from '../../core/failure-detector.js';
import { eastAndWest } from '../../testing/east-and-west.js';
import type { SimulatedClient } from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

async function world(detector: (databaseId: string) => FailureDetector, thresholds: object = {}) {
  const made = await eastAndWest({
    failureDetector: { detector, ...thresholds },
    commandRetry: { maxAttempts: 1 },
    healthCheck: false,
    gracePeriodMs: 2000,
    failbackSupported: false,
  });
  clients.push(made.client);
  const { client, clock } = made;
  const fail = async (times: number) => {
    for (let count = 0; count < times; count += 1) {
      client.send(['SET', 'k', 'v']).catch(() => {});
      await clock.advance(50);
    }
  };
  const errors = () =>
    client.events.filter(({ name }) => name === 'error').map(({ event }) => String(event[0]));
  return { ...made, fail, errors };
}

it('leaves a database when its own detector says so, and resets it when the breaker closes', async () => {
  const created: string[] = [];
  const seen: string[] = [];
  const { client, clock, east, fail, errors } = await world((id) => {
    created.push(id);
    let failures = 0;
    return {
      record: (error) => {
        if (error !== undefined) failures += 1;
        if (id === 'east') seen.push(error === undefined ? 'success' : error.message.slice(0, 3));
      },
      hasFailed: () => failures >= 3,
      reset: () => {
        failures = 0;
        if (id === 'east') seen.push('reset');
      },
    };
  });
  expect(created).toEqual(['east', 'west']);
  await fail(1);
  east.state = 'OOM';
  await fail(2);
  expect(client.activeDatabase).toBe('east');
  await fail(1);
  expect(client.activeDatabase).toBe('west');
  await clock.advance(3000);
  expect(seen).toEqual(['success', 'OOM', 'OOM', 'OOM', 'reset']);
  expect(errors()).toEqual([]);
});

const never: FailureDetector = { record() {}, hasFailed: () => false, reset() {} };

it('replaces the thresholds', async () => {
  const thresholds = { minNumOfFailures: 1, failureRateThreshold: 1 };
  const { client, east, fail } = await world(() => never, thresholds);
  east.state = 'OOM';
  await fail(20);
  expect(client.activeDatabase).toBe('east');
});

it.each<[string, () => FailureDetector, RegExp]>([
  [
    'cannot be created',
    () => {
      throw new Error('not today');
    },
    /not today/,
  ],
  ['lacks a member', () => ({ record() {} }) as never, /\{ record, hasFailed, reset \}/],
  [
    'throws',
    () => ({
      ...never,
      record() {
        throw new Error('broken');
      },
    }),
    /broken/,
  ],
  ['answers a number', () => ({ ...never, hasFailed: () => 1 as never }), /received 1/],
  [
    'answers a promise that rejects',
    () => ({ ...never, hasFailed: (() => Promise.reject(new Error('late'))) as never }),
    /must return true or false/,
  ],
])('a detector that %s is reported, and the thresholds decide', async (_, create, text) => {
  const thresholds = { minNumOfFailures: 3, failureRateThreshold: 1 };
  const { client, east, fail, errors } = await world(
    (id) => (id === 'east' ? create() : never),
    thresholds,
  );
  east.state = 'OOM';
  await fail(2);
  expect(client.activeDatabase).toBe('east');
  await fail(2);
  expect(client.activeDatabase).toBe('west');
  expect(errors()).toEqual([expect.stringMatching(text)]);
});
