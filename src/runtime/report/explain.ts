import { inspect } from 'node:util';
import { cleanText } from '../../clean-text.js';
import { REDIRECTS } from '../../core/connect-diagnosis.js';
import {
  type IneligibilityReason,
  ineligibilityReasons,
  isEligible,
} from '../../core/selection.js';
import type { SwitchEvent } from '../../events.js';
import type { Database } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { PreparationReport } from '../failover/failback-preparation.js';
import type { DelayedFailure } from '../failover/failover-delay.js';
import { nameTroubles } from './name-troubles.js';
import { explainSteering, type SteeringExplanation, steeringLines } from './steering-report.js';

/** Maximum length of a line: enough for several causes. */
const LONGEST_LINE = 20_000;

/** The active database, and why it is the active one. */
export interface ActiveExplanation {
  /** The id of the database. */
  readonly id: string;
  /** Description of why this database is the active one. */
  readonly why: string;
  /** Whether the database serves although it is not eligible, because no database is. */
  readonly lastResort: boolean;
  /** Set while `forceActiveDatabase()` keeps the database active. */
  readonly forced: ForcedExplanation | undefined;
  /** The failure of the database during a failover delay; undefined while it is healthy. */
  readonly healing: HealingExplanation | undefined;
}

/** The active database is kept by `forceActiveDatabase()`. */
export interface ForcedExplanation {
  /** Whether the database is not left even if it fails. */
  readonly unchecked: boolean;
  /** When the client chooses by itself again; undefined: when the database is released. */
  readonly until: Date | undefined;
}

/** A failover delay: by `unhealthyAfterMs`, or because the database announced maintenance. */
export interface HealingExplanation {
  /** Description of the failure. */
  readonly cause: string;
  /** Time of the first sign of the failure. */
  readonly since: Date;
  /** When the database is left if it still fails. */
  readonly leftAt: Date;
}

/** A database that is not active, and what it lacks to become active. */
export interface StandbyExplanation {
  /** The id of the database. */
  readonly id: string;
  /**
   * What the database lacks to become active. Empty: it is eligible, and waits for a higher weight or for
   * the next failback check.
   */
  readonly lacks: readonly IneligibilityReason[];
  /** Descriptions of what the database lacks, with reasons and times. */
  readonly details: readonly string[];
  /** When the database could become active, if known. */
  readonly possibleAt: Date | undefined;
}

/** What `explain()` returns: typed values, and text when it is printed. */
export class Explanation {
  constructor(
    /**
     * `closed`: not connected; `connecting`: `connect()` is in progress; `serving`: a database is
     * active; `searching`: the active database was left, every other one is probed again, and
     * commands wait; `down`: none can serve, commands fail at once, and probing continues.
     */
    readonly state: 'closed' | 'connecting' | 'serving' | 'searching' | 'down',
    /** The active database; undefined while there is none. */
    readonly active: ActiveExplanation | undefined,
    /** Every other database, in order of configuration. */
    readonly others: readonly StandbyExplanation[],
    /** The last 20 switches, oldest first. */
    readonly switches: readonly SwitchEvent[],
    /**
     * The next failback check. Undefined: no database is active, automatic failback is off, or
     * `forceActiveDatabase()` holds the active one without a limit.
     */
    readonly nextFailbackCheckAt: Date | undefined,
    /** What is obeyed of steering, and how its sources are; undefined without the option `steering`. */
    readonly steering: SteeringExplanation | undefined = undefined,
  ) {}

  /** Returns the explanation as lines of text. */
  toString(): string {
    const lines = [
      this.active === undefined
        ? `no active database (${this.state})`
        : `active: ${this.active.id} (${this.active.why})`,
    ];
    for (const other of this.others) {
      lines.push(`  ${other.id}: ${other.details.join('; ')}`);
    }
    lines.push(...steeringLines(this.steering));
    if (this.switches.length > 0) lines.push('last switches:');
    for (const { at, from, to, reason, cause, durationMs } of this.switches) {
      const took = durationMs > 0 ? `, ${Math.round(durationMs)} ms after the first sign` : '';
      lines.push(
        `  ${at.toISOString()} ${from ?? 'none'} -> ${to ?? 'none'}: ${reason} (${cause}${took})`,
      );
    }
    // An id, or a cause of a custom strategy, must not look like a line of its own.
    return lines.map((line) => cleanText(line, LONGEST_LINE)).join('\n');
  }

  /** Returns the same text for `console.log`. */
  [inspect.custom](): string {
    return this.toString();
  }
}

export function explain(coordinator: Coordinator): Explanation {
  const { route, phase } = coordinator;
  const active = route.database;
  const state = phase === 'running' ? route.state : phase === 'starting' ? 'connecting' : 'closed';
  return new Explanation(
    state,
    active === undefined
      ? undefined
      : {
          id: active.id,
          why: [whyActive(coordinator, active), ...remarks(coordinator, active)].join('; '),
          lastResort: route.lastResort,
          forced: forced(coordinator),
          healing: healing(coordinator),
        },
    coordinator
      .all()
      .filter((database) => database !== active)
      .map((database) => explainStandby(coordinator, database, active)),
    coordinator.router.history.switches,
    nextFailbackCheckAt(coordinator),
    explainSteering(coordinator),
  );
}

function nextFailbackCheckAt({
  failbackSchedule,
  hold,
  now,
  route,
  runtime,
}: Coordinator): Date | undefined {
  if (route.database === undefined || !failbackSchedule.supported) return undefined;
  const inMs = Math.max(failbackSchedule.nextCheckAt, hold.endsAt) - now;
  if (!Number.isFinite(inMs)) return undefined;
  return new Date(runtime.clock.wallTime() + Math.max(inMs, 0));
}

function forced({ hold, now, route, runtime }: Coordinator): ForcedExplanation | undefined {
  const { database } = route;
  if (!hold.lasts || database === undefined) return undefined;
  const leftMs = hold.endsAt - now;
  const until = Number.isFinite(leftMs) ? new Date(runtime.clock.wallTime() + leftMs) : undefined;
  return { unchecked: database.unchecked, until };
}

function healing({ failover, now, runtime }: Coordinator): HealingExplanation | undefined {
  const { delayedFailure } = failover;
  if (delayedFailure === undefined) return undefined;
  const { cause, since, leaveAt } = delayedFailure;
  const wallTime = runtime.clock.wallTime();
  return {
    cause,
    since: new Date(wallTime - (now - since)),
    leftAt: new Date(wallTime + (leaveAt - now)),
  };
}

function whyActive(coordinator: Coordinator, active: Database): string {
  const { hold, now } = coordinator;
  const { delayedFailure } = coordinator.failover;
  if (active.unchecked) return whyUnchecked(coordinator, active);
  if (delayedFailure !== undefined) return whyKept(coordinator, active, delayedFailure);
  if (coordinator.route.lastResort) return `last resort: ${whyLastResort(coordinator, active)}`;
  if (active.forced) return 'forced by steering';
  if (hold.lasts) {
    return Number.isFinite(hold.endsAt)
      ? `forced for another ${seconds(hold.endsAt - now)}`
      : 'forced until the next manual switch';
  }
  const heavier = coordinator
    .all()
    .filter(
      (other) => other.weight > active.weight && ineligibilityReasons(other, now).length === 0,
    );
  if (heavier.length === 0) return `highest weight (${active.weight}) of the eligible databases`;
  const last = coordinator.router.history.switches.at(-1);
  return `chosen: ${last?.reason ?? 'manual'}; ${heavier[0]?.id} is eligible and has a higher weight`;
}

function whyLastResort(coordinator: Coordinator, active: Database): string {
  const { now } = coordinator;
  const eligible = coordinator.all().filter((other) => other !== active && isEligible(other, now));
  if (eligible.length === 0) return 'no database is eligible';
  const isForWrites = !active.readOnly && eligible.every(({ readOnly }) => readOnly);
  return isForWrites
    ? 'no eligible database takes writes'
    : 'it has recovered, and is not left yet';
}

/** Says how long failures of the database change nothing, and what fails now. */
function whyUnchecked({ hold, now }: Coordinator, active: Database): string {
  const time = Number.isFinite(hold.endsAt)
    ? `for another ${seconds(hold.endsAt - now)}`
    : 'until it is released';
  const failures = ineligibilityReasons(active, now)
    .filter((lack) => lack !== 'grace period' && lack !== 'gate closed')
    .map((lack) => describe(lack, active, now));
  return [`forced without checks ${time}`, ...failures].join('; ');
}

/** Explains why commands wait for a database that fails. */
function whyKept(
  { now }: Coordinator,
  { maintenanceEndsAt, options }: Database,
  { cause, since, leaveAt }: DelayedFailure,
): string {
  const isAnnounced = maintenanceEndsAt > since + options.unhealthyAfterMs;
  const why = isAnnounced ? 'announced maintenance' : 'unhealthyAfterMs';
  return `has failed for ${seconds(now - since)} (${cause}); failover delay ends in ${seconds(leaveAt - now)} (${why})`;
}

/** What even the last resort needs. */
const REQUIRED: readonly IneligibilityReason[] = ['unhealthy', 'not connected'];
const LAST_RESORT = 'serves as soon as it is healthy and connected, because no database is active';

/** Remarks that help to find a problem but do not decide which database is active. */
function remarks({ health, now }: Coordinator, database: Database): string[] {
  const found: string[] = [];
  const degraded = health.slowness.degradedCause(database);
  if (degraded !== undefined) found.push(`degraded (${degraded})`);
  const adaptive = adaptiveLimits(database, now);
  if (adaptive !== undefined) found.push(adaptive);
  if (database.readOnly) found.push('serving reads only, until it is promoted');
  if (!database.isChecked) found.push('health is not checked');
  if (database.redirects) found.push(REDIRECTS);
  if (!database.gatesOpen) found.push(`gate closed (${database.gateCause})`);
  return [...found, ...nameTroubles(database)];
}

function explainStandby(
  coordinator: Coordinator,
  database: Database,
  active: Database | undefined,
): StandbyExplanation {
  const { now } = coordinator;
  const missing = ineligibilityReasons(database, now);
  const details = missing.map((lack) => describe(lack, database, now));
  const isSought = active === undefined && coordinator.phase === 'running';
  if (isSought && missing.some((lack) => !REQUIRED.includes(lack))) details.push(LAST_RESORT);
  let possibleInMs: number | undefined;
  if (missing.length === 0) {
    if (active === undefined) {
      details.push('eligible, about to be chosen');
    } else if (database.weight === active.weight && coordinator.preference.prefer !== undefined) {
      details.push(
        `eligible, with the same weight; ${coordinator.preference.state(database, active)}`,
      );
    } else if (database.weight <= active.weight) {
      details.push(`eligible, but its weight (${database.weight}) is not higher`);
    } else if (!coordinator.failbackSchedule.supported) {
      details.push('eligible; automatic failback is off');
    } else {
      const { failbackSchedule, hold } = coordinator;
      const checkAt = Math.max(failbackSchedule.nextCheckOf(database), hold.endsAt);
      const rampEndsAt = coordinator.ramp.dueAt(database);
      possibleInMs = (rampEndsAt ?? checkAt) - now;
      const preparation = coordinator.preparation.report(database);
      if (preparation !== undefined) details.push(describePreparation(preparation, now));
      details.push(
        rampEndsAt !== undefined
          ? `eligible; failbackRampMs lets this client return in ${seconds(possibleInMs)}`
          : Number.isFinite(possibleInMs)
            ? `eligible; the next failback check is in ${seconds(possibleInMs)}`
            : `eligible; ${active.id} is forced until the next manual switch`,
      );
    }
  } else if (missing.length === 1 && missing[0] === 'grace period') {
    possibleInMs = database.graceEndsAt - now;
  } else if (missing.length === 1 && missing[0] === 'drained') {
    possibleInMs = database.drainEndsAt - now;
  }
  const adaptive = adaptiveLimits(database, now);
  if (adaptive !== undefined) details.push(adaptive);
  if (database.readOnly) details.push('serves reads only');
  if (!database.isChecked) details.push('health is not checked');
  if (database.redirects) details.push(REDIRECTS);
  details.push(...nameTroubles(database));
  const isKnown = possibleInMs !== undefined && Number.isFinite(possibleInMs);
  const wallTime = coordinator.runtime.clock.wallTime();
  return {
    id: database.id,
    lacks: missing,
    details,
    possibleAt: isKnown ? new Date(wallTime + (possibleInMs ?? 0)) : undefined,
  };
}

function describe(lack: IneligibilityReason, database: Database, now: number): string {
  switch (lack) {
    case 'unhealthy':
      return `unhealthy (${database.cause})`;
    case 'not connected':
      // The reason is usually the same.
      return database.health === 'unhealthy'
        ? `no data connection to ${database.driver.address}`
        : database.unconnected;
    case 'grace period':
      return `grace period ends in ${seconds(database.graceEndsAt - now)}`;
    case 'gate closed':
      return `gate closed (${database.gateCause})`;
    case 'slow':
      return `slow (${database.slow})`;
    case 'drained':
      if (database.ownDrainEndsAt < database.drainEndsAt) {
        return Number.isFinite(database.drainEndsAt)
          ? `drained by steering for another ${seconds(database.drainEndsAt - now)}`
          : 'drained by steering';
      }
      return Number.isFinite(database.drainEndsAt)
        ? `drained for another ${seconds(database.drainEndsAt - now)}`
        : 'drained';
    default:
      return lack;
  }
}

function describePreparation(report: PreparationReport, now: number): string {
  return report.kind === 'running'
    ? `beforeFailback has been running for ${seconds(now - report.startedAt)}`
    : `beforeFailback failed (${report.why}); the next failback check calls it again`;
}

function adaptiveLimits({ responseTimes, options }: Database, now: number): string | undefined {
  if (responseTimes === undefined) return undefined;
  const { suspectAfterMs, patienceMs } = responseTimes.values(now);
  const suspect = options.adaptiveSuspicion
    ? `suspect after ${Math.round(suspectAfterMs)} ms, `
    : '';
  return `adaptive: ${suspect}patience ${Math.round(patienceMs)} ms`;
}

function seconds(ms: number): string {
  return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
}
