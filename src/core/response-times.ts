import { RecentMaximum } from './recent-maximum.js';
import { SmoothedTime } from './smoothed-time.js';

/** No derived value is below this, in milliseconds. */
export const FLOOR_MS = 50;
/**
 * Shortest patience beyond a round trip, in milliseconds: longer than the first retransmission of
 * TCP (200 ms on Linux), and than the usual pauses of a server that nobody has seen pause yet.
 */
const PATIENCE_MS = 240;
/** Patience as a multiple of the longest pause that is remembered. */
const PAUSE_MARGIN = 1.2;
/** A database that answers again after it was given up was paused: the patience doubles. */
const BACKOFF = 2;
/** Pauses are remembered for two hours, because the default of Redis saves a snapshot every hour. */
const BUCKET_MS = 600_000;
const BUCKETS = 12;
/** A new connection may take this multiple of the mean time to open one. */
const OPENING_MARGIN = 1.5;
/** Share of the timeout of a probe after which an unanswered command is also sent over a new connection. */
export const NEW_CONNECTION_AFTER = 0.25;

/** The fixed values, which are also the upper bounds. Milliseconds. */
export interface AdaptiveBounds {
  readonly suspectAfterMs: number;
  readonly timeoutMs: number;
}

/** Limits that were derived from the response times of a database, in milliseconds. */
export interface AdaptiveValues {
  /** Silence after which a round of probes starts. */
  readonly suspectAfterMs: number;
  /** Silence after which the database counts as failed if a probe is not answered either. */
  readonly patienceMs: number;
}

/**
 * Derives from the observed response times of one database when its silence is suspicious, and when a
 * probe has failed. Pure; constant memory; constant time per sample.
 *
 * The model has two parts, because a single accrual (Hayashibara et al., "The phi accrual failure
 * detector", 2004) or retransmission timeout (RFC 6298) takes the first pause of a server for a failure:
 *
 * - Suspicion is cheap, because it only starts a probe: mean plus four mean deviations of the round
 *   trips, as in RFC 6298.
 * - The verdict is expensive. Silence and the probe's timeout together are the patience. It exceeds by
 *   a fifth the longest pause of the last two hours that did not end in a failover, and it is
 *   never less than 240 ms plus a round trip. A database that answers soon after it was given up doubles it,
 *   as RFC 6298 backs off its timer.
 *
 * Before the first sample the fixed values apply.
 */
export class ResponseTimes {
  readonly #roundTrips: SmoothedTime;
  readonly #openings: SmoothedTime;
  readonly #pauses = new RecentMaximum(BUCKET_MS, BUCKETS);

  constructor(private readonly bounds: AdaptiveBounds) {
    this.#roundTrips = new SmoothedTime(FLOOR_MS, bounds.suspectAfterMs);
    this.#openings = new SmoothedTime(0, bounds.timeoutMs);
  }

  /** An estimate of the durations of the probes of one check. */
  newProbeTimes(): SmoothedTime {
    return new SmoothedTime(FLOOR_MS, this.bounds.timeoutMs);
  }

  /** A reply took `ms` from its command, with nothing else in between. */
  addRoundTrip(ms: number, now: number): void {
    this.#roundTrips.add(ms);
    this.addPause(ms, now);
  }

  /** A connection was silent for `ms` while a reply was due, and then went on. */
  addPause(ms: number, now: number): void {
    // A longer silence is a failure by the fixed values as well.
    if (ms <= this.#longestMs) this.#pauses.add(ms, now);
  }

  /** Opening a connection took `ms`. */
  addOpening(ms: number): void {
    this.#openings.add(ms);
  }

  /** The database answers again, shortly after it was given up. */
  backOff(now: number): void {
    const patienceMs = this.patienceMs(now);
    this.#pauses.add(Math.min((patienceMs * BACKOFF) / PAUSE_MARGIN, this.#longestMs), now);
  }

  /** Silence after which a probe starts. */
  get suspectAfterMs(): number {
    return this.#roundTrips.limitMs ?? this.bounds.suspectAfterMs;
  }

  /** Silence after which the database counts as failed if a probe is not answered either. */
  patienceMs(now: number): number {
    const { meanMs } = this.#roundTrips;
    if (meanMs === undefined) return this.#longestMs;
    const pauseMs = this.#pauses.largest(now) * PAUSE_MARGIN;
    const patienceMs = Math.max(pauseMs, PATIENCE_MS + meanMs);
    return Math.min(patienceMs, this.#longestMs);
  }

  /**
   * Timeout of a probe that starts after `silentForMs` of silence, whose check usually takes
   * `probes`. It always leaves time for a new connection, because an old one may be dead although its
   * server answers.
   */
  probeTimeoutMs(probes: SmoothedTime, silentForMs: number, now: number): number {
    const { limitMs } = probes;
    const { timeoutMs } = this.bounds;
    if (limitMs === undefined) return timeoutMs;
    const openingMs = (this.#openings.meanMs ?? 0) * OPENING_MARGIN;
    const fewest = openingMs === 0 ? limitMs : (openingMs + limitMs) / (1 - NEW_CONNECTION_AFTER);
    const shortest = Math.max(FLOOR_MS, fewest);
    const restMs = Math.max(this.patienceMs(now) - silentForMs, shortest);
    return Math.min(Math.ceil(restMs), timeoutMs);
  }

  values(now: number): AdaptiveValues {
    return { suspectAfterMs: this.suspectAfterMs, patienceMs: this.patienceMs(now) };
  }

  get #longestMs(): number {
    return this.bounds.suspectAfterMs + this.bounds.timeoutMs;
  }
}
