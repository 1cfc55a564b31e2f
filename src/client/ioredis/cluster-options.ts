import { anyObject, invalid, join, type Values } from '../../validation/check.js';
import { connectionOf } from './connection-options.js';
import type { IoredisOptions } from './library.js';
import { checkNames } from './option-names.js';

/** Options of ioredis's `Cluster` that a topology of the engine has. */
const NAMES = ['redisOptions', 'natMap', 'scaleReads'];

/** The topology, and the options of ioredis that the cluster has of its own. */
export interface TranslatedCluster extends Values {
  readonly ownOptions: IoredisOptions;
}

/** Converts nodes and options of ioredis's `Cluster` into a topology. Throws `InvalidOptionError`. */
export function clusterOf(
  nodes: readonly IoredisOptions[],
  given: unknown,
  shared: IoredisOptions,
  at: string,
): TranslatedCluster {
  const options = given === undefined ? {} : anyObject(given, at);
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw invalid(join(at, unknown), `a known option (${NAMES.join(', ')})`, unknown);
  }
  if (options.scaleReads !== undefined && options.scaleReads !== 'master') {
    const expected = "'master', because all commands go to masters";
    throw invalid(join(at, 'scaleReads'), expected, options.scaleReads);
  }
  const { redisOptions } = options;
  const own = redisOptions === undefined ? {} : anyObject(redisOptions, join(at, 'redisOptions'));
  checkNames(own, join(at, 'redisOptions'));
  const defaults = connectionOf({ ...shared, ...own });
  const rootNodes = nodes.map(({ host = '127.0.0.1', port = 6379, ...others }) => {
    const { name: _name, ...node } = connectionOf(others);
    return { ...node, socket: { ...node.socket, host, port } };
  });
  const { name: _name, ...nodeDefaults } = defaults;
  const nodeAddressMap = options.natMap ?? undefined;
  return {
    ownOptions: own,
    topology: 'cluster',
    cluster: {
      rootNodes,
      defaults: nodeDefaults,
      ...(nodeAddressMap === undefined ? {} : { nodeAddressMap }),
    },
  };
}
