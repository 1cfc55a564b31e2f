// What is compared. Each answers a client with `get`, `set`, `multi` and `duplicate` for subscribers.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { FEATURES, publishSteering } from './features.mjs';
import { nodeRedisOnly } from './node-redis-only.mjs';
import { emptySubscriber, otelDurations, otelSpans, prometheusDurations } from './observers.mjs';
import { rawSocket } from './raw-socket.mjs';

const root = path.resolve(import.meta.dirname, '../..');
/** The same deadline as this client's `commandTimeoutMs`, and as node-redis 6 by default. */
const TIMEOUT_MS = 5000;

/** @typedef {readonly string[]} Urls one server for each database */

/** @param {Urls} urls */
async function plain([url], options = {}) {
  const { createClient } = await import('@redis/client');
  const client = createClient({ url, ...options });
  client.on('error', () => {});
  return client.connect();
}

/** @param {Urls} urls @param {string} [built] another dist/ @param {object} [options] */
async function multidb(urls, built = path.join(root, 'dist'), options = {}) {
  const { database = {}, ...others } = /** @type {{ database?: object }} */ (options);
  const dist = pathToFileURL(path.join(built, 'index.js')).href;
  /** @type {typeof import('redis-multidb')} */
  const { createMultiDbClient } = await import(dist);
  const databases = urls.map((url, index) => ({
    id: `db${index}`,
    weight: urls.length - index,
    client: { url },
    ...database,
  }));
  const client = createMultiDbClient({ databases, ...others });
  await client.connect();
  while (!client.databases.every(({ health, connected }) => health === 'healthy' && connected)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return client;
}

/**
 * node-redis without a timeout of its own, each command inside `run`.
 * @param {Urls} urls
 * @param {(action: () => Promise<unknown>) => Promise<unknown>} run
 */
async function wrapped(urls, run) {
  const client = await plain(urls, { commandOptions: { timeout: 0 } });
  return {
    /** @param {string} key */
    get: (key) => run(() => client.get(key)),
    /** @param {string} key @param {string} value */
    set: (key, value) => run(() => client.set(key, value)),
    multi: () => client.multi(),
    publish: client.publish.bind(client),
    duplicate: () => client.duplicate(),
    destroy: () => client.destroy(),
  };
}

/** @param {Urls} urls */
async function cockatiel(urls) {
  const lib = await import('cockatiel');
  const policy = lib.wrap(
    lib.retry(lib.handleAll, { maxAttempts: 3, backoff: new lib.ExponentialBackoff() }),
    lib.circuitBreaker(lib.handleAll, {
      halfOpenAfter: 10_000,
      breaker: new lib.SamplingBreaker({ threshold: 0.1, duration: 2000, minimumRps: 500 }),
    }),
    lib.timeout(TIMEOUT_MS, lib.TimeoutStrategy.Aggressive),
  );
  return wrapped(urls, (action) => policy.execute(action));
}

/** @param {Urls} urls */
async function opossum(urls) {
  const { default: CircuitBreaker } = await import('opossum');
  const breaker = new CircuitBreaker(
    /** @param {() => Promise<unknown>} action */ (action) => action(),
    {
      timeout: TIMEOUT_MS,
      errorThresholdPercentage: 10,
      volumeThreshold: 1000,
      rollingCountTimeout: 2000,
      rollingCountBuckets: 10,
    },
  );
  const fired = async (/** @type {() => Promise<unknown>} */ action) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await breaker.fire(action);
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  };
  return wrapped(urls, fired);
}

/**
 * @param {Urls} urls @param {string} library @param {object} options
 */
async function ioredis([url = ''], library, options = {}) {
  const { Redis } = await import(library);
  const client = new Redis(url, options);
  client.on('error', () => {});
  return client;
}

/** @param {Urls} urls @param {string} library @param {string} [built] another dist/ */
async function multidbIoredis(urls, library, built = path.join(root, 'dist')) {
  const dist = pathToFileURL(path.join(built, 'ioredis/index.js')).href;
  /** @type {typeof import('redis-multidb/ioredis')} */
  const { createMultiDbRedis } = await import(dist);
  const { Redis } = await import(library);
  const databases = urls.map((url, index) => ({
    id: `db${index}`,
    weight: urls.length - index,
    redis: url,
  }));
  /** @type {any} */
  const client = createMultiDbRedis({ Redis, databases });
  while (
    !client.databases.every(
      (/** @type {any} */ each) => each.health === 'healthy' && each.connected,
    )
  ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return client;
}

/** @param {Urls} urls */
async function glide([url = '']) {
  const name = '@valkey/valkey-glide';
  const { GlideClient } = await import(name);
  const { hostname, port } = new URL(url);
  return GlideClient.createClient({
    addresses: [{ host: hostname, port: Number(port) }],
    // By default it refuses the thousandth.
    inflightRequestsLimit: 20_000,
  });
}

/**
 * @typedef {object} Contestant
 * @property {5 | 6} version of node-redis
 * @property {number} databases
 * @property {string} title
 * @property {(urls: Urls) => Promise<any>} open
 * @property {boolean} [isObserved] only in `--observed`
 * @property {string} [base] the contestant that the ratio is to; default: the first one
 * @property {string} [package] that is measured if it is installed
 * @property {readonly string[]} [workloads] the only ones; default: all
 */

/** @param {keyof typeof FEATURES} name */
const withFeature = (name) => async (/** @type {Urls} */ urls) => {
  const client = await multidb(urls, undefined, await FEATURES[name]?.options());
  await publishSteering(client);
  return client;
};

/** @param {Contestant['open']} open @param {() => unknown} observe */
const observed = (open, observe) => async (/** @type {Urls} */ urls) => {
  const client = await open(urls);
  await observe();
  return client;
};

const GET_32 = 'GET 32 B';
/** Without PUBLISH, whose subscribers listen in another way. */
const OF_IOREDIS = [GET_32, 'SET 32 B', 'GET 4 KB', 'SET 4 KB', 'MULTI of 10'];

/** @type {Readonly<Record<string, Contestant>>} */
export const CONTESTANTS = {
  'plain-6-no-timeout': {
    version: 6,
    databases: 1,
    title: 'node-redis 6, `timeout: 0`',
    open: (urls) => plain(urls, { commandOptions: { timeout: 0 } }),
  },
  'multidb-6': {
    version: 6,
    databases: 2,
    title: '**redis-multidb** over 6',
    open: (urls) => multidb(urls),
  },
  /** `--against`: another revision. */
  against: {
    version: 6,
    databases: 2,
    title: 'redis-multidb of another revision',
    open: (urls) => multidb(urls, process.env.REDIS_MULTIDB_AGAINST),
  },
  'multidb-6-10': {
    version: 6,
    databases: 10,
    title: '**redis-multidb** over 6, 10 databases',
    open: (urls) => multidb(urls),
  },
  'plain-6': { version: 6, databases: 1, title: 'node-redis 6', open: (urls) => plain(urls) },
  cockatiel: {
    version: 6,
    databases: 1,
    title: 'node-redis 6 in cockatiel: retry, breaker, timeout',
    open: cockatiel,
  },
  opossum: {
    version: 6,
    databases: 1,
    title: 'node-redis 6 in opossum: breaker, timeout, and a retry loop',
    open: opossum,
  },
  /** What a client can reach at most. */
  ceiling: {
    version: 6,
    databases: 1,
    title: 'ready-made GETs over a raw socket',
    open: rawSocket,
    workloads: [GET_32],
  },
  /** What a client on top of node-redis can reach at most. */
  'node-redis-only': {
    version: 6,
    databases: 1,
    title: 'node-redis 6: its method, encoder, queue and parser alone',
    open: nodeRedisOnly,
    workloads: [GET_32],
  },
  'multidb-ioredis-6': {
    version: 6,
    databases: 2,
    title: '**redis-multidb/ioredis** with ioredis 6',
    open: (urls) => multidbIoredis(urls, 'ioredis'),
    workloads: OF_IOREDIS,
  },
  /** `--against`: another revision. */
  'against-ioredis-6': {
    version: 6,
    databases: 2,
    title: 'redis-multidb/ioredis of another revision',
    open: (urls) => multidbIoredis(urls, 'ioredis', process.env.REDIS_MULTIDB_AGAINST),
    workloads: OF_IOREDIS,
  },
  'ioredis-6-auto': {
    version: 6,
    databases: 1,
    title: 'ioredis 6, `enableAutoPipelining`',
    open: (urls) => ioredis(urls, 'ioredis', { enableAutoPipelining: true }),
    workloads: OF_IOREDIS,
  },
  'ioredis-6': {
    version: 6,
    databases: 1,
    title: 'ioredis 6',
    open: (urls) => ioredis(urls, 'ioredis'),
    workloads: OF_IOREDIS,
  },
  iovalkey: {
    version: 6,
    databases: 1,
    title: 'iovalkey',
    open: (urls) => ioredis(urls, 'iovalkey'),
    workloads: OF_IOREDIS,
  },
  glide: {
    version: 6,
    databases: 1,
    title: 'valkey-glide',
    open: glide,
    package: '@valkey/valkey-glide',
    workloads: [GET_32],
  },
  'plain-5': { version: 5, databases: 1, title: 'node-redis 5', open: (urls) => plain(urls) },
  'multidb-5': {
    version: 5,
    databases: 2,
    title: '**redis-multidb** over 5',
    open: (urls) => multidb(urls),
  },
  'plain-6-subscribed': {
    version: 6,
    databases: 1,
    isObserved: true,
    title: 'node-redis 6, `timeout: 0`, empty subscriber',
    open: observed((urls) => plain(urls, { commandOptions: { timeout: 0 } }), emptySubscriber),
  },
  'multidb-6-subscribed': {
    version: 6,
    databases: 2,
    isObserved: true,
    title: '**redis-multidb** over 6, empty subscriber',
    open: observed((urls) => multidb(urls), emptySubscriber),
  },
  'multidb-6-prometheus': {
    version: 6,
    databases: 2,
    isObserved: true,
    title: '**redis-multidb** over 6, durations in Prometheus',
    open: observed((urls) => multidb(urls), prometheusDurations),
  },
  'multidb-6-otel': {
    version: 6,
    databases: 2,
    isObserved: true,
    title: '**redis-multidb** over 6, durations in OpenTelemetry',
    open: observed((urls) => multidb(urls), otelDurations),
  },
  'multidb-6-spans': {
    version: 6,
    databases: 2,
    isObserved: true,
    title: '**redis-multidb** over 6, spans of `otelTracing()`',
    open: observed((urls) => multidb(urls), otelSpans),
  },
  ...Object.fromEntries(
    Object.entries(FEATURES).map(([name, { title }]) => [
      name,
      { version: 6, databases: 2, base: 'multidb-6', title, open: withFeature(name) },
    ]),
  ),
};
