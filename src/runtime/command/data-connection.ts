import type { Connection, Lane } from '../../drivers/driver.js';
import type { Link } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { AttemptListener, SentAttempt } from './command.js';
import { LaneRecord, SideLane } from './in-flight-queue.js';

/**
 * One connection with what is under way on it. A plain connection is one lane: this record itself.
 * A connection of several lanes (a pool, a cluster) has a record for each that is in use, and here
 * are the attempts that wait for one: nothing is silent or late among them before their commands'
 * own deadlines.
 */
export class Channel extends LaneRecord {
  /** Its loss, or that of the lanes that went together, has been counted as a failure. */
  lossCounted = false;
  lossCountedAt = Number.NEGATIVE_INFINITY;
  /** Loop time until which its server's announced maintenance makes nothing late. */
  relaxedUntil = 0;
  /** Its database was left as failed, or it is superseded: it only finishes what is under way. */
  draining = false;
  /** Another connection of the same link has taken its place, although it may be healthy. */
  superseded = false;
  /** Lanes with anything under way or owed; others may be among them until the next look. */
  readonly lanes = new Set<SideLane>();
  readonly #records = new WeakMap<Lane, SideLane>();

  constructor(
    readonly connection: Connection,
    readonly database: Database,
    readonly link: Link,
    readonly listener: AttemptListener,
    /** Loop time. */
    time: number,
  ) {
    super(connection, time);
  }

  get channel(): Channel {
    return this;
  }

  get isWaitingRoom(): boolean {
    return this.connection.hasLanes === true;
  }

  drop(error: Error): void {
    this.link.drop(error);
  }

  /** Nothing is under way, on any lane. */
  get isEmpty(): boolean {
    if (this.size > 0) return false;
    for (const lane of this.lanes) if (lane.size > 0) return false;
    return true;
  }

  /** This record, and those of the lanes in use. */
  records(): LaneRecord[] {
    return [this, ...this.lanes];
  }

  /** Everything under way on all lanes; a copy. In order on each lane. */
  attempts(): SentAttempt[] {
    if (this.lanes.size === 0) return this.listed();
    return this.records().flatMap((record) => record.listed());
  }

  /** `attempt` goes over `lane` from now on; `undefined`: it waits for one again. */
  move(attempt: SentAttempt, lane: Lane | undefined, time: number): void {
    const record = lane === undefined ? this : this.#recordOf(lane, time);
    attempt.lane.remove(attempt);
    attempt.lane = record;
    attempt.startsAt(time);
    record.add(attempt);
    if (record !== this) this.lanes.add(record as SideLane);
  }

  #recordOf(lane: Lane, time: number): SideLane {
    let record = this.#records.get(lane);
    if (record === undefined) {
      record = new SideLane(this, lane, time);
      this.#records.set(lane, record);
    }
    return record;
  }

  /** `lane` was lost; what was under way there is its last. */
  lose(lane: Lane): SentAttempt[] {
    const record = this.#records.get(lane);
    if (record === undefined) return [];
    record.lost = true;
    return record.listed();
  }
}
