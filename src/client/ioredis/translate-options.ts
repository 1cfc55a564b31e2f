import { anyObject, invalid, type Values } from '../../validation/check.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Translating } from '../management-members.js';
import { clusterOf } from './cluster-options.js';
import {
  connectionOf,
  ioredisOptions,
  shown,
  topologyOf,
  withoutAddress,
} from './connection-options.js';
import { usesResp3 } from './decoding.js';
import { type GivenForm, namingIoredis } from './error-names.js';
import { INEFFECTIVE_IN_CLUSTER, warnAboutIneffective } from './ineffective-options.js';
import type { IoredisClass, IoredisOptions } from './library.js';
import { optionsOfClient } from './node-redis-options.js';
import { checkNames } from './option-names.js';
import { checkPlaces } from './option-places.js';
import { checkValues } from './option-values.js';
import { OptionsOfClients } from './options-of-clients.js';

/** What `createMultiDbRedis` was given, for the engine and for ioredis. */
export interface Translated {
  /** Options of the engine. */
  readonly engine: Values;
  /** Options of ioredis for each client of the group. */
  readonly client: IoredisOptions;
  /** Runs what validates `engine`. Its errors name the options that were given. */
  readonly naming: <T>(create: () => T) => T;
  /** For a database that is added later. Errors name the options that were given. */
  readonly translating: Translating;
}

/**
 * Converts the options of `createMultiDbRedis`. A database has options of ioredis (`redis`, or
 * `cluster` with nodes), over those of the top-level `redis`; or it has the form that config files
 * have. Throws `InvalidOptionError`.
 */
export function translateOptions(Redis: IoredisClass, given: Values): Translated {
  checkPlaces(given, '', '');
  const { Redis: _class, redis, databases, client, ...others } = given;
  const forAll = redis === undefined ? {} : optionsAt(Redis, redis, 'redis');
  warnAboutIneffective(forAll);
  const shared = { ...optionsOfClient(client), ...forAll };
  const ofClients = new OptionsOfClients(Redis, shared);
  const forms = new Map<string, GivenForm>();
  const translate = (database: unknown, at: string): unknown => {
    const values = anyObject(database, at);
    checkPlaces(values, 'databases[]', at);
    const form = formOf(values, at);
    const { redis: own, cluster, clusterOptions, ...rest } = values;
    if (form === 'cluster') {
      const nodes = nodesOf(cluster, `${at}.cluster`).map((node, index) =>
        optionsAt(
          Redis,
          typeof node === 'number' ? { port: node } : node,
          `${at}.cluster[${index}]`,
        ),
      );
      const inCluster = `${at}.clusterOptions`;
      const parse = (options: unknown, path: string) => optionsAt(Redis, options, path, forAll);
      const { topology, ofCluster, ofNodes } = clusterOf(
        nodes,
        clusterOptions,
        shared,
        inCluster,
        parse,
      );
      warnAboutIneffective((clusterOptions ?? {}) as IoredisOptions, INEFFECTIVE_IN_CLUSTER);
      warnAboutIneffective(ofNodes);
      ofClients.collect(ofCluster, inCluster);
      // In ioredis, this one does not apply to the client.
      const { lazyConnect: _lazyConnect, ...others } = ofNodes;
      ofClients.collect(others, `${inCluster}.redisOptions`);
      forms.set(at, { form, own: ofNodes });
      return withTopology(rest, topology, 'cluster', at);
    }
    if (form === 'config') {
      rejectPool(values, at);
      forms.set(at, { form, own: {} });
      return cluster === undefined ? rest : { ...rest, cluster };
    }
    if (!('redis' in values)) throw withoutAddress(`${at}.redis`, own);
    const options = optionsAt(Redis, own, `${at}.redis`, forAll);
    warnAboutIneffective(options);
    ofClients.collect(options, `${at}.redis`);
    forms.set(at, { form, own: options });
    return withTopology(
      rest,
      topologyOf({ ...shared, ...options }, `${at}.redis`, own),
      'redis',
      at,
    );
  };
  const naming = <T>(create: () => T) => namingIoredis(create, (at) => forms.get(at), forAll);

  if (!Array.isArray(databases) || databases.length === 0) {
    throw invalid('databases', 'a non-empty array', databases);
  }
  const all = databases.map((each, index) => translate(each, `databases[${index}]`));
  const { form, own } = forms.get('databases[0]') as GivenForm;
  const first = form === 'server' ? { ...shared, ...own } : shared;
  const ofAll = ofClients.complete();
  const { name } = connectionOf(first);
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
    client: { ...ofAll, ...addressOf(first) },
    naming,
    translating: (database, use) => naming(() => use(withoutName(translate(database, 'database')))),
  };
}

function optionsAt(
  Redis: IoredisClass,
  given: unknown,
  at: string,
  inherited: IoredisOptions = {},
): IoredisOptions {
  const options = ioredisOptions(Redis, given, at);
  checkNames(options, at, inherited);
  return checkValues(options, given, at);
}

/** Names of a database in the form of config files. */
const OF_CONFIG = ['client', 'pool', 'sentinel', 'topology'];

/** How a database was given. Throws `InvalidOptionError` if two forms are mixed. */
function formOf(values: Values, at: string): GivenForm['form'] {
  const { redis, cluster, clusterOptions, topology } = values;
  const isConfig = OF_CONFIG.some((name) => values[name] !== undefined);
  const isConfigCluster =
    topology === 'cluster' ||
    (cluster !== undefined && isObject(cluster) && 'rootNodes' in cluster);
  if (Array.isArray(cluster) && redis !== undefined) {
    const expected =
      'nothing beside `cluster`; `clusterOptions.redisOptions` has options of its nodes';
    throw invalid(`${at}.redis`, expected, shown(redis));
  }
  if (redis !== undefined && values.client !== undefined) {
    throw invalid(`${at}.client`, 'nothing beside `redis`', values.client);
  }
  if (clusterOptions !== undefined && !Array.isArray(cluster)) {
    throw invalid(`${at}.clusterOptions`, 'nothing without the nodes in `cluster`', clusterOptions);
  }
  if (Array.isArray(cluster)) return 'cluster';
  if (redis !== undefined) return 'server';
  if (isConfigCluster) return 'config';
  if (cluster !== undefined) return 'cluster';
  if (isConfig) return 'config';
  // The value of an environment variable that is not set.
  if ('cluster' in values && !('redis' in values)) return 'cluster';
  return 'server';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function nodesOf(given: unknown, at: string): readonly unknown[] {
  if (Array.isArray(given) && given.length > 0) return given;
  const expected = 'a non-empty array of nodes: URLs, or objects with `host` and `port`';
  throw invalid(at, expected, shown(given));
}

/** The topology of a database follows from its options of ioredis. */
function withTopology(
  rest: Values,
  topology: Values,
  form: 'cluster' | 'redis',
  at: string,
): Values {
  rejectPool(rest, at);
  if (rest.topology !== undefined && rest.topology !== topology.topology) {
    const expected = `'${topology.topology}', as \`${form}\` says, or nothing`;
    throw invalid(`${at}.topology`, expected, rest.topology);
  }
  return { ...rest, ...topology };
}

/** The name is the same for all connections of a client. */
function withoutName(database: unknown): unknown {
  const { client, ...rest } = database as Values;
  if (client === undefined) return database;
  const { name: _name, ...others } = client as Values;
  return { ...rest, client: others };
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
