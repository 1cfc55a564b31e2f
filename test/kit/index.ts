/**
 * The test kit: real Redis servers, faults between client and server, and witnesses that do not trust the
 * client under test. Node.js built-ins only.
 */

export { allBut, only } from '../../src/test-bed/proxy/command-filter.js';
export type { Command } from '../../src/test-bed/proxy/command-tracker.js';
export {
  type ByteCounts,
  FaultProxy,
  type ProxyOptions,
  type ProxyTarget,
  type Scope,
  startProxy,
} from '../../src/test-bed/proxy/fault-proxy.js';
export type { Direction, SilenceMode } from '../../src/test-bed/proxy/proxy-faults.js';
export type { ProxyConnection } from '../../src/test-bed/proxy/proxy-link.js';
export type { RecordedCommand } from '../../src/test-bed/proxy/recorded-command.js';
export { CLUSTER_BUS_OFFSET, freePort, freePorts } from '../../src/test-bed/server/free-port.js';
export type { RedisDirectives } from '../../src/test-bed/server/redis-config.js';
export {
  type RedisExit,
  RedisServer,
  type RedisServerOptions,
  startRedis,
} from '../../src/test-bed/server/redis-server.js';
export { stopAll } from '../../src/test-bed/server/registry.js';
export { infoField } from '../../src/test-bed/wire/info.js';
export {
  RawConnection,
  type RawEnding,
  type RawTarget,
  rawCommand,
} from '../../src/test-bed/wire/raw-connection.js';
export {
  type CommandArgument,
  encodeCommand,
  type Reply,
  RespError,
  RespParser,
  RespPush,
} from '../../src/test-bed/wire/resp.js';
export { once, sleep, type WaitOptions, waitFor } from '../../src/test-bed/wire/wait.js';
export { type ClusterOptions, RedisCluster, startCluster } from './cluster.js';
export { ClusterPool } from './cluster-pool.js';
export {
  GARBAGE,
  type GarbageName,
  HostileServer,
  type HostileServerOptions,
  startHostileServer,
} from './hostile-server.js';
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
export { NameServer } from './name-server.js';
export { startReplica, waitForSync } from './replica.js';
export { RedisSentinel, type SentinelOptions, startSentinel } from './sentinel.js';
export { type ServedHandler, serveHandler } from './serve-handler.js';
export { hasTls, isRedis7 } from './server-features.js';
