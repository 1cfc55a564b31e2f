import type { Connection, Lane } from '../../drivers/driver.js';
import type { ReconnectingConnection } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { Command } from './command.js';
import { InFlightQueue } from './in-flight-queue.js';
import type {
  AttemptListener,
  AttemptQueue,
  InFlightConnection,
  SentAttempt,
} from './sent-attempt.js';

/**
 * One connection with its attempts in progress. A plain connection is one lane: this record itself.
 * A connection of several lanes (a pool, a cluster) has a record for each lane in use, and this
 * record lists the attempts that wait for a lane. Those are neither silent nor late before the
 * deadlines of their commands.
 */
export class DataConnection
  extends InFlightQueue<SentAttempt, InFlightConnection>
  implements InFlightConnection
{
  lossCounted = false;
  lossCountedAt = Number.NEGATIVE_INFINITY;
  relaxedUntil = 0;
  draining = false;
  superseded = false;
  readonly lanes = new Set<AttemptQueue>();
  readonly #records = new WeakMap<Lane, SideLane>();

  constructor(
    readonly connection: Connection,
    readonly database: Database,
    readonly link: ReconnectingConnection,
    readonly listener: AttemptListener,
    /** Loop time. */
    time: number,
  ) {
    super(connection, time);
  }

  get channel(): DataConnection {
    return this;
  }

  get isWaitingRoom(): boolean {
    return this.connection.hasLanes === true;
  }

  drop(error: Error): void {
    this.link.drop(error);
  }

  /** Whether no attempt is in flight on any lane. */
  get isEmpty(): boolean {
    if (this.size > 0) return false;
    for (const lane of this.lanes) if (lane.size > 0) return false;
    return true;
  }

  /** Returns this record and those of the lanes in use. */
  records(): AttemptQueue[] {
    return [this, ...this.lanes];
  }

  /** Returns all attempts in flight on all lanes, in order within each lane, as a copy. */
  attempts(): SentAttempt[] {
    if (this.lanes.size === 0) return this.listed();
    return this.records().flatMap((record) => record.listed());
  }

  /**
   * Takes back unwritten attempts and adds their commands to `moving`, unless they have settled or
   * have a later attempt.
   */
  takeBackUnwritten(moving: Set<Command>): void {
    for (const attempt of this.attempts()) {
      if (attempt.written || !attempt.takeBack() || attempt.isHedge) continue;
      const { command } = attempt;
      if (command.state !== 'settled' && command.latest === attempt) moving.add(command);
    }
  }

  /** `attempt` uses `lane` from now on; `undefined`: it waits for a lane again. */
  move(attempt: SentAttempt, lane: Lane | undefined, time: number): void {
    const record = lane === undefined ? this : this.#recordOf(lane, time);
    attempt.lane.remove(attempt);
    attempt.lane = record;
    attempt.startsAt(time);
    record.add(attempt);
    if (record !== this) this.lanes.add(record);
  }

  #recordOf(lane: Lane, time: number): SideLane {
    let record = this.#records.get(lane);
    if (record === undefined) {
      record = new SideLane(this, lane, time);
      this.#records.set(lane, record);
    }
    return record;
  }

  /** `lane` was lost. Returns the attempts that were in progress on it. */
  lose(lane: Lane): SentAttempt[] {
    const record = this.#records.get(lane);
    if (record === undefined) return [];
    record.lost = true;
    return record.listed();
  }
}

/** One lane of a channel that has several. */
class SideLane extends InFlightQueue<SentAttempt, InFlightConnection> {
  readonly isWaitingRoom = false;

  constructor(
    readonly channel: InFlightConnection,
    readonly lane: Lane,
    time: number,
  ) {
    super(lane, time);
  }

  drop(error: Error): void {
    this.lane.drop(error);
  }
}
