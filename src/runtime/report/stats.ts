import type { CommandFailure } from '../../core/command-failure.js';
import type { LatencySnapshot } from '../../core/latency-histogram.js';
import type { DataConnections } from '../command/data-connections.js';
import type { InFlightConnection } from '../command/sent-attempt.js';
import type { CommandCounters, GroupCounters, SwitchCount } from '../counters.js';
import type { Database } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { SteeringSourceReport } from '../failover/steering-sources.js';

/** Settled commands by outcome. Each command counts once; a transaction or pipeline counts as one. */
export interface CommandStats {
  /** Commands that resolved. */
  readonly succeeded: number;
  /** Commands that rejected, by the kind of failure. */
  readonly failed: Readonly<Record<CommandFailure, number>>;
  /** Failed commands that may have been executed. */
  readonly outcomeUnknown: number;
}

/** The probes of one health check. */
export interface ProbeStats {
  /** The name of the health check. */
  readonly check: string;
  /** Probes that found the database healthy. */
  readonly passed: number;
  /** Probes that found it unhealthy, without those that timed out. */
  readonly failed: number;
  /** Probes that took longer than `timeoutMs`. */
  readonly timedOut: number;
  /** Latency of the probes that passed. */
  readonly latency: LatencySnapshot;
}

/** Hedged reads of one database. Those that were neither won nor failed were answered later. */
export interface HedgeStats {
  /** Reads of another database that were sent to this standby as well. */
  readonly sent: number;
  /** Reads that this standby answered first. */
  readonly won: number;
  /** Reads of this database that `hedging.maxShare` did not allow to be sent to a standby. */
  readonly suppressed: number;
}

/** The counters of one database. */
export interface DatabaseStats {
  /** The id of the database. */
  readonly id: string;
  /** Settled commands, counted for the database that answered, or for the one that was tried last. */
  readonly commands: CommandStats;
  /** Failed attempts on this database that were followed by another attempt, here or elsewhere. */
  readonly retries: number;
  /** Repeats that `commandRetry.budget` did not allow. */
  readonly retriesSuppressed: number;
  /** Hedged reads. */
  readonly hedges: HedgeStats;
  /** Commands of this database that moved to another one at a switch. */
  readonly moved: number;
  /** Moved commands whose first attempt was still in flight, so that both may be executed. */
  readonly sentTwice: number;
  /** How often the circuit breaker has opened. */
  readonly breakerOpened: number;
  /** Calls that took longer than `failureDetector.slowCallMs`; 0 without that option. */
  readonly slowCalls: number;
  /** The probes of each health check. */
  readonly probes: readonly ProbeStats[];
  /** Number of attempts in flight. */
  readonly inFlight: number;
  /** Number of ready data connections, without draining ones. */
  readonly connections: number;
  /** Number of connections that only finish commands in flight, because their database was left. */
  readonly draining: number;
}

/** Steering in numbers. */
export interface SteeringStats {
  /** Version of the document that is obeyed; 0: none. */
  readonly obeyedVersion: number;
  /** Version of the newest document, which may be obeyed later; 0: none. */
  readonly newestVersion: number;
  /** Number of documents that were stopped because errors rose after the move. */
  readonly stopped: number;
  /** Each source, and each place in a source that reads several. */
  readonly sources: readonly SteeringSourceReport[];
}

/**
 * The counters of a client and of all clients that share its databases, since the first of them was
 * created. Counters only grow, also across `close()` and `connect()`. Removing a database removes its
 * counters.
 */
export interface MultiDbStats {
  /** The client's name in metrics and diagnostics. */
  readonly client: string;
  /** Number of the group in this process. Clients that share their databases have the same number. */
  readonly group: number;
  /** Number of open clients that share the databases; 0 if all are closed. */
  readonly clients: number;
  /** The counters of each database, in order of configuration. */
  readonly databases: readonly DatabaseStats[];
  /**
   * Commands that failed before a database was chosen for them, because all were down or too many
   * were pending.
   */
  readonly undirected: CommandStats;
  /** Number of pending commands. */
  readonly pending: number;
  /** Number of switches by `from`, `to` and reason; `undefined` stands for "none". */
  readonly switches: readonly Readonly<SwitchCount>[];
  /** Steering; undefined without the option `steering`. */
  readonly steering: SteeringStats | undefined;
  /** Milliseconds without an active database, counted since the first database became active. */
  readonly withoutServiceMs: number;
}

/** One client, as far as its commands and connections are counted. */
interface CountedClient {
  readonly pending: number;
  readonly connections: DataConnections;
}

interface CountedGroup {
  readonly coordinator: Coordinator;
  readonly counters: GroupCounters;
  readonly members: ReadonlySet<CountedClient>;
}

export function stats(
  client: string,
  { coordinator, counters, members }: CountedGroup,
): MultiDbStats {
  const clients = [...members];
  return Object.freeze({
    client,
    group: counters.group,
    clients: members.size,
    databases: Object.freeze(coordinator.all().map((database) => databaseStats(database, clients))),
    undirected: commandStats(counters.undirected),
    pending: clients.reduce((sum, { pending }) => sum + pending, 0),
    switches: Object.freeze(counters.switches.map((each) => Object.freeze({ ...each }))),
    steering: steeringStats(coordinator),
    withoutServiceMs: counters.withoutServiceMs(coordinator.now),
  });
}

function steeringStats({ steering }: Coordinator): SteeringStats | undefined {
  if (!steering.isOn) return undefined;
  const { obeyed, newest, stops, sources } = steering;
  return Object.freeze({
    obeyedVersion: obeyed?.steering.version ?? 0,
    newestVersion: newest?.steering.version ?? 0,
    stopped: stops,
    sources: Object.freeze(sources.reports()),
  });
}

function databaseStats(database: Database, clients: readonly CountedClient[]): DatabaseStats {
  const { counters, id, links } = database;
  const isHere = (channel: InFlightConnection) => channel.database === database;
  const draining = clients.flatMap((each) => [...each.connections.draining].filter(isHere));
  const channels = clients.flatMap((each) =>
    [...each.connections.channels.values()].filter(isHere),
  );
  return Object.freeze({
    id,
    commands: commandStats(counters),
    retries: counters.retries,
    retriesSuppressed: counters.retriesSuppressed,
    hedges: Object.freeze({
      sent: counters.hedgesSent,
      won: counters.hedgesWon,
      suppressed: counters.hedgesSuppressed,
    }),
    moved: counters.moved,
    sentTwice: counters.sentTwice,
    breakerOpened: counters.breakerOpened,
    slowCalls: counters.slowCalls,
    probes: Object.freeze(
      [...counters.probes].map(([check, { passed, failed, timedOut, latency }]) =>
        Object.freeze({ check, passed, failed, timedOut, latency: latency.snapshot() }),
      ),
    ),
    inFlight: [...channels, ...draining].reduce((sum, { size }) => sum + size, 0),
    connections: links.filter((link) => link.connection !== undefined).length,
    draining: draining.length,
  });
}

function commandStats({ succeeded, failed, outcomeUnknown }: CommandCounters): CommandStats {
  return Object.freeze({ succeeded, failed: Object.freeze({ ...failed }), outcomeUnknown });
}
