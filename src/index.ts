export type {
  DefaultRespVersion,
  DrainOptions,
  ForceOptions,
  MultiDbClient,
  MultiDbClientOptions,
  MultiDbCommandOptions,
  MultiDbDatabaseOptions,
  MultiDbMembers,
  TransactionOptions,
  TransactionResult,
} from './client-type.js';
export { type CommandCategory, RETRY_SAFETIES, type RetrySafety } from './core/command-category.js';
export { COMMAND_FAILURES, type CommandFailure } from './core/command-failure.js';
export {
  ALL_AVAILABLE,
  type InitializationPolicy,
  MAJORITY_AVAILABLE,
  ONE_AVAILABLE,
} from './core/initialization-policy.js';
export { LATENCY_BUCKETS_MS, type LatencySnapshot } from './core/latency-histogram.js';
export {
  ALL_SUCCESS,
  ANY_SUCCESS,
  MAJORITY_SUCCESS,
  type ProbingPolicy,
} from './core/probing-policy.js';
export type { Lack } from './core/selection.js';
export { createMultiDbClient } from './create-client.js';
export {
  type ClientMessage,
  type DiagnosticsMessage,
  diagnosticsChannelName,
  type ProbeMessage,
} from './diagnostics/channels.js';
export { openClients } from './diagnostics/open-clients.js';
export {
  AcquireTimeoutError,
  CircuitOpenError,
  ClientClosedError,
  CommandTimeoutError,
  ConnectionLostError,
  DatabaseSwitchedError,
  DatabaseUnavailableError,
  FunctionLoadError,
  InitializationFailedError,
  type InitializationFailure,
  InvalidConfigError,
  InvalidOptionError,
  isMultiDbError,
  MultiDbError,
  type MultiDbErrorCode,
  OverloadedError,
  PermanentlyUnavailableError,
  SubscriptionRefusedError,
  TemporarilyUnavailableError,
  UnknownDatabaseError,
  UnsupportedError,
} from './errors.js';
export {
  type AllDatabasesDownEvent,
  type BreakerEvent,
  type DatabaseHealthyEvent,
  type DatabaseUnhealthyEvent,
  EVENT_NAMES,
  type MultiDbEventName,
  type MultiDbEvents,
  type RecoveredEvent,
  type SubscriptionsRestoredEvent,
  type SwitchEvent,
  type SwitchReason,
} from './events.js';
export { ConnectedStrategy, type ConnectedStrategyOptions } from './health/connected.js';
export { EchoStrategy } from './health/echo.js';
export { LagAwareStrategy } from './health/lag-aware.js';
export type { LagAwareStrategyOptions, RestCredentials } from './health/lag-aware-options.js';
export { PingStrategy } from './health/ping.js';
export { ReplicationStrategy, type ReplicationStrategyOptions } from './health/replication.js';
export type { RestTlsOptions } from './health/rest-client.js';
export type {
  HealthCheckFunction,
  HealthCheckRole,
  HealthCheckStrategy,
  Probe,
  ProbeTarget,
} from './health/strategy.js';
export { WriteReadStrategy, type WriteReadStrategyOptions } from './health/write-read.js';
export { DEFAULTS } from './options/defaults.js';
export type {
  ClusterDatabaseOptions,
  CommandRetryOptions,
  DatabaseOptions,
  ErrorSelector,
  HealthCheckOptions,
  HealthCheckSetting,
  MultiDbOptions,
  PoolDatabaseOptions,
  PoolOptions,
  SentinelDatabaseOptions,
  SingleDatabaseOptions,
} from './options/types.js';
export type { Explanation } from './runtime/explain.js';
export type { DatabaseSnapshot } from './runtime/snapshot.js';
export type { CommandStats, DatabaseStats, MultiDbStats, ProbeStats } from './runtime/stats.js';
