import { CircuitBreaker, type OutcomeJudge } from '../core/circuit-breaker.js';
import type { DatabaseFailure } from '../core/database-failure.js';
import type { GraceRecord } from '../core/grace-period.js';
import type { ProbeLatency } from '../core/probe-latency.js';
import { ResponseTimes } from '../core/response-times.js';
import type { DatabaseView } from '../core/selection.js';
import { SlowCalls } from '../core/slow-calls.js';
import type { SteeredView } from '../core/steering/overlay.js';
import type { Driver } from '../drivers/driver.js';
import type { SwitchReason } from '../events.js';
import { diagnosisOf, foreignError, foreignReason } from '../foreign/foreign-error.js';
import { ADAPTIVE_BOUNDS } from '../options/adaptive.js';
import type { ResolvedDatabase, ResolvedHealthCheck } from '../options/types.js';
import type { ReconnectingConnection } from './connection/reconnecting-connection.js';
import { DatabaseCounters } from './counters.js';
import type { ProbeRecord } from './probe-record.js';

/** What the health checks say of a database; `unknown` before the first verdict. */
export type Health = 'unknown' | 'healthy' | 'unhealthy';

/** Why a database was left the last time. */
export interface FailoverRecord {
  readonly reason: DatabaseFailure['reason'];
  readonly cause: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** The last time that the database stopped being active. */
export interface TurnEnd {
  readonly id: string;
  readonly reason: SwitchReason;
  readonly cause: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/**
 * State of one database. Only the coordinator and its parts write it; everything else may read it.
 */
export class Database implements DatabaseView {
  /** Changes when the database is left, removed or reconfigured: older verdicts are void. */
  incarnation = 1;
  /** The incarnation of the latest verdict on its health. */
  verifiedFor = 1;
  /** As configured or set by hand. */
  ownWeight: number;
  /** As configured, and changed at run time. Empty: its health is not checked. */
  healthChecks: readonly ResolvedHealthCheck[];
  /** What steering changes while it is obeyed. */
  steered: SteeredView | undefined;
  health: Health = 'unknown';
  /** Why it is unhealthy, in words. */
  cause: string | undefined;
  #lastError: Error | undefined;
  #connectionError: Error | undefined;
  lastProbe: ProbeRecord | undefined;
  graceEndsAt = 0;
  /** The latest grace period, also after its end, unless the failure state was cleared. */
  latestGrace: GraceRecord | undefined;
  /** Monotonic time until which it is drained by hand; Infinity: until the drain is ended. */
  ownDrainEndsAt = 0;
  left: FailoverRecord | undefined;
  /** Set while the database is not active after it was. */
  turnEnd: TurnEnd | undefined;
  /**
   * The database was eligible at some time. Before that, it becomes active at once when it is
   * better.
   */
  wasEligible = false;
  gatesOpen = true;
  gateCause: string | undefined;
  /**
   * - `candidate`: on trial as the replacement of the member with the same id; neither selected nor
   *   reported
   * - `member`: part of the group
   * - `removed`: left the group
   */
  membership: 'candidate' | 'member' | 'removed' = 'member';
  /** Monotonic time of the first sign of the current failure; undefined while healthy. */
  failingSince: number | undefined;
  /** Monotonic time since which no data connection can be established; undefined: one can. */
  unconnectedSince: number | undefined;
  /** A data connection was ready at some time. */
  wasConnected = false;
  /** The database replied with MOVED although its topology is not a cluster. */
  redirects = false;
  /** The data connection could not be established within one probe timeout. */
  connectionFailed = false;
  /**
   * Monotonic time at which a new connection could be made; undefined: not yet, or not since the
   * database was left.
   */
  reachedAt: number | undefined;
  /** Monotonic time until which its announced maintenance excuses failures. */
  maintenanceEndsAt = 0;
  /** One per client of the group. */
  readonly links: ReconnectingConnection[] = [];
  readonly circuit: CircuitBreaker;
  /** Undefined if no call counts as slow. */
  readonly slowCalls: SlowCalls | undefined;
  /** Undefined unless a limit is derived from them. */
  responseTimes: ResponseTimes | undefined;
  /** The durations of its latest healthy probes; undefined where nothing is chosen by them. */
  probeLatency: ProbeLatency | undefined;
  /** Why it counts as slow, in words: it was left for that, and is not fast again. */
  slow: string | undefined;

  /** An operator holds it as the active one, and it is not left for any failure. */
  unchecked = false;
  /** It serves reads only: a replica that was not promoted yet. */
  readOnly = false;
  /** Whether `writable: 'auto'` has found out so far if it takes writes. */
  writabilityKnown = false;

  constructor(
    readonly options: ResolvedDatabase,
    /** Position among the databases; the lower one wins among equal weights. */
    readonly order: number,
    readonly driver: Driver,
    readonly counters = new DatabaseCounters(),
    judge?: OutcomeJudge,
  ) {
    this.ownWeight = options.weight;
    this.healthChecks = options.healthChecks;
    this.readOnly = options.writable === false;
    const { failureDetector } = options;
    this.circuit = new CircuitBreaker(failureDetector, judge);
    const { slowCallMs } = failureDetector;
    this.slowCalls =
      slowCallMs === undefined ? undefined : new SlowCalls({ ...failureDetector, slowCallMs });
    const isAdaptive =
      options.adaptiveSuspicion || this.healthChecks.some((check) => check.adaptiveTimeout);
    if (isAdaptive) this.measure();
    if (!this.isChecked) this.health = 'healthy';
  }

  /** A limit is derived from its response times from now on. Idempotent. */
  measure(): void {
    this.responseTimes ??= new ResponseTimes(ADAPTIVE_BOUNDS);
  }

  get id(): string {
    return this.options.id;
  }

  /** The weight that counts. */
  get weight(): number {
    return this.steered?.weight ?? this.ownWeight;
  }

  /** Monotonic time until which it is drained, by hand or by steering. */
  get drainEndsAt(): number {
    return Math.max(this.ownDrainEndsAt, this.steered?.drainEndsAt ?? 0);
  }

  get forced(): boolean {
    return this.steered?.forced === true;
  }

  /** The latest error, bounded in length and without secrets. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  set lastError(error: unknown) {
    this.#lastError = error === undefined ? undefined : foreignError(error);
  }

  /** Why the latest data connection could not be established, until one is; without secrets. */
  get connectionError(): Error | undefined {
    return this.#connectionError;
  }

  set connectionError(error: unknown) {
    this.#connectionError = error === undefined ? undefined : foreignError(error);
  }

  /** The diagnosed configuration mistake of a database that was never connected. */
  get mistake(): Error | undefined {
    const error = this.#connectionError;
    return !this.wasConnected && diagnosisOf(error) !== undefined ? error : undefined;
  }

  /** A description of the missing data connection, with its reason. */
  get unconnected(): string {
    const what = `no data connection to ${this.driver.address}`;
    const error = this.#connectionError;
    return error === undefined ? what : `${what}: ${foreignReason(error)}`;
  }

  get breaker(): 'closed' | 'open' {
    return this.circuit.state.kind;
  }

  /**
   * Whether every client's connection that counts is ready. An idle connection of a lazy standby
   * counts as ready if the latest attempt to open any connection succeeded.
   */
  get connected(): boolean {
    return this.links.every(
      (link) =>
        !link.requiredForAvailability ||
        link.connection !== undefined ||
        (link.idle && this.#isReachable),
    );
  }

  /**
   * Monotonic time since which every data connection that counts has answered. Without one, the
   * time at which a connection could be established.
   */
  get answeredAt(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { requiredForAvailability: counts, connection, answeredAt } of this.links) {
      if (!counts) continue;
      const at = connection === undefined ? this.reachedAt : answeredAt;
      earliest = Math.min(earliest, at ?? Number.NEGATIVE_INFINITY);
    }
    return earliest;
  }

  get #isReachable(): boolean {
    return this.reachedAt !== undefined && !this.connectionFailed;
  }

  /**
   * Whether the database is a lazy standby: only a connection that is opened for that purpose shows
   * whether it is reachable.
   */
  get resting(): boolean {
    return this.links.every((link) => link.idle);
  }

  get unverified(): boolean {
    return this.verifiedFor !== this.incarnation && this.isChecked;
  }

  /** Whether health checks decide about the health of the database. */
  get isChecked(): boolean {
    return this.healthChecks.some((check) => check.role === 'full');
  }

  /** Whether it may be a replica that is not promoted yet: refused writes are no failure then. */
  get mayBeReadOnly(): boolean {
    return this.options.writable !== undefined;
  }

  get removed(): boolean {
    return this.membership === 'removed';
  }

  get disabled(): string | undefined {
    return this.removed ? 'removed' : undefined;
  }
}
