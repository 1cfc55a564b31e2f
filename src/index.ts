/**
 * The client over several databases: its options, errors, events and health checks.
 *
 * @module
 */

export type {
  DefaultRespVersion,
  MultiDbClient,
  MultiDbClientOptions,
  MultiDbCommandOptions,
  MultiDbDatabaseOptions,
  MultiDbMembers,
  TransactionResult,
} from './client/node-redis/client-type.js';
export { createMultiDbClient } from './client/node-redis/create-client.js';
export type { CommandReport, TracedAttempt } from './client/traced-call.js';
export type { TransactionOptions } from './client/transaction-call.js';
export { COMMAND_FAILURES, type CommandFailure } from './core/command-failure.js';
export { type CommandCategory, RETRY_SAFETIES, type RetrySafety } from './core/command-risk.js';
export type { FailureDetector } from './core/failure-detector.js';
export {
  ALL_AVAILABLE,
  type InitializationPolicy,
  type InitializationProgress,
  type InitializationVerdict,
  MAJORITY_AVAILABLE,
  ONE_AVAILABLE,
} from './core/initialization-policy.js';
export { LATENCY_BUCKETS_MS, type LatencySnapshot } from './core/latency-histogram.js';
export {
  ALL_SUCCESS,
  ANY_SUCCESS,
  MAJORITY_SUCCESS,
  type ProbingPolicy,
  type ProbingProgress,
  type ProbingVerdict,
} from './core/probing-policy.js';
export type { AdaptiveValues } from './core/response-times.js';
export type { IneligibilityReason } from './core/selection.js';
export type { SpreadStage, SteeringDocument } from './core/steering/document.js';
export {
  type ClientMessage,
  type DiagnosticsMessage,
  diagnosticsChannelName,
  type ProbeMessage,
} from './diagnostics/channels.js';
export type { CommandMessage } from './diagnostics/command-channel.js';
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
  InvalidSteeringError,
  isMultiDbError,
  MultiDbError,
  type MultiDbErrorCode,
  type MultiDbErrorDetails,
  NotWritableError,
  OverloadedError,
  PermanentlyUnavailableError,
  SteeringSourceError,
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
  type DegradedEvent,
  EVENT_NAMES,
  type MultiDbEventName,
  type MultiDbEvents,
  type RecoveredEvent,
  type SteeredEvent,
  type SubscriptionsRestoredEvent,
  type SwitchEvent,
  type SwitchReason,
} from './events.js';
export { ConnectedStrategy, type ConnectedStrategyOptions } from './health-strategies/connected.js';
export { EchoStrategy } from './health-strategies/echo.js';
export { LagAwareStrategy } from './health-strategies/lag-aware.js';
export type {
  LagAwareStrategyOptions,
  RestCredentials,
} from './health-strategies/lag-aware-options.js';
export { LatencyStrategy, type LatencyStrategyOptions } from './health-strategies/latency.js';
export { PingStrategy } from './health-strategies/ping.js';
export {
  ReplicationStrategy,
  type ReplicationStrategyOptions,
} from './health-strategies/replication.js';
export type { RestTlsOptions } from './health-strategies/rest-client.js';
export type {
  HealthCheckFunction,
  HealthCheckRole,
  HealthCheckStrategy,
  Probe,
  ProbeTarget,
} from './health-strategies/strategy.js';
export {
  WriteReadStrategy,
  type WriteReadStrategyOptions,
} from './health-strategies/write-read.js';
export type { BeforeFailback, FailbackContext } from './options/before-failback.js';
export {
  type ConnectionStringOptions,
  parseConnectionString,
} from './options/connection-string.js';
export type {
  ClusterDatabaseOptions,
  DatabaseOptions,
  ErrorSelector,
  FailureDetectorSettings,
  HealthCheckOptions,
  HealthCheckSetting,
  OneHealthCheck,
  PoolDatabaseOptions,
  PoolOptions,
  SentinelDatabaseOptions,
  SingleDatabaseOptions,
} from './options/database-options.js';
export { DEFAULTS, type OptionName } from './options/defaults.js';
export type { OnPromotionNeeded, PromotionContext } from './options/promotion.js';
export type {
  SelectionCandidate,
  SelectionFunction,
  SelectionSetting,
} from './options/selection.js';
export type {
  SteeringContext,
  SteeringDatabase,
  SteeringPublication,
  SteeringSource,
} from './options/steering.js';
export type {
  CommandRetryOptions,
  HedgingOptions,
  MultiDbOptions,
  RetryBudgetSettings,
} from './options/types.js';
export type { OutagePolicy } from './runtime/command/command-options.js';
export type {
  SteeringSourceReport,
  SteeringSourceState,
} from './runtime/failover/steering-sources.js';
export type {
  AddOptions,
  DrainOptions,
  ForceOptions,
  ManagedClient,
} from './runtime/group/managed-client.js';
export type { ProbeRecord } from './runtime/probe-record.js';
export type {
  ActiveExplanation,
  Explanation,
  ForcedExplanation,
  HealingExplanation,
  StandbyExplanation,
} from './runtime/report/explain.js';
export type { DatabaseSnapshot } from './runtime/report/snapshot.js';
export type {
  CommandStats,
  DatabaseStats,
  HedgeStats,
  MultiDbStats,
  ProbeStats,
  SteeringStats,
} from './runtime/report/stats.js';
export type { SteeringExplanation, SteeringSummary } from './runtime/report/steering-report.js';
export type { GracePeriodOptions } from './validation/rules.js';
