import type { SwitchEvent } from '../events.js';
import type { HealingExplanation } from '../runtime/report/explain.js';
import type { DatabaseSnapshot } from '../runtime/report/snapshot.js';
import type { OperatedClient } from './client.js';
import { redact } from './redact.js';

/** What `GET /status` answers; `STATUS_SCHEMA` describes it. Times are ISO 8601, in UTC. */
export interface Status {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly state: 'closed' | 'connecting' | 'serving' | 'searching' | 'down';
  /** A database can serve. */
  readonly ready: boolean;
  readonly activeDatabase: string | null;
  /** In words, why it and no other. */
  readonly why: string | null;
  /** The active one serves although it isn't eligible, because none is. */
  readonly lastResort: boolean;
  /** The failover delay of the active database; null if it is healthy or there is none. */
  readonly healing: HealingStatus | null;
  readonly databases: readonly DatabaseStatus[];
  /** Oldest first. */
  readonly switches: readonly SwitchStatus[];
  /** What `explain()` prints. */
  readonly explanation: string;
}

export interface HealingStatus {
  readonly cause: string;
  /** The first sign of the failure. */
  readonly since: string;
  /** The database is left then if it still fails. */
  readonly leftAt: string;
}

export interface DatabaseStatus {
  readonly id: string;
  readonly weight: number;
  readonly active: boolean;
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  readonly cause: string | null;
  readonly connected: boolean;
  readonly breaker: 'closed' | 'open';
  readonly failures: number;
  readonly total: number;
  readonly gracePeriodLeftMs: number;
  readonly drained: boolean;
  /** When the drain ends by itself; null: not drained, or until it is resumed. */
  readonly drainEndsAt: string | null;
  readonly latencyMs: number | null;
  readonly lastProbe: ProbeStatus | null;
  /** What the database lacks to become active. */
  readonly lacks: readonly string[];
  /** The same in words. */
  readonly details: readonly string[];
  readonly possibleAt: string | null;
}

export interface ProbeStatus {
  readonly check: string;
  readonly healthy: boolean;
  readonly cause: string | null;
  readonly at: string;
  readonly latencyMs: number;
}

export interface SwitchStatus {
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly cause: string;
  readonly at: string;
  readonly generation: number;
  readonly durationMs: number;
}

export function statusOf(client: OperatedClient, wallTime: number): Status {
  const explanation = client.explain();
  const { active, others, state, switches } = explanation;
  const standbys = new Map(others.map((other) => [other.id, other]));
  return {
    schemaVersion: 1,
    at: new Date(wallTime).toISOString(),
    state,
    ready: client.isReady,
    activeDatabase: words(active?.id),
    why: words(active?.why),
    lastResort: active?.lastResort ?? false,
    healing: healingStatus(active?.healing),
    databases: client.databases.map((database) => {
      const standby = standbys.get(database.id);
      return {
        ...databaseStatus(database, wallTime),
        lacks: standby?.lacks ?? [],
        details: (standby?.details ?? []).map(redact),
        possibleAt: standby?.possibleAt?.toISOString() ?? null,
      };
    }),
    switches: switches.map(switchStatus),
    explanation: explanation.toString().split('\n').map(redact).join('\n'),
  };
}

function healingStatus(healing: HealingExplanation | undefined): HealingStatus | null {
  if (healing === undefined) return null;
  const { cause, since, leftAt } = healing;
  return { cause: redact(cause), since: since.toISOString(), leftAt: leftAt.toISOString() };
}

function databaseStatus(database: DatabaseSnapshot, wallTime: number) {
  const { lastProbe, drainLeftMs } = database;
  const drainEnds = drainLeftMs > 0 && Number.isFinite(drainLeftMs);
  return {
    id: redact(database.id),
    weight: database.weight,
    active: database.active,
    health: database.health,
    cause: words(database.cause),
    connected: database.connected,
    breaker: database.breaker,
    failures: database.failures,
    total: database.total,
    gracePeriodLeftMs: Math.round(database.gracePeriodLeftMs),
    drained: drainLeftMs > 0,
    drainEndsAt: drainEnds ? new Date(wallTime + drainLeftMs).toISOString() : null,
    latencyMs: rounded(database.latencyMs),
    lastProbe:
      lastProbe === undefined
        ? null
        : {
            check: redact(lastProbe.check),
            healthy: lastProbe.healthy,
            cause: words(lastProbe.cause),
            at: lastProbe.at.toISOString(),
            latencyMs: rounded(lastProbe.latencyMs) ?? 0,
          },
  };
}

export function switchStatus(event: SwitchEvent): SwitchStatus {
  const { from, to, reason, cause, at, generation, durationMs } = event;
  return {
    from: words(from),
    to: words(to),
    reason,
    cause: redact(cause),
    at: at.toISOString(),
    generation,
    durationMs: rounded(durationMs) ?? 0,
  };
}

function words(text: string | undefined): string | null {
  return text === undefined ? null : redact(text);
}

/** To microseconds; what isn't a number at all is null, as JSON has it. */
function rounded(ms: number | undefined): number | null {
  return ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms * 1000) / 1000;
}
