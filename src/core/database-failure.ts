import type { BreakerState } from './circuit-breaker.js';

/** Why an active database cannot serve. */
export interface DatabaseFailure {
  readonly reason: 'health-check' | 'circuit-breaker' | 'slow';
  /** In words. */
  readonly cause: string;
  /** Monotonic time of its first sign. */
  readonly since: number;
}

/** The facts that determine whether the active database has failed. */
export interface ActiveView {
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Why the database is unhealthy. */
  readonly cause: string | undefined;
  /** The data connection could not be established within one probe timeout. */
  readonly connectionFailed: boolean;
  /** In words, that it has no data connection, and why. */
  readonly unconnected: string;
  /** Monotonic time of the first sign of the current failure; undefined while healthy. */
  readonly failingSince: number | undefined;
  readonly circuit: { readonly state: BreakerState };
  /** Steering keeps it active although it is unhealthy. */
  readonly forced?: boolean;
  /** An operator keeps it active whatever happens. */
  readonly unchecked?: boolean;
}

/**
 * Why the active database cannot serve, if anything: its health checks, a data connection that
 * cannot be made, or its circuit breaker. The circuit breaker of the last resort only reports. A
 * database that steering forces fails by its data connection alone, and one that an operator keeps
 * unchecked does not fail.
 */
export function databaseFailure(
  active: ActiveView,
  lastResort: boolean,
  now: number,
): DatabaseFailure | undefined {
  if (active.unchecked === true) return undefined;
  const { health, cause = 'unhealthy', failingSince: since = now } = active;
  if (health === 'unhealthy' && active.forced !== true)
    return { reason: 'health-check', cause, since };
  if (active.connectionFailed) {
    return { reason: 'health-check', cause: active.unconnected, since };
  }
  const { state } = active.circuit;
  if (state.kind === 'closed' || lastResort || active.forced === true) return undefined;
  return { reason: 'circuit-breaker', cause: 'the circuit breaker opened', since: state.since };
}

/** Monotonic time until which a failure is tolerated (failover delay or announced maintenance). */
export function failoverDueAt(
  { since }: DatabaseFailure,
  { unhealthyAfterMs, maintenanceEndsAt }: { unhealthyAfterMs: number; maintenanceEndsAt: number },
): number {
  return Math.max(since + unhealthyAfterMs, maintenanceEndsAt);
}
