import { isDeepStrictEqual } from 'node:util';
import { InvalidOptionError } from '../../errors.js';
import { anyObject, invalid, type Values } from '../../validation/check.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import { clusterOf } from './cluster-options.js';
import {
  CONNECTION_OPTIONS,
  connectionOf,
  ioredisOptions,
  topologyOf,
} from './connection-options.js';
import { usesResp3 } from './decoding.js';
import { warnAboutIneffective } from './ineffective-options.js';
import type { IoredisClass, IoredisOptions } from './library.js';
import { optionsOfClient } from './node-redis-options.js';
import { checkNames } from './option-names.js';

/** What `createMultiDbRedis` was given, for the engine and for ioredis. */
export interface Translated {
  /** Options of the engine. */
  readonly engine: Values;
  /** Options of ioredis for each client of the group. */
  readonly client: IoredisOptions;
  /** Converts a database that is added later. */
  readonly translate: (database: unknown) => unknown;
}

/**
 * Converts the options of `createMultiDbRedis`. A database has options of ioredis (`redis`, or
 * `cluster` with nodes), over those of the top-level `redis`; or it has the form that config files
 * have. Throws `InvalidOptionError`.
 */
export function translateOptions(Redis: IoredisClass, given: Values): Translated {
  const { Redis: _class, redis, databases, client, ...others } = given;
  const forAll = redis === undefined ? {} : optionsAt(Redis, redis, 'redis');
  warnAboutIneffective(forAll);
  const shared = { ...optionsOfClient(client), ...forAll };
  const ofClients: Record<string, unknown> = {};
  const translate = (database: unknown, at: string): unknown => {
    const values = anyObject(database, at);
    const { redis: own, cluster, clusterOptions, ...rest } = values;
    if (Array.isArray(cluster)) {
      const nodes = cluster.map((node, index) => optionsAt(Redis, node, `${at}.cluster[${index}]`));
      return { ...rest, ...clusterOf(nodes, clusterOptions, shared, `${at}.clusterOptions`) };
    }
    if (own === undefined) {
      rejectPool(values, at);
      return database;
    }
    const options = optionsAt(Redis, own, `${at}.redis`);
    warnAboutIneffective(options);
    collect(ofClients, options, shared, `${at}.redis`);
    return { ...rest, ...topologyOf({ ...shared, ...options }, `${at}.redis`) };
  };

  if (!Array.isArray(databases) || databases.length === 0) {
    throw invalid('databases', 'a non-empty array', databases);
  }
  const all = databases.map((each, index) => translate(each, `databases[${index}]`));
  const first = firstOptions(Redis, databases[0], shared);
  const ofAll = { ...ofClients, ...withoutConnection(shared) };
  const { name } = connectionOf({ ...shared, ...first });
  return {
    engine: {
      keepConnectingMs: MAX_TIMER_MS,
      ...others,
      client: {
        ...(client as Values | undefined),
        ...(name === undefined ? {} : { name }),
        RESP: usesResp3(ofAll) ? 3 : 2,
      },
      databases: all.map(withoutName),
    },
    client: { ...ofAll, ...addressOf({ ...shared, ...first }) },
    translate: (database) => withoutName(translate(database, 'database')),
  };
}

function optionsAt(Redis: IoredisClass, given: unknown, at: string): IoredisOptions {
  const options = ioredisOptions(Redis, given, at);
  checkNames(options, at);
  return options;
}

/** Runs `create`, whose errors name options of the engine, and names those of ioredis instead. */
export function namingIoredis<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const { option } = error;
    const renamed = option.replace(
      /^((?:databases\[\d+\]|database))\.(?:client|sentinel)\.?(?:socket\.|nodeClientOptions\.|sentinelClientOptions\.)*/,
      (_, at: string) => `${at}.redis.`,
    );
    if (renamed === option) throw error;
    const named = renamed.replace(/\.database$/, '.db').replace(/\.$/, '');
    throw Object.assign(error, {
      message: error.message.replace(option, named).replace('node-redis', 'ioredis'),
      option: named,
    });
  }
}

/** The name is the same for all connections of a client. */
function withoutName(database: unknown): unknown {
  const { client, ...rest } = database as Values;
  if (client === undefined) return database;
  const { name: _name, ...others } = client as Values;
  return { ...rest, client: others };
}

/** Options of a client that stand beside those of a connection: the same in all databases. */
function collect(
  into: Record<string, unknown>,
  options: IoredisOptions,
  shared: IoredisOptions,
  at: string,
): void {
  for (const [name, value] of Object.entries(withoutConnection(options))) {
    const known = name in shared ? shared[name] : name in into ? into[name] : value;
    if (typeof value !== 'function' && !isDeepStrictEqual(known, value)) {
      const expected = 'the same value for all databases, because it belongs to the client';
      throw invalid(`${at}.${name}`, expected, value);
    }
    into[name] ??= value;
  }
}

function withoutConnection(options: IoredisOptions): IoredisOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => !CONNECTION_OPTIONS.has(name)),
  );
}

function firstOptions(Redis: IoredisClass, database: unknown, shared: IoredisOptions) {
  const { redis } = database as Values;
  return redis === undefined ? shared : ioredisOptions(Redis, redis, 'databases[0].redis');
}

/** What libraries and logs show: the first database, without credentials. */
function addressOf({ host, port, path, db, connectionName }: IoredisOptions): IoredisOptions {
  const shown = path === undefined ? { host, port } : { path };
  const entries = Object.entries({ ...shown, db, connectionName });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function rejectPool({ topology }: Values, at: string): void {
  if (topology !== 'pool') return;
  const expected =
    "'client', 'cluster' or 'sentinel': commands of ioredis are executed in the order of the calls";
  throw invalid(`${at}.topology`, expected, topology);
}
