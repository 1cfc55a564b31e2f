import type { CommandFailure } from '../../core/command-failure.js';
import type { LatencySnapshot } from '../../core/latency-histogram.js';
import type { DataConnections } from '../command/data-connections.js';
import type { InFlightConnection } from '../command/sent-attempt.js';
import type { CommandCounters, GroupCounters, SwitchCount } from '../counters.js';
import type { Database } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';

/** How commands ended; each counts once, a transaction or pipeline as one. */
export interface CommandStats {
  /** Commands that resolved. */
  readonly succeeded: number;
  /** Commands that rejected, by what failed. */
  readonly failed: Readonly<Record<CommandFailure, number>>;
  /** Of those that failed: may have been executed all the same. */
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
  /** Of those that passed. */
  readonly latency: LatencySnapshot;
}

/** What has been counted for one database. */
export interface DatabaseStats {
  /** The id of the database. */
  readonly id: string;
  /** Settled commands by outcome; counted for the database that answered, or was tried last. */
  readonly commands: CommandStats;
  /** Attempts that failed here and were followed by another one, here or elsewhere. */
  readonly retries: number;
  /** Repeats that `commandRetry.budget` did not allow. */
  readonly retriesSuppressed: number;
  /** Commands of this database that moved to another one at a switch. */
  readonly moved: number;
  /** Of these: while the first attempt was still in flight, so that both may be executed. */
  readonly sentTwice: number;
  /** How often the circuit breaker has opened. */
  readonly breakerOpened: number;
  /** The probes of each health check. */
  readonly probes: readonly ProbeStats[];
  /** Attempts in flight now. */
  readonly inFlight: number;
  /** Ready data connections now, without those that only finish what was left on them. */
  readonly connections: number;
  /** Connections that only finish what is in progress, since their database was left. */
  readonly draining: number;
}

/**
 * What the client, with all that share its databases, has counted since it was made. Counters
 * only grow, also when it is closed and connected again; those of a removed database go with it.
 */
export interface MultiDbStats {
  /** The client's name in metrics and diagnostics. */
  readonly client: string;
  /** Number of the group in this process; clients that share their databases share it. */
  readonly group: number;
  /** Open clients that share the databases; 0: all are closed. */
  readonly clients: number;
  /** In order of configuration. */
  readonly databases: readonly DatabaseStats[];
  /** Commands that failed before a database was chosen for them: all were down, overload. */
  readonly undirected: CommandStats;
  /** Number of pending commands. */
  readonly pending: number;
  /** Every change of the active database; `undefined` stands for "none". */
  readonly switches: readonly Readonly<SwitchCount>[];
  /** Milliseconds during which no database was active, from the first one on until now. */
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
    withoutServiceMs: counters.withoutServiceMs(coordinator.now),
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
    moved: counters.moved,
    sentTwice: counters.sentTwice,
    breakerOpened: counters.breakerOpened,
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
