import type { Timer } from '../../clock.js';
import { ProbeLatency } from '../../core/probe-latency.js';
import { ownError } from '../../foreign/own-error.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';
import { stopwatch, wait } from './loop-waits.js';

/** Interval of the measurements where no health check has one, in milliseconds. */
const DEFAULT_INTERVAL_MS = 5000;
/** The measurements that decide whether a database is fast again. */
const FAST_AGAIN = { percentile: 90, windowSize: 10, minProbes: 5 } as const;
/** A database is fast again at this share of `slowCallMs`. */
export const FAST_SHARE = 0.5;

/** How often and how long a database is asked. Durations in milliseconds. */
export interface Measurement {
  readonly count: number;
  /** Pause between two PINGs. */
  readonly pauseMs: number;
  /** A slower answer ends the measurement. */
  readonly enoughMs: number;
  readonly timeoutMs: number;
}

/** Measures how long databases take to answer PING, over their probe connections. */
export class LatencyWatch {
  readonly #watched = new Map<Database, { latency: ProbeLatency; timer: Timer | undefined }>();
  readonly #underWay = new Set<AbortController>();

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'loop'>,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
    private readonly onFast: (database: Database) => void,
  ) {}

  /**
   * Resolves to the longest duration of some PINGs; Infinity if one is not answered in time. The pauses
   * make them independent of each other: right after an answer the server is certainly running.
   */
  async measure(
    database: Database,
    { count, pauseMs, enoughMs, timeoutMs }: Measurement,
  ): Promise<number> {
    const { clock, loop } = this.runtime;
    const monitor = this.monitors.get(database);
    if (monitor === undefined) return Number.POSITIVE_INFINITY;
    const controller = new AbortController();
    const { signal } = controller;
    const { sendCommand } = monitor.sideCommands.measured(signal);
    this.#underWay.add(controller);
    const abort = () => controller.abort(ownError('no answer in time'));
    const timer = loop.after((count + 1) * (timeoutMs + pauseMs), abort);
    let slowestMs = 0;
    try {
      // Opening the connection takes longer than an answer.
      if (!monitor.lines.commands.connected) await sendCommand(['PING']);
      for (let index = 0; index < count && slowestMs <= enoughMs; index++) {
        if (index > 0) await wait(loop, pauseMs, signal);
        const elapsed = stopwatch(clock, loop);
        const tooLate = loop.after(timeoutMs, abort);
        await sendCommand(['PING']).finally(() => tooLate.cancel());
        slowestMs = Math.max(slowestMs, elapsed());
      }
      return slowestMs;
    } catch {
      // A connection that did not answer is useless to the next measurement.
      if (this.#underWay.has(controller)) monitor.lines.commands.renew();
      return Number.POSITIVE_INFINITY;
    } finally {
      timer.cancel();
      this.#underWay.delete(controller);
      controller.abort(ownError('the measurement has ended'));
    }
  }

  /** Measures a slow database until it is fast again. */
  watch(database: Database, slowCallMs: number): void {
    this.forget(database);
    this.#watched.set(database, { latency: newLatency(slowCallMs), timer: undefined });
    this.#measureLater(database, slowCallMs);
  }

  forget(database: Database): void {
    this.#watched.get(database)?.timer?.cancel();
    this.#watched.delete(database);
  }

  end(): void {
    for (const database of [...this.#watched.keys()]) this.forget(database);
    const underWay = [...this.#underWay];
    this.#underWay.clear();
    for (const controller of underWay) controller.abort(ownError('the client has ended'));
  }

  /** The percentile of the latest measurements in milliseconds; undefined: too few. */
  percentileMs(database: Database): number | undefined {
    return this.#watched.get(database)?.latency.percentileMs;
  }

  #measureLater(database: Database, slowCallMs: number): void {
    const watched = this.#watched.get(database);
    if (watched === undefined) return;
    const [check] = database.healthChecks;
    const intervalMs = check?.intervalMs ?? DEFAULT_INTERVAL_MS;
    watched.timer = this.runtime.clock.after(intervalMs, async () => {
      const timeoutMs = Math.max(intervalMs, slowCallMs);
      const once = { count: 1, pauseMs: 0, enoughMs: timeoutMs, timeoutMs };
      const tookMs = await this.measure(database, once);
      if (this.#watched.get(database) !== watched) return;
      // A database that does not answer starts from the beginning.
      if (Number.isFinite(tookMs)) watched.latency.add(tookMs);
      else watched.latency = newLatency(slowCallMs);
      if (watched.latency.slow) {
        this.#measureLater(database, slowCallMs);
        return;
      }
      this.forget(database);
      this.onFast(database);
    });
  }
}

function newLatency(slowCallMs: number): ProbeLatency {
  const fastBelowMs = slowCallMs * FAST_SHARE;
  const latency = new ProbeLatency({ ...FAST_AGAIN, slowAboveMs: slowCallMs, fastBelowMs });
  latency.slow = true;
  return latency;
}
