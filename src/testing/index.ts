/**
 * For tests of applications and of this package: real servers and the fault proxy; virtual time,
 * fake databases and scripted faults.
 *
 * @module
 */
export type { Clock, Random, Timer, TimerOptions } from '../clock.js';
export type { CommandArgument } from '../core/command-argument.js';
export { allBut, only } from '../test-bed/proxy/command-filter.js';
export type { Command } from '../test-bed/proxy/command-tracker.js';
export type {
  ByteCounts,
  FaultProxy,
  ProxyOptions,
  ProxyTarget,
  Scope,
} from '../test-bed/proxy/fault-proxy.js';
export { startProxy } from '../test-bed/proxy/fault-proxy.js';
export type { Direction, SilenceMode } from '../test-bed/proxy/proxy-faults.js';
export type { ProxyConnection } from '../test-bed/proxy/proxy-link.js';
export type { RecordedCommand } from '../test-bed/proxy/recorded-command.js';
export type { RedisDirectives } from '../test-bed/server/redis-config.js';
export type {
  RedisExit,
  RedisServer,
  RedisServerOptions,
} from '../test-bed/server/redis-server.js';
export { startRedis } from '../test-bed/server/redis-server.js';
export { stopAll } from '../test-bed/server/registry.js';
export { type Reply, RespError, type RespPush } from '../test-bed/wire/resp.js';
export { type WaitOptions, waitFor } from '../test-bed/wire/wait.js';
export {
  type Execution,
  FakeDatabase,
  type FakeDatabaseOptions,
} from './fake-database.js';
export { FakeConflictError, FakeErrorReply, FakeNetworkError } from './fake-errors.js';
export type { FakeConnectionKind, FakeDirection } from './fake-network.js';
export type { FakeScriptCall, FakeScripts, ServerState } from './fake-store.js';
export { FaultScript } from './fault-script.js';
export { seededRandom } from './random.js';
export {
  type SendInTransaction,
  SimulatedClient,
  type SimulatedClientOptions,
  type SimulatedDatabase,
  type SimulatedEvent,
} from './simulated-client.js';
export { createSimulatedClient, type SimulatedNodeRedisOptions } from './simulated-node-redis.js';
export { VirtualClock } from './virtual-clock.js';
