/**
 * The test kit: real Redis servers, faults between client and server, and witnesses that do not trust the
 * client under test. Node.js built-ins only.
 */

export { type ClusterOptions, RedisCluster, startCluster } from './cluster.js';
export { allBut, only } from './command-filter.js';
export type { Command } from './command-tracker.js';
export {
  type ByteCounts,
  FaultProxy,
  type ProxyOptions,
  type ProxyTarget,
  type Scope,
  startProxy,
} from './fault-proxy.js';
export { CLUSTER_BUS_OFFSET, freePort, freePorts } from './free-port.js';
export { infoField } from './info.js';
export {
  expectNoLeaks,
  type HandleSnapshot,
  heapUsedAfterGc,
  type LeakOptions,
  type OpenHandles,
  openHandles,
  snapshot,
  turns,
} from './leaks.js';
export type { Direction, SilenceMode } from './proxy-faults.js';
export type { ProxyConnection } from './proxy-link.js';
export { RawConnection, type RawEnding, type RawTarget, rawCommand } from './raw-connection.js';
export type { RecordedCommand } from './recorded-command.js';
export type { RedisDirectives } from './redis-config.js';
export {
  type RedisExit,
  RedisServer,
  type RedisServerOptions,
  startRedis,
} from './redis-server.js';
export { stopAll } from './registry.js';
export { startReplica, waitForSync } from './replica.js';
export {
  type CommandArgument,
  encodeCommand,
  type Reply,
  RespError,
  RespParser,
  RespPush,
} from './resp.js';
export { RedisSentinel, type SentinelOptions, startSentinel } from './sentinel.js';
export { once, sleep, type WaitOptions, waitFor } from './wait.js';
