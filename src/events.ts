/** What the client tells. One map, literal reasons; emission lives in `runtime/emit.ts`. */

export type SwitchReason =
  | 'initial'
  | 'health-check'
  | 'circuit-breaker'
  | 'failback'
  | 'weight'
  | 'manual'
  | 'forced'
  | 'removed'
  | 'recovered';

/** Any change of the active database; `undefined` stands for "none". */
export interface SwitchEvent {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly reason: SwitchReason;
  /** In words, what led to it. */
  readonly cause: string;
  /** Wall-clock time. */
  readonly at: Date;
  /** Counts switches from 1; a command or result of an earlier generation changes nothing. */
  readonly generation: number;
  /** Milliseconds from the first sign that led to this switch until the switch. */
  readonly durationMs: number;
}

export interface DatabaseUnhealthyEvent {
  readonly id: string;
  readonly cause: string;
  readonly error: unknown;
  readonly at: Date;
}

export interface DatabaseHealthyEvent {
  readonly id: string;
  readonly at: Date;
}

export interface BreakerEvent {
  readonly id: string;
  readonly at: Date;
  /** Outcomes in the window when the breaker changed. */
  readonly failures: number;
  readonly total: number;
}

export interface AllDatabasesDownEvent {
  readonly at: Date;
  readonly failures: readonly { readonly id: string; readonly cause: string }[];
}

export interface RecoveredEvent {
  readonly id: string;
  readonly at: Date;
  /** Milliseconds during which no database could serve. */
  readonly downForMs: number;
}

export interface SubscriptionsRestoredEvent {
  /** The active database. */
  readonly id: string;
  /** How many of each kind are subscribed there. */
  readonly channels: number;
  readonly patterns: number;
  readonly shardedChannels: number;
  /** How many more are wanted, and refused by its server; an `error` event names them. */
  readonly refused: number;
  readonly at: Date;
  /** Milliseconds during which messages may have been missed, from when that was noticed. */
  readonly gapMs: number;
}

export interface MultiDbEvents {
  /** The active database changed, for whatever reason. */
  switch: [event: SwitchEvent];
  /** A switch away from a database that failed; follows `switch`. */
  failover: [event: SwitchEvent];
  /** A switch back to a database of higher weight; follows `switch`. */
  failback: [event: SwitchEvent];
  'database-unhealthy': [event: DatabaseUnhealthyEvent];
  'database-healthy': [event: DatabaseHealthyEvent];
  'breaker-open': [event: BreakerEvent];
  'breaker-closed': [event: BreakerEvent];
  'all-databases-down': [event: AllDatabasesDownEvent];
  recovered: [event: RecoveredEvent];
  /** After a switch, or the loss of its connection: all subscriptions are in force again. */
  'subscriptions-restored': [event: SubscriptionsRestoredEvent];
  /**
   * With the option `emitInvalidate`: a key that was read from the active database has changed;
   * `null`: any may have, also because another connection or database answers from now on.
   */
  invalidate: [key: string | Buffer | null];
  /** Something went wrong that no command tells; with no listener nothing is thrown. */
  error: [error: Error];
  /** `connect()` began to open connections. */
  connect: [];
  /** The first active database can serve. */
  ready: [];
  /** `close()` or `destroy()` has ended everything. */
  end: [];
}

export type MultiDbEventName = keyof MultiDbEvents;

/** The compiler sees to it that none is missing. */
const NAMES: Readonly<Record<MultiDbEventName, true>> = {
  switch: true,
  failover: true,
  failback: true,
  'database-unhealthy': true,
  'database-healthy': true,
  'breaker-open': true,
  'breaker-closed': true,
  'all-databases-down': true,
  recovered: true,
  'subscriptions-restored': true,
  invalidate: true,
  error: true,
  connect: true,
  ready: true,
  end: true,
};

/** Every event that a client emits. */
export const EVENT_NAMES = Object.freeze(Object.keys(NAMES)) as readonly MultiDbEventName[];
