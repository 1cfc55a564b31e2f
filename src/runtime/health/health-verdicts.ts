import type { DatabaseHealthyEvent, MultiDbEvents } from '../../events.js';
import { ownError } from '../../foreign/own-error.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { ProbeRecord } from '../probe-record.js';
import type { RouteSource } from '../route.js';
import type { ConnectionRenewal } from './connection-renewal.js';
import type { HealthListener } from './health-listener.js';
import type { HealthMonitor, HealthMonitorListener } from './health-monitor.js';
import type { Verdict } from './probe.js';
import type { ProbeLines } from './probe-target.js';
import type { Verification } from './verification.js';

/** What the verdicts of the checks concern. */
export interface HealthVerdictsHost {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  readonly renewal: ConnectionRenewal;
  readonly verification: Pick<Verification, 'unansweredSince'>;
}

/**
 * Records in each database what its health checks say: their probes, its health and its gates.
 * Reports changes of the health as events.
 */
export class HealthVerdicts implements HealthMonitorListener {
  constructor(
    private readonly runtime: EngineContext,
    private readonly router: RouteSource,
    private readonly host: HealthVerdictsHost,
    private readonly listener: HealthListener,
  ) {}

  onProbe(database: Database, record: ProbeRecord): void {
    database.lastProbe = record;
    database.counters.noteProbe(record);
    this.#noteLatency(database, record);
    const { counters, onProbe } = this.runtime;
    if (database.membership === 'member') onProbe?.(database.id, record, counters);
  }

  /** Only the first full check: the probes of others do something else. */
  #noteLatency(database: Database, { healthy, check, latencyMs }: ProbeRecord): void {
    const { probeLatency, healthChecks } = database;
    if (probeLatency === undefined || !healthy) return;
    if (healthChecks.find(({ role }) => role === 'full')?.name !== check) return;
    probeLatency.add(latencyMs);
    this.listener.onLatency();
  }

  onOutdated(database: Database, why: Error, bySide: boolean): void {
    this.host.renewal.followProbes(database, why, bySide);
  }

  onRefuted(database: Database, stateWord: string, bySide = false): void {
    const message = `a command was refused (${stateWord}), and a check over a new connection passes`;
    this.host.renewal.followProbes(database, ownError(message), bySide);
  }

  onMoved(database: Database, why: Error): void {
    this.host.renewal.renewAll(database, why);
  }

  onGates(database: Database, cause: string | undefined): void {
    const wereOpen = database.gatesOpen;
    noteGates(database, cause);
    if (wereOpen !== database.gatesOpen) this.listener.changed(database);
  }

  onHealthVerdict(database: Database, { healthy, cause, error }: Verdict): void {
    if (error !== undefined) database.lastError = error;
    const before = database.health;
    const { id } = database;
    const at = timestamp(this.runtime);
    database.health = healthy ? 'healthy' : 'unhealthy';
    database.verifiedFor = database.incarnation;
    database.cause = cause;
    if (healthy) {
      if (!database.connectionFailed) database.failingSince = undefined;
      if (before !== 'healthy') {
        // Links that wait before a reconnect need not wait any longer.
        for (const link of [...database.links]) link.hurry(0);
        this.#tell(database, 'database-healthy', healthyEvent(this.runtime, database));
      }
    } else {
      database.failingSince ??= this.host.verification.unansweredSince(database) ?? this.#now;
      if (before !== 'unhealthy') {
        const why = cause ?? 'unhealthy';
        this.#tell(database, 'database-unhealthy', { id, cause: why, error, at });
      }
    }
    this.listener.changed(database, healthy ? undefined : 'unavailable');
  }

  linesBeside(database: Database): readonly ProbeLines[] {
    return [...this.host.monitors]
      .filter(([other]) => other !== database && other.membership === 'member')
      .map(([, { sideLines }]) => sideLines);
  }

  oneProbeIsEnough(database: Database): boolean {
    const { health, maintenanceEndsAt } = database;
    if (health === 'unknown' || this.router.route.database === undefined) return true;
    return health === 'unhealthy' && maintenanceEndsAt > this.#now;
  }

  /** `successor`, which is healthy, has replaced a database whose reported health is void. */
  tellHealthy(successor: Database): void {
    this.#tell(successor, 'database-healthy', healthyEvent(this.runtime, successor));
  }

  /** Emits the event for members only. */
  #tell<Name extends 'database-healthy' | 'database-unhealthy'>(
    { membership }: Database,
    name: Name,
    ...event: MultiDbEvents[Name]
  ): void {
    if (membership === 'member') this.runtime.emit(name, ...event);
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}

/** Records the gates of a database. `cause`: why one of them is closed. */
export function noteGates(database: Database, cause: string | undefined): void {
  database.gatesOpen = cause === undefined;
  database.gateCause = cause;
}

/** The event of a database that is healthy now, with the end of its grace period. */
export function healthyEvent(
  runtime: Pick<EngineContext, 'clock'>,
  { id, graceEndsAt }: Database,
): DatabaseHealthyEvent {
  const at = timestamp(runtime);
  const graceLeftMs = Math.max(graceEndsAt - runtime.clock.now(), 0);
  return { id, at, eligibleAt: new Date(at.getTime() + graceLeftMs) };
}
