import { COMMAND_FAILURES, type CommandFailure } from '../core/command-failure.js';
import { LatencyHistogram } from '../core/latency-histogram.js';
import type { SwitchReason } from '../events.js';
import { processState } from '../process-state.js';
import type { ProbeRecord } from './probe-record.js';

/** How commands ended. Only grows. */
export class CommandCounters {
  succeeded = 0;
  /** Number of failed commands that may have been executed all the same. */
  outcomeUnknown = 0;
  readonly failed = Object.fromEntries(COMMAND_FAILURES.map((failure) => [failure, 0])) as Record<
    CommandFailure,
    number
  >;
}

export class ProbeCounters {
  passed = 0;
  failed = 0;
  timedOut = 0;
  /** Latency of the probes that passed. */
  readonly latency = new LatencyHistogram();
}

/**
 * Counters of one database. They only grow; an increment on a plain object is all that they cost on
 * the command path.
 */
export class DatabaseCounters extends CommandCounters {
  retries = 0;
  /** Repeats that the retry budget did not allow. */
  retriesSuppressed = 0;
  /** Reads of another database that were sent to this standby as well. */
  hedgesSent = 0;
  /** How many of these this standby answered first. */
  hedgesWon = 0;
  /** Reads of this database that `hedging.maxShare` did not allow to be sent to a standby. */
  hedgesSuppressed = 0;
  /** Commands that had been sent to this database and moved to another one at a switch. */
  moved = 0;
  /** How many of these moved while their first attempt was still in flight. */
  sentTwice = 0;
  breakerOpened = 0;
  /** Calls that took longer than `slowCallMs`. */
  slowCalls = 0;
  /** Probe counters by the name of the check. */
  readonly probes = new Map<string, ProbeCounters>();

  noteProbe({ check, healthy, timedOut, latencyMs }: ProbeRecord): void {
    let probes = this.probes.get(check);
    if (probes === undefined) {
      probes = new ProbeCounters();
      this.probes.set(check, probes);
    }
    if (healthy) {
      probes.passed += 1;
      probes.latency.add(latencyMs);
    } else if (timedOut) probes.timedOut += 1;
    else probes.failed += 1;
  }
}

/** How often the active database changed in one way. */
export interface SwitchCount {
  /** Id of the database that was active before; undefined: none. */
  readonly from: string | undefined;
  /** Id of the database that became active; undefined: none. */
  readonly to: string | undefined;
  /** Why the active database changed. */
  readonly reason: SwitchReason;
  /** How often that happened. */
  count: number;
}

/**
 * Maximum number of different switches that are counted; beyond it, those of removed databases are
 * dropped.
 */
const MAX_SWITCHES = 500;

/** Number of groups that were created in this process. */
const created = processState('groups@1', () => ({ groups: 0 }));

/**
 * Counters of a group. They outlive its connections: a client that is opened again continues to
 * count.
 */
export class GroupCounters {
  readonly group = ++created.groups;
  /** Commands that failed before any database was chosen for them. */
  readonly undirected = new CommandCounters();
  readonly #databases = new Map<string, DatabaseCounters>();
  readonly #switches = new Map<string, SwitchCount>();
  #withoutServiceMs = 0;
  /** Monotonic time since which there has been no active database; undefined: there is one. */
  #withoutServiceSince: number | undefined;

  of(databaseId: string): DatabaseCounters {
    let counters = this.#databases.get(databaseId);
    if (counters === undefined) {
      counters = new DatabaseCounters();
      this.#databases.set(databaseId, counters);
    }
    return counters;
  }

  /** Replaces the counters of `databaseId` by `counters`, which start at zero. */
  replace(databaseId: string, counters: DatabaseCounters): void {
    this.#databases.set(databaseId, counters);
  }

  forget(databaseId: string): void {
    this.#databases.delete(databaseId);
    if (this.#switches.size < MAX_SWITCHES) return;
    for (const [key, { from, to }] of this.#switches) {
      const isKnown = (id: string | undefined) => id === undefined || this.#databases.has(id);
      if (!isKnown(from) || !isKnown(to)) this.#switches.delete(key);
    }
  }

  noteSwitch(from: string | undefined, to: string | undefined, reason: SwitchReason): void {
    const key = JSON.stringify([from, to, reason]);
    const known = this.#switches.get(key);
    if (known === undefined) this.#switches.set(key, { from, to, reason, count: 1 });
    else known.count += 1;
  }

  get switches(): readonly SwitchCount[] {
    return [...this.#switches.values()];
  }

  serviceLost(now: number): void {
    this.#withoutServiceSince ??= now;
  }

  /** A database is active again, or the client was closed. */
  serviceRestored(now: number): void {
    if (this.#withoutServiceSince !== undefined) {
      this.#withoutServiceMs += now - this.#withoutServiceSince;
    }
    this.#withoutServiceSince = undefined;
  }

  withoutServiceMs(now: number): number {
    const since = this.#withoutServiceSince;
    return this.#withoutServiceMs + (since === undefined ? 0 : now - since);
  }
}
