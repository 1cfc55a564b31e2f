import type { Timer } from '../../clock.js';
import { ProbeLatency } from '../../core/probe-latency.js';
import { ownError } from '../../foreign/own-error.js';
import { measureLatency } from '../../health-strategies/measure-latency.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from './health-monitor.js';
import { stopwatch } from './stopwatch.js';

/** Interval of the measurements where no health check has one, in milliseconds. */
const DEFAULT_INTERVAL_MS = 5000;
/** The measurements that decide whether a database is fast again. */
const FAST_AGAIN = { percentile: 90, windowSize: 10, minProbes: 5 } as const;
/** A database is fast again at this share of `slowCallMs`. */
export const FAST_SHARE = 0.5;

/** Measures how long databases take to answer PING, over the connections of the gates. */
export class LatencyWatch {
  readonly #watched = new Map<Database, { latency: ProbeLatency; timer: Timer | undefined }>();
  readonly #underWay = new Set<AbortController>();

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'loop'>,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
    private readonly onFast: (database: Database) => void,
  ) {}

  /** Resolves to the duration of a PING; Infinity if there is no answer within `timeoutMs`. */
  async measure(database: Database, timeoutMs: number): Promise<number> {
    const { clock, loop } = this.runtime;
    const controller = new AbortController();
    const { signal } = controller;
    const target = this.monitors.get(database)?.target(signal);
    if (target === undefined) return Number.POSITIVE_INFINITY;
    this.#underWay.add(controller);
    const timer = loop.after(timeoutMs, () => controller.abort(ownError('no answer in time')));
    try {
      return await measureLatency({
        sendCommand: target.sendCommand,
        stopwatch: () => stopwatch(clock, loop),
      });
    } catch {
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
    for (const controller of this.#underWay) controller.abort(ownError('the client has ended'));
  }

  /** The percentile of the latest measurements in milliseconds; undefined: too few. */
  percentileMs(database: Database): number | undefined {
    return this.#watched.get(database)?.latency.percentileMs;
  }

  #measureLater(database: Database, slowCallMs: number): void {
    const watched = this.#watched.get(database);
    if (watched === undefined) return;
    const [check] = database.options.healthChecks;
    const intervalMs = check?.intervalMs ?? DEFAULT_INTERVAL_MS;
    watched.timer = this.runtime.clock.after(intervalMs, async () => {
      const tookMs = await this.measure(database, Math.max(intervalMs, slowCallMs));
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
