import type { AdaptiveValues } from '../../core/response-times.js';
import { isError } from '../../is-error.js';
import type { Database, Health } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { ProbeRecord } from '../probe-record.js';

/** The state of one database at one moment. Frozen; it is not updated. */
export interface DatabaseSnapshot {
  /** The id of the database. */
  readonly id: string;
  /** The weight that counts, by configuration or steering. The eligible database with the highest weight is active. */
  readonly weight: number;
  /** Whether new commands go to this database. */
  readonly active: boolean;
  /** The verdict of the health checks; `unknown` before the first one. */
  readonly health: Health;
  /** Why the database is unhealthy; undefined while it is not. */
  readonly cause: string | undefined;
  /** Whether the data connections of all clients are ready. */
  readonly connected: boolean;
  /** The state of the circuit breaker. */
  readonly breaker: 'closed' | 'open';
  /** Number of failures in the sliding window. */
  readonly failures: number;
  /** Number of all outcomes in the sliding window. */
  readonly total: number;
  /**
   * Whether the database is active and its calls are slow, or it was left for that and is not fast again.
   * Always false without `failureDetector.slowCallMs`.
   */
  readonly slow: boolean;
  /** Number of slow calls in the sliding window. */
  readonly slowCalls: number;
  /**
   * The limits that `'adaptive'` derives from the response times of the database; undefined without
   * adaptive options.
   */
  readonly adaptive: AdaptiveValues | undefined;
  /** Whether the database serves reads only; always false without `databases[].writable`. */
  readonly readOnly: boolean;
  /** Names of the health checks. Empty: its health is not checked. */
  readonly healthChecks: readonly string[];
  /** Remaining grace period in milliseconds; 0 without one. */
  readonly gracePeriodLeftMs: number;
  /**
   * Remaining drain in milliseconds, by hand or by steering; 0 without one, Infinity until it is ended.
   */
  readonly drainLeftMs: number;
  /**
   * The latest error of a probe or a connection, or a `CircuitOpenError`; undefined before the first one.
   */
  readonly lastError: Error | undefined;
  /** The latest probe; undefined before the first one. */
  readonly lastProbe: ProbeRecord | undefined;
  /** Duration of the latest probe in milliseconds; undefined before the first one. */
  readonly latencyMs: number | undefined;
}

export function snapshot(coordinator: Coordinator, database: Database): DatabaseSnapshot {
  const { now } = coordinator;
  const { failures, total } = database.circuit.metrics(now);
  const { lastError } = database;
  return Object.freeze({
    id: database.id,
    weight: database.weight,
    active: coordinator.route.database === database,
    health: database.health,
    cause: database.cause,
    connected: database.connected,
    breaker: database.breaker,
    failures,
    total,
    slow: database.slow !== undefined || coordinator.health.slowness.isDegraded(database),
    slowCalls: database.slowCalls?.metrics(now).slow ?? 0,
    adaptive: database.responseTimes?.values(now),
    readOnly: database.readOnly,
    healthChecks: database.healthChecks.map(({ name }) => name),
    gracePeriodLeftMs: Math.max(0, database.graceEndsAt - now),
    drainLeftMs: Math.max(0, database.drainEndsAt - now),
    lastError:
      lastError === undefined || isError(lastError) ? lastError : new Error(String(lastError)),
    lastProbe: database.lastProbe,
    latencyMs: database.lastProbe?.latencyMs,
  });
}
