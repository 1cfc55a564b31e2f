// Options that are off by default, each of which is measured against the same client without it.

import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '../..');
const STEERING_KEY = 'bench:steering';

const slowCalls = { failureDetector: { slowCallMs: 200 } };
const adaptive = { suspectAfterMs: 'adaptive', healthCheck: { timeoutMs: 'adaptive' } };
const budget = { commandRetry: { budget: {} } };

const ownDetector = {
  failureDetector: {
    detector: () => {
      let failures = 0;
      return {
        record: (/** @type {Error | undefined} */ error) => {
          failures = error === undefined ? 0 : failures + 1;
        },
        hasFailed: () => failures >= 1000,
        reset: () => {
          failures = 0;
        },
      };
    },
  },
};

async function latencyStrategy() {
  const { LatencyStrategy } = await import(pathToFileURL(path.join(root, 'dist/index.js')).href);
  return { healthCheck: { strategy: new LatencyStrategy() } };
}

async function steering() {
  const { redisSteering } = await import(
    pathToFileURL(path.join(root, 'dist/steering/index.js')).href
  );
  return { steering: redisSteering({ key: STEERING_KEY }) };
}

/**
 * @typedef {object} Feature
 * @property {string} title
 * @property {() => object | Promise<object>} options of the client; `database`: of each database
 */

/** @type {Readonly<Record<string, Feature>>} */
export const FEATURES = {
  'features-off': { title: 'all of them off, once more', options: () => ({}) },
  'slow-calls': { title: '`failureDetector.slowCallMs`', options: () => slowCalls },
  adaptive: { title: '`suspectAfterMs` and `timeoutMs`: `adaptive`', options: () => adaptive },
  hedging: { title: '`hedging: { afterMs: 50 }`', options: () => ({ hedging: { afterMs: 50 } }) },
  'hedging-p99': { title: "`hedging: { afterMs: 'p99' }`", options: () => ({ hedging: {} }) },
  'own-detector': { title: '`failureDetector.detector`, three lines', options: () => ownDetector },
  'latency-strategy': { title: '`LatencyStrategy`', options: latencyStrategy },
  selection: {
    title: "`selection: 'lowest-latency'`",
    options: () => ({ selection: 'lowest-latency' }),
  },
  writable: {
    title: "`databases[].writable: 'auto'`",
    options: () => ({ database: { writable: 'auto' } }),
  },
  'retry-budget': { title: '`commandRetry.budget`', options: () => budget },
  steering: { title: '`steering: redisSteering()`', options: steering },
  'features-on': {
    title: 'all of them on',
    options: async () => ({
      ...slowCalls,
      ...adaptive,
      ...budget,
      hedging: {},
      ...(await steering()),
    }),
  },
};

/**
 * Publishes a document that changes nothing, so that it is read and obeyed.
 * @param {any} client
 */
export async function publishSteering(client) {
  const document = {
    schemaVersion: 1,
    version: 1,
    issuedAt: new Date().toISOString(),
    prefer: 'db0',
    by: 'bench',
    reason: 'measured',
  };
  await client.set(STEERING_KEY, JSON.stringify(document));
}
