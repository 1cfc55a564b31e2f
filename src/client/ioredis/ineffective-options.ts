import { processState } from '../../process-state.js';
import type { IoredisOptions } from './library.js';

/** Options of ioredis without effect, and what takes their place. */
export const INEFFECTIVE: Readonly<Record<string, string>> = {
  retryStrategy: 'the engine reconnects and fails over by itself',
  reconnectOnError: 'the engine checks the state of a server that refuses commands',
  autoResendUnfulfilledCommands: '`commandRetry.safety` decides what may be sent again',
  autoResubscribe: 'subscriptions always follow the active database',
  enableOfflineQueue: 'a command waits for a database until `commandDeadlineMs` at most',
  enableReadyCheck: 'a server that is loading its data is not used',
  familyFallback: 'all addresses of a name are tried, unless `family` chooses IPv4 or IPv6',
  maxLoadingRetryTime: 'a server that is loading its data is not used',
  socketTimeout: '`suspectAfterMs` and `commandTimeoutMs` notice a silent server',
  blockingTimeout: 'a blocking command ends with its own block time',
  sentinelRetryStrategy: 'the engine asks the sentinels again by itself',
  sentinelReconnectStrategy: 'the engine watches the sentinels',
  sentinelCommandTimeout: '`healthCheck` has the timeouts of probes',
  failoverDetector: 'the engine watches the sentinels',
  updateSentinels: 'the engine learns of other sentinels by itself',
};

/** Options of ioredis's `Cluster` without effect, and what takes their place. */
export const INEFFECTIVE_IN_CLUSTER: Readonly<Record<string, string>> = {
  clusterRetryStrategy: 'the engine reconnects and fails over by itself',
  clusterNodeRetryStrategy: 'the engine reconnects by itself',
  enableOfflineQueue: 'a command waits for a database until `commandDeadlineMs` at most',
  enableReadyCheck: 'a server that is loading its data is not used',
  retryDelayOnFailover: '`commandRetry` decides when a command is sent again',
  retryDelayOnClusterDown: '`commandRetry` decides when a command is sent again',
  retryDelayOnTryAgain: '`commandRetry` decides when a command is sent again',
  retryDelayOnMoved: 'a redirection is followed at once',
  slotsRefreshTimeout: 'the engine learns by itself which node has a slot',
  slotsRefreshInterval: 'the engine learns by itself which node has a slot',
  shardedSubscribers: 'each shard has a connection for its sharded subscriptions',
  dnsLookup: 'the engine connects to the names that the cluster announces',
  resolveSrv: 'the nodes are hosts',
};

const said = processState('ineffective-ioredis-options@1', () => new Set<string>());

/** Says once per process which of the given options have no effect. */
export function warnAboutIneffective(options: IoredisOptions, table = INEFFECTIVE): void {
  for (const [name, instead] of Object.entries(table)) {
    const value = options[name];
    if (value === undefined || value === null || said.has(name)) continue;
    said.add(name);
    process.emitWarning(`the ioredis option ${name} has no effect: ${instead}`, {
      type: 'RedisMultiDbWarning',
      code: 'REDIS_MULTIDB_IOREDIS_OPTION',
    });
  }
}
