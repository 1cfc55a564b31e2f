import { nearestName, unknownName } from '../../options/check.js';
import { anyObject, invalid, join, type Values } from '../../validation/check.js';
import { countOrNone } from '../../validation/rules.js';
import { CONNECTION_OPTIONS, connectionOf, isAbsent, present } from './connection-options.js';
import { INEFFECTIVE_IN_CLUSTER } from './ineffective-options.js';
import type { IoredisOptions } from './library.js';

/** Options of ioredis's `Cluster` that a topology of the engine has. */
const NAMES = ['redisOptions', 'natMap', 'scaleReads', 'maxRedirections', 'useSRVRecords'];

/** Options of ioredis's `Cluster` that belong to the client. */
const OF_THE_CLIENT = [
  ...['keyPrefix', 'lazyConnect', 'scripts', 'himportFieldsets', 'showFriendlyErrorStack'],
  ...['enableAutoPipelining', 'autoPipeliningIgnoredCommands'],
];

const KNOWN: readonly string[] = [
  ...NAMES,
  ...OF_THE_CLIENT,
  ...Object.keys(INEFFECTIVE_IN_CLUSTER),
];

/** Options with which ioredis would use other servers, and the value that is accepted. */
const ONLY: Readonly<Record<string, readonly [value: unknown, expected: string]>> = {
  scaleReads: ['master', "'master', because all commands go to masters"],
  useSRVRecords: [false, 'false, because the nodes are hosts'],
};

/** A cluster that was given with the arguments of ioredis's `Cluster`. */
export interface TranslatedCluster {
  readonly topology: Values;
  /** Options of the client among those of the cluster. */
  readonly ofCluster: IoredisOptions;
  /** `redisOptions`. */
  readonly ofNodes: IoredisOptions;
}

/**
 * Converts nodes and options of ioredis's `Cluster` into a topology. `parse` returns options of ioredis
 * that stand at a path. Throws `InvalidOptionError`.
 */
export function clusterOf(
  nodes: readonly IoredisOptions[],
  given: unknown,
  shared: IoredisOptions,
  at: string,
  parse: (given: unknown, at: string) => IoredisOptions,
): TranslatedCluster {
  const options = given === undefined ? {} : anyObject(given, at);
  checkClusterNames(options, at);
  for (const [name, [value, expected]] of Object.entries(ONLY)) {
    const own = options[name];
    if (own !== undefined && own !== value) throw invalid(join(at, name), expected, own);
  }
  const { maxRedirections } = options;
  if (maxRedirections !== undefined && !countOrNone.accepts(maxRedirections)) {
    throw invalid(join(at, 'maxRedirections'), countOrNone.range, maxRedirections);
  }
  const { redisOptions } = options;
  const ofNodes =
    redisOptions === undefined
      ? {}
      : parse(anyObject(redisOptions, join(at, 'redisOptions')), join(at, 'redisOptions'));
  const { name: _name, ...defaults } = connectionOf({ ...shared, ...ofNodes });
  const rootNodes = nodes.map(({ host, port, ...others }) => {
    const { name: _name, ...node } = connectionOf(others);
    return { ...node, socket: { ...node.socket, host: host || '127.0.0.1', port: port ?? 6379 } };
  });
  const cluster = {
    rootNodes,
    defaults,
    ...present({ nodeAddressMap: options.natMap, maxCommandRedirections: maxRedirections }),
  };
  return {
    topology: { topology: 'cluster', cluster },
    ofCluster: present(Object.fromEntries(OF_THE_CLIENT.map((name) => [name, options[name]]))),
    ofNodes,
  };
}

function checkClusterNames(options: Values, at: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (KNOWN.includes(name) || isAbsent(value)) continue;
    const isOfNodes = CONNECTION_OPTIONS.has(name);
    const meant = isOfNodes ? `redisOptions.${name}` : nearestName(name, KNOWN);
    throw unknownName(at, name, meant, KNOWN);
  }
}
