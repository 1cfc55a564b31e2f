import type { Database, Health } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { ProbeRecord } from '../probe-record.js';

/** One database at one moment; frozen, and not updated. */
export interface DatabaseSnapshot {
  readonly id: string;
  readonly weight: number;
  readonly active: boolean;
  readonly health: Health;
  /** Why the database is unhealthy. */
  readonly cause: string | undefined;
  /** Whether the data connections of all clients are ready. */
  readonly connected: boolean;
  readonly breaker: 'closed' | 'open';
  /** What the sliding window holds. */
  readonly failures: number;
  readonly total: number;
  /** Milliseconds; 0 without a grace period. */
  readonly gracePeriodLeftMs: number;
  /** Milliseconds; 0 when it is not drained, Infinity when it is until `resumeDatabase()`. */
  readonly drainLeftMs: number;
  readonly lastError: Error | undefined;
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
