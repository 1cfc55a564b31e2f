import { anyObject, invalid, join, unknownOption, type Values } from '../validation/check.js';
import { port as portRule } from '../validation/rules.js';
import { optionsObject, read } from './check.js';
import {
  addressOf,
  type ClientOptions,
  checkClient,
  mergeClient,
  rejectShaping,
  withoutAddress,
} from './client.js';
import { rejectCachedTopology } from './client-cache.js';
import { copyOptions } from './copy.js';
import { DEFAULTS } from './defaults.js';
import { TOPOLOGIES, type Topology } from './topologies.js';
import type { ResolvedPool, ResolvedTopology } from './types.js';
import { rejectUnusedTls } from './unused-tls.js';

/** Which options of `databases[]` belong to which topology. */
const OPTIONS_OF: Readonly<Record<Topology, readonly string[]>> = {
  client: ['client'],
  pool: ['client', 'pool'],
  cluster: ['cluster'],
  sentinel: ['sentinel'],
};

/** What `createCluster` takes, beside what shapes the API. */
const CLUSTER_NAMES = [
  'rootNodes',
  'defaults',
  'minimizeConnections',
  'useReplicas',
  'maxCommandRedirections',
  'nodeAddressMap',
  'topologyRefreshOnReconnectionAttemptStrategy',
  'clientSideCache',
] as const;

/** What `createSentinel` takes, beside what shapes the API. */
const SENTINEL_NAMES = [
  'name',
  'sentinelRootNodes',
  'nodeClientOptions',
  'sentinelClientOptions',
  'masterPoolSize',
  'replicaPoolSize',
  'nodeAddressMap',
  'maxCommandRediscovers',
  'scanInterval',
  'passthroughClientErrorEvents',
  'reserveClient',
  'clientSideCache',
] as const;

/**
 * Resolves the topology of one database. `values` are its options, with known names, and `shared`
 * is the top-level `client`. An option of another topology is rejected.
 */
export function resolveTopology(
  values: Values,
  at: string,
  shared: ClientOptions,
): ResolvedTopology & { readonly address: string } {
  const topology = read(values, 'databases[].topology', at);
  rejectForeign(values, topology, at);
  rejectCachedTopology(topology, at, shared);
  switch (topology) {
    case 'client':
    case 'pool': {
      const own = checkClient(values.client, `${at}.client`);
      const client = mergeClient(own, shared, `${at}.client`);
      rejectUnusedTls(own, client, `${at}.client`);
      const address = addressOf(client);
      if (topology === 'client') return { topology, client, address };
      return { topology, client, address, pool: resolvePool(values.pool, `${at}.pool`) };
    }
    case 'cluster':
      return resolveCluster(values.cluster, `${at}.cluster`, shared);
    case 'sentinel':
      return resolveSentinel(values.sentinel, `${at}.sentinel`, shared);
  }
}

function rejectForeign(values: Values, topology: Topology, at: string): void {
  for (const other of TOPOLOGIES) {
    for (const name of OPTIONS_OF[other]) {
      if (values[name] === undefined || OPTIONS_OF[topology].includes(name)) continue;
      const owners = TOPOLOGIES.filter((each) => OPTIONS_OF[each].includes(name));
      const shown = owners.map((owner) => `'${owner}'`).join(' or ');
      throw invalid(`${at}.topology`, `${shown} beside \`${name}\``, topology);
    }
  }
}

function resolvePool(value: unknown, at: string): ResolvedPool {
  const values = value === undefined ? {} : optionsObject(value, 'databases[].pool', at);
  const minimum = read(values, 'databases[].pool.minimum', at);
  const maximum = read(values, 'databases[].pool.maximum', at);
  if (maximum < minimum) {
    throw invalid(`${at}.maximum`, `at least the minimum (${minimum})`, maximum);
  }
  return {
    minimum,
    maximum,
    acquireTimeout: read(values, 'databases[].pool.acquireTimeout', at),
    cleanupDelay: read(values, 'databases[].pool.cleanupDelay', at),
  };
}

function resolveCluster(value: unknown, at: string, shared: ClientOptions) {
  const given = known(value, at, CLUSTER_NAMES);
  const client = nodeOptions(given.defaults, join(at, 'defaults'), shared);
  rejectShaping(given, shared, at);
  const roots = given.rootNodes;
  if (!Array.isArray(roots) || roots.length === 0) {
    throw invalid(join(at, 'rootNodes'), 'a non-empty array of node-redis options', roots);
  }
  const rootNodes = roots.map((root, index) => {
    const path = `${at}.rootNodes[${index}]`;
    return mergeClient(checkClient(root, path), client, path);
  });
  const address = addressOf(rootNodes[0] as ClientOptions);
  const cluster = { ...copyOptions({ ...given }), defaults: client, rootNodes };
  return { topology: 'cluster' as const, client, cluster, address };
}

function resolveSentinel(value: unknown, at: string, shared: ClientOptions) {
  const given = known(value, at, SENTINEL_NAMES);
  const { name, sentinelRootNodes } = given;
  if (typeof name !== 'string' || name === '') {
    throw invalid(join(at, 'name'), 'the name under which the sentinels know the master', name);
  }
  const client = nodeOptions(given.nodeClientOptions, join(at, 'nodeClientOptions'), shared);
  rejectShaping(given, shared, at);
  const ofSentinels = join(at, 'sentinelClientOptions');
  const sentinelClientOptions = nodeOptions(given.sentinelClientOptions, ofSentinels, {});
  if (!Array.isArray(sentinelRootNodes) || sentinelRootNodes.length === 0) {
    const expected = 'a non-empty array of `{ host, port }`';
    throw invalid(join(at, 'sentinelRootNodes'), expected, sentinelRootNodes);
  }
  checkNumber(given, 'masterPoolSize', at, 1);
  checkNumber(given, 'scanInterval', at, 0);
  if (given.replicaPoolSize !== undefined && given.replicaPoolSize !== 0) {
    const expected = '0, because all commands go to the master';
    throw invalid(join(at, 'replicaPoolSize'), expected, given.replicaPoolSize);
  }
  const roots = sentinelRootNodes.map((root, index) => {
    return checkRoot(root, `${at}.sentinelRootNodes[${index}]`);
  });
  const [first] = roots as [{ host: string; port: number }];
  const sentinel = {
    ...copyOptions({ ...given }),
    name,
    sentinelRootNodes: roots,
    nodeClientOptions: client,
    sentinelClientOptions,
  };
  const address = `${name}@${addressOf({ socket: first })}`;
  return { topology: 'sentinel' as const, client, sentinel, address };
}

/** Options of nodes whose addresses are discovered; they must not contain one. */
function nodeOptions(value: unknown, at: string, shared: ClientOptions): ClientOptions {
  const own = checkClient(value, at);
  const socket = (own.socket ?? {}) as Values;
  const address = ['host', 'port', 'path'].find((name) => socket[name] !== undefined);
  if (own.url !== undefined || address !== undefined) {
    const name = own.url === undefined ? `socket.${address}` : 'url';
    const expected = 'no address, because the option applies to every node';
    throw invalid(join(at, name), expected, own.url ?? socket[address as string]);
  }
  return mergeClient(own, withoutAddress(shared), at);
}

function checkNumber(values: Values, name: string, at: string, min: number): void {
  const value = values[name];
  if (value === undefined || (Number.isInteger(value) && (value as number) >= min)) return;
  throw invalid(join(at, name), `an integer, ${min} or more`, value);
}

function checkRoot(value: unknown, at: string): { host: string; port: number } {
  const { host, port } = anyObject(value, at, 'an object with `host` and `port`');
  if (typeof host !== 'string' || host === '') throw invalid(`${at}.host`, 'a host', host);
  if (!portRule.accepts(port)) throw invalid(`${at}.port`, portRule.range, port);
  return { host, port };
}

/** An object with names out of `names`, or of what shapes the API. */
function known(value: unknown, at: string, names: readonly string[]): Values {
  const values = anyObject(value, at, DEFAULTS['databases[].client'].range);
  if (values.clientSideCache) {
    throw invalid(
      join(at, 'clientSideCache'),
      'nothing: caching only works with the topology `client`',
      '...',
    );
  }
  const shaping = ['RESP', 'modules', 'scripts', 'functions', 'keyPrefix', 'commandOptions'];
  for (const name of Object.keys(values)) {
    if (names.includes(name) || shaping.includes(name)) continue;
    throw unknownOption(at, name, `one of ${names.join(', ')}`);
  }
  return values;
}
