import type { Database, Health } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { ProbeRecord } from '../probe-record.js';

/** One database at one moment; frozen, and not updated. */
export interface DatabaseSnapshot {
  /** The id of the database. */
  readonly id: string;
  /** The weight of the database; the eligible database with the highest one is active. */
  readonly weight: number;
  /** Whether new commands go to this database. */
  readonly active: boolean;
  /** What the health checks say; `unknown` before the first verdict. */
  readonly health: Health;
  /** Why the database is unhealthy. */
  readonly cause: string | undefined;
  /** Whether the data connections of all clients are ready. */
  readonly connected: boolean;
  /** The state of the circuit breaker. */
  readonly breaker: 'closed' | 'open';
  /** Failures in the sliding window. */
  readonly failures: number;
  /** All outcomes in the sliding window. */
  readonly total: number;
  /** Milliseconds; 0 without a grace period. */
  readonly gracePeriodLeftMs: number;
  /** Milliseconds; 0 when it is not drained, Infinity when it is until `resumeDatabase()`. */
  readonly drainLeftMs: number;
  /**
   * The latest error of a probe or a connection, or a `CircuitOpenError`; undefined: none so far.
   */
  readonly lastError: Error | undefined;
  /** The latest probe; undefined before the first one. */
  readonly lastProbe: ProbeRecord | undefined;
  /** Of the last healthy or unhealthy probe, in milliseconds. */
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
    gracePeriodLeftMs: Math.max(0, database.graceEndsAt - now),
    drainLeftMs: Math.max(0, database.drainEndsAt - now),
    lastError:
      lastError === undefined || lastError instanceof Error
        ? lastError
        : new Error(String(lastError)),
    lastProbe: database.lastProbe,
    latencyMs: database.lastProbe?.latencyMs,
  });
}
