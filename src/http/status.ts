import type { SwitchEvent } from '../events.js';
import type { ForcedExplanation, HealingExplanation } from '../runtime/report/explain.js';
import type { DatabaseSnapshot } from '../runtime/report/snapshot.js';
import type { SteeringExplanation, SteeringSummary } from '../runtime/report/steering-report.js';
import type { OperatedClient } from './client.js';
import { redact, redactAuthor } from './redact.js';

/** The answer of `GET /status`; `STATUS_SCHEMA` describes it. Times are ISO 8601, in UTC. */
export interface Status {
  /** The version of this format. */
  readonly schemaVersion: 1;
  /** When the status was made. */
  readonly at: string;
  /** What the client does, as in `explain()`. */
  readonly state: 'closed' | 'connecting' | 'serving' | 'searching' | 'down';
  /** Whether a database can serve. */
  readonly ready: boolean;
  /** Id of the active database; null: none. */
  readonly activeDatabase: string | null;
  /** Why this database is active. */
  readonly why: string | null;
  /** Whether the active database is the last resort: not eligible, but no other one is. */
  readonly lastResort: boolean;
  /** How long the active database is forced; null if it is not. */
  readonly forced: ForcedStatus | null;
  /** The failover delay of the active database; null if it is healthy or there is none. */
  readonly healing: HealingStatus | null;
  /** The next look for a better database; null: there is none. */
  readonly nextFailbackCheckAt: string | null;
  /** Every database, in order of configuration. */
  readonly databases: readonly DatabaseStatus[];
  /** Oldest first. */
  readonly switches: readonly SwitchStatus[];
  /** Steering; null without the option `steering`. */
  readonly steering: SteeringStatus | null;
  /** What `explain()` prints. */
  readonly explanation: string;
}

/** Steering, as this client sees it. */
export interface SteeringStatus {
  /** The option `instanceId`. */
  readonly instanceId: string;
  /** The place of this client in a spread, from 0 to 1. */
  readonly place: number;
  /** The document that is obeyed; null without one. */
  readonly obeyed: SteeringDocumentStatus | null;
  /** A newer document, which is obeyed later; null without one. */
  readonly next: SteeringDocumentStatus | null;
  /** Why this client no longer obeys a document; null if it does. */
  readonly stopped: string | null;
  /** What the latest reading of each source found. */
  readonly sources: readonly {
    /** The name of the source, with the place in it. */
    readonly source: string;
    /** `ok`, or what is wrong. */
    readonly state: string;
    /** The same in words; null if nothing is wrong. */
    readonly cause: string | null;
  }[];
}

/** One steering document. */
export interface SteeringDocumentStatus {
  /** The version of the document. */
  readonly version: number;
  /** Who published it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
  /** What it asks for, in words. */
  readonly asks: string;
  /** When this client begins to obey, or began. */
  readonly obeyedAt: string;
  /** When this client ceases to obey; null: when a newer document replaces it. */
  readonly until: string | null;
}

/** The active database is kept by `forceActiveDatabase()`. */
export interface ForcedStatus {
  /** Whether the database is not left even if it fails. */
  readonly unchecked: boolean;
  /** When the client chooses by itself again; null: when the database is released. */
  readonly until: string | null;
}

/** The active database fails and has time to heal before it is left. */
export interface HealingStatus {
  /** What fails, in words. */
  readonly cause: string;
  /** The first sign of the failure. */
  readonly since: string;
  /** The database is left then if it still fails. */
  readonly leftAt: string;
}

/** One database, as in `client.databases`. */
export interface DatabaseStatus {
  /** The id of the database. */
  readonly id: string;
  /** The weight of the database. */
  readonly weight: number;
  /** Whether new commands go to this database. */
  readonly active: boolean;
  /** What the health checks say. */
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Why the database is unhealthy; null when it is not. */
  readonly cause: string | null;
  /** Whether the data connections of all clients are ready. */
  readonly connected: boolean;
  /** The state of the circuit breaker. */
  readonly breaker: 'closed' | 'open';
  /** Failures in the sliding window. */
  readonly failures: number;
  /** All outcomes in the sliding window. */
  readonly total: number;
  /** Whether it is active and slow, or was left for that and is not fast again. */
  readonly slow: boolean;
  /** Slow calls in the sliding window. */
  readonly slowCalls: number;
  /** Whether the database serves reads only, until it is promoted. */
  readonly readOnly: boolean;
  /** What is left of the grace period, in milliseconds; 0: none. */
  readonly gracePeriodLeftMs: number;
  /** Whether the database is kept away from traffic manually. */
  readonly drained: boolean;
  /** When the drain ends by itself; null: not drained, or until it is resumed. */
  readonly drainEndsAt: string | null;
  /** Latency of the latest probe in milliseconds; null before the first one. */
  readonly latencyMs: number | null;
  /** The latest probe; null before the first one. */
  readonly lastProbe: ProbeStatus | null;
  /** What the database lacks to become active. */
  readonly lacks: readonly string[];
  /** The same in words. */
  readonly details: readonly string[];
  /** When the database could become active; null where that is not known. */
  readonly possibleAt: string | null;
}

/** One probe of a health check. */
export interface ProbeStatus {
  /** The name of the health check. */
  readonly check: string;
  /** Whether the probe found the database healthy. */
  readonly healthy: boolean;
  /** What failed, in words; null for a healthy probe. */
  readonly cause: string | null;
  /** When the probe ended. */
  readonly at: string;
  /** How long the probe took, in milliseconds. */
  readonly latencyMs: number;
}

/** One change of the active database. */
export interface SwitchStatus {
  /** Id of the database that was active before; null: none. */
  readonly from: string | null;
  /** Id of the database that became active; null: none. */
  readonly to: string | null;
  /** The kind of cause, a `SwitchReason`. */
  readonly reason: string;
  /** What led to the switch, in words. */
  readonly cause: string;
  /** When the switch happened. */
  readonly at: string;
  /** The number of the switch, from 1. */
  readonly generation: number;
  /** Milliseconds from the first sign that led to the switch. */
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
    forced: forcedStatus(active?.forced),
    healing: healingStatus(active?.healing),
    nextFailbackCheckAt: explanation.nextFailbackCheckAt?.toISOString() ?? null,
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
    steering: steeringStatus(explanation.steering),
    explanation: explanation.toString().split('\n').map(redact).join('\n'),
  };
}

function forcedStatus(forced: ForcedExplanation | undefined): ForcedStatus | null {
  if (forced === undefined) return null;
  return { unchecked: forced.unchecked, until: forced.until?.toISOString() ?? null };
}

function steeringStatus(steering: SteeringExplanation | undefined): SteeringStatus | null {
  if (steering === undefined) return null;
  const { instanceId, place, obeyed, next, stopped, sources } = steering;
  return {
    instanceId: redact(instanceId),
    place,
    obeyed: steeringDocument(obeyed),
    next: steeringDocument(next),
    stopped: words(stopped?.why),
    sources: sources.map(({ source, state, cause }) => ({
      source: redact(source),
      state,
      cause: words(cause),
    })),
  };
}

function steeringDocument(summary: SteeringSummary | undefined): SteeringDocumentStatus | null {
  if (summary === undefined) return null;
  const { version, by, reason, asks, obeyedAt, until } = summary;
  return {
    version,
    by: redactAuthor(by),
    reason: redact(reason),
    asks: redact(asks),
    obeyedAt: obeyedAt.toISOString(),
    until: until?.toISOString() ?? null,
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
    slow: database.slow,
    slowCalls: database.slowCalls,
    readOnly: database.readOnly,
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
