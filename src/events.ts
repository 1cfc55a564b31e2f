/** The events of a client, in one map. `runtime/safe-emitter.ts` emits them. */

/** The reason of a switch. */
export type SwitchReason =
  | 'initial'
  | 'health-check'
  | 'circuit-breaker'
  | 'slow'
  | 'failback'
  | 'weight'
  | 'manual'
  | 'forced'
  | 'removed'
  | 'steered'
  | 'recovered';

/** Any change of the active database; `undefined` stands for "none". */
export interface SwitchEvent {
  /** Id of the database that was active before; undefined: none. */
  readonly from: string | undefined;
  /** Id of the database that is active now; undefined: none. */
  readonly to: string | undefined;
  /** The reason of the switch. */
  readonly reason: SwitchReason;
  /** Description of what led to the switch. */
  readonly cause: string;
  /** Wall-clock time. */
  readonly at: Date;
  /** Number of the switch, from 1. Results of an earlier generation change nothing. */
  readonly generation: number;
  /** Milliseconds from the first sign that led to the switch until the switch. */
  readonly durationMs: number;
}

/** A database has become unhealthy. */
export interface DatabaseUnhealthyEvent {
  /** The id of the database. */
  readonly id: string;
  /** Description of the failure. */
  readonly cause: string;
  /** The error that caused it; undefined without one. */
  readonly error: unknown;
  /** Wall-clock time. */
  readonly at: Date;
}

/** A database has become healthy. */
export interface DatabaseHealthyEvent {
  /** The id of the database. */
  readonly id: string;
  /** Wall-clock time. */
  readonly at: Date;
  /** When the database may become active again: the end of its grace period, or `at`. */
  readonly eligibleAt: Date;
}

/** The circuit breaker of a database has opened or closed. */
export interface BreakerEvent {
  /** The id of the database. */
  readonly id: string;
  /** Wall-clock time. */
  readonly at: Date;
  /** Failures in the sliding window when the breaker changed. */
  readonly failures: number;
  /** All outcomes in the sliding window when the breaker changed. */
  readonly total: number;
}

/** The active database is slow, and no other one is known to be faster. */
export interface DegradedEvent {
  /** Id of the active database. */
  readonly id: string;
  /** Description of how slow it is, and why no other database is taken. */
  readonly cause: string;
  /** Slow calls in the sliding window. */
  readonly slowCalls: number;
  /** All calls in the sliding window whose duration counts. */
  readonly calls: number;
  /** Wall-clock time. */
  readonly at: Date;
}

/** No database can serve. */
export interface AllDatabasesDownEvent {
  /** Wall-clock time. */
  readonly at: Date;
  /** Each database with the reason why it cannot serve. */
  readonly failures: readonly { readonly id: string; readonly cause: string }[];
}

/** A database serves again after all were down. */
export interface RecoveredEvent {
  /** Id of the database that serves. */
  readonly id: string;
  /** Wall-clock time. */
  readonly at: Date;
  /** Milliseconds during which no database could serve. */
  readonly downForMs: number;
}

/** All subscriptions are active again after a switch or a lost connection. */
export interface SubscriptionsRestoredEvent {
  /** The active database. */
  readonly id: string;
  /** Channels that are subscribed there. */
  readonly channels: number;
  /** Patterns that are subscribed there. */
  readonly patterns: number;
  /** Sharded channels that are subscribed there. */
  readonly shardedChannels: number;
  /** Number of subscriptions that the server refused; an `error` event names them. */
  readonly refused: number;
  /** Wall-clock time. */
  readonly at: Date;
  /** Milliseconds during which messages may have been missed, from the moment when the gap was noticed. */
  readonly gapMs: number;
}

/** What a client does with a steering document has changed. */
export interface SteeredEvent {
  /**
   * - `received`: a newer document was received, and is obeyed from `obeyedAt` on
   * - `obeyed`: the document is obeyed from now on
   * - `ended`: its time is over
   * - `stopped`: it is no longer obeyed by this client, because errors rose after the move
   */
  readonly state: 'received' | 'obeyed' | 'ended' | 'stopped';
  /** The version of the document. */
  readonly version: number;
  /** Who published it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
  /** What it asks for, in words. */
  readonly asks: string;
  /** The name of the source that delivered it. */
  readonly source: string;
  /** When this client begins to obey, or began. */
  readonly obeyedAt: Date;
  /** When this client ceases to obey; undefined: when a newer document replaces it. */
  readonly until: Date | undefined;
  /** Wall-clock time. */
  readonly at: Date;
}

/** The events of a client, each with the arguments of its listeners. */
export interface MultiDbEvents {
  /** The active database changed, for any reason. */
  switch: [event: SwitchEvent];
  /** A switch away from a database that failed; follows `switch`. */
  failover: [event: SwitchEvent];
  /** A switch back to a database of higher weight; follows `switch`. */
  failback: [event: SwitchEvent];
  /** A database failed its health checks, or connections to it cannot be established. */
  'database-unhealthy': [event: DatabaseUnhealthyEvent];
  /** A database passes its health checks again. */
  'database-healthy': [event: DatabaseHealthyEvent];
  /** The failed commands of a database reached both thresholds of its failure detector. */
  'breaker-open': [event: BreakerEvent];
  /** The circuit breaker of a database closed, with an empty window. */
  'breaker-closed': [event: BreakerEvent];
  /**
   * The calls of the active database are slow, and it is not left, because no other database is faster.
   * Once until its calls are fast again.
   */
  degraded: [event: DegradedEvent];
  /** No database can serve; commands fail at once until `recovered`. */
  'all-databases-down': [event: AllDatabasesDownEvent];
  /** A database serves again after `all-databases-down`. */
  recovered: [event: RecoveredEvent];
  /** A steering document was received, is obeyed, has ended, or was stopped by this client. */
  steered: [event: SteeredEvent];
  /** All subscriptions are active again after a switch or a lost connection. */
  'subscriptions-restored': [event: SubscriptionsRestoredEvent];
  /**
   * With the option `emitInvalidate`: a key that was read from the active database has changed. `null`: any
   * key may have changed, also because another connection or database answers from now on.
   */
  invalidate: [key: string | Buffer | null];
  /** An error that no command rejects with. Without a listener it is ignored. */
  error: [error: Error];
  /** `connect()` began to open connections. */
  connect: [];
  /** The client can serve: after `connect()`, and again after each `reconnecting`. */
  ready: [];
  /** No database serves any more; `ready` follows when one does, `end` when the client is closed. */
  reconnecting: [];
  /** `close()` or `destroy()` has ended everything. */
  end: [];
}

/** The name of an event. */
export type MultiDbEventName = keyof MultiDbEvents;

/** The compiler checks that no event is missing. */
const NAMES: Readonly<Record<MultiDbEventName, true>> = {
  switch: true,
  failover: true,
  failback: true,
  'database-unhealthy': true,
  'database-healthy': true,
  'breaker-open': true,
  'breaker-closed': true,
  degraded: true,
  'all-databases-down': true,
  recovered: true,
  steered: true,
  'subscriptions-restored': true,
  invalidate: true,
  error: true,
  connect: true,
  ready: true,
  reconnecting: true,
  end: true,
};

/** Every event that a client emits. */
export const EVENT_NAMES = Object.freeze(Object.keys(NAMES)) as readonly MultiDbEventName[];
