import type { Timer } from '../../clock.js';
import { isEligible } from '../../core/selection.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { HealthListener } from './health-listener.js';
import type { HealthMonitor } from './health-monitor.js';
import { FAST_SHARE, LatencyWatch } from './latency-watch.js';
import type { Verification } from './verification.js';

/** Time between two comparisons while the active database is slow, in milliseconds. */
const COMPARE_EVERY_MS = 1000;
/** PINGs of one comparison; all of them have to be fast. */
const PINGS = 3;

export interface SlownessHost {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  readonly verification: Verification;
  isActive(database: Database): boolean;
  probeTimeoutMs(database: Database): number;
}

/** The active database is slow. */
interface Episode {
  readonly database: Database;
  readonly incarnation: number;
  /** Monotonic time of the first sign. */
  readonly since: number;
  timer: Timer | undefined;
  /** Why the database is not left; undefined: not known yet. */
  degraded: string | undefined;
}

/**
 * Compares the active database with the others when its calls are slow. It is left only if another
 * one is fast by PINGs at the same time: if all are slow, the cause is likely to be this process or
 * its network. A database that was left is not eligible before it is fast again.
 */
export class Slowness {
  readonly watch: LatencyWatch;
  #episode: Episode | undefined;

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: SlownessHost,
    private readonly listener: Pick<HealthListener, 'changed' | 'leaveSlow'>,
  ) {
    this.watch = new LatencyWatch(runtime, host.monitors, (database) => {
      database.slow = undefined;
      listener.changed(database);
    });
  }

  /** The window of the database holds too many slow calls. Costs nothing while that is known. */
  suspect(database: Database): void {
    const known = this.#episode;
    if (known?.database === database && known.incarnation === database.incarnation) return;
    this.#endEpisode();
    if (!this.host.isActive(database)) return;
    const { incarnation } = database;
    const since = this.#now;
    this.#episode = { database, incarnation, since, timer: undefined, degraded: undefined };
    void this.#compare(this.#episode);
  }

  isDegraded(database: Database): boolean {
    return this.degradedCause(database) !== undefined;
  }

  /** Why the active database is slow and not left. */
  degradedCause(database: Database): string | undefined {
    const episode = this.#episode;
    const isIt = episode?.database === database && this.host.isActive(database);
    return isIt ? episode?.degraded : undefined;
  }

  /** The database was left because it is slow. */
  onLeft(database: Database): void {
    const slowCallMs = database.slowCalls?.options.slowCallMs ?? 0;
    database.slow = `at most ${slowCallMs * FAST_SHARE} ms are needed to become active again`;
    this.watch.watch(database, slowCallMs);
  }

  /** Its calls count as fast from now on: it was removed, or verified for a manual switch. */
  forget(database: Database): void {
    database.slow = undefined;
    database.slowCalls?.reset(this.#now);
    this.watch.forget(database);
    if (this.#episode?.database === database) this.#endEpisode();
  }

  end(): void {
    this.#endEpisode();
    this.watch.end();
  }

  #endEpisode(): void {
    this.#episode?.timer?.cancel();
    this.#episode = undefined;
  }

  get #now(): number {
    return this.runtime.clock.now();
  }

  async #compare(episode: Episode): Promise<void> {
    const { database } = episode;
    const slowCallMs = database.slowCalls?.options.slowCallMs ?? 0;
    const candidates = [...this.host.monitors.keys()].filter(
      (other) =>
        other !== database && other.membership === 'member' && isEligible(other, this.#now),
    );
    const isSure = database.slowCalls?.surelyExceeds(this.#now) === true;
    const [own, ...others] = await Promise.all([
      isSure ? undefined : this.#slowestPing(database, slowCallMs),
      ...candidates.map((each) => this.#standbyPing(each, slowCallMs)),
    ]);
    if (!this.#goesOn(episode)) return;
    // A database that does not answer at all is the matter of its health checks.
    if (own === undefined || (own > slowCallMs && Number.isFinite(own))) {
      const faster = candidates.filter((_, index) => (others[index] as number) < slowCallMs);
      if (this.#leave(episode, own, new Set(faster))) return;
      this.#degrade(episode, candidates.length === 0 ? 'no other database is eligible' : undefined);
    }
    episode.timer = this.runtime.clock.after(COMPARE_EVERY_MS, () => {
      if (this.#goesOn(episode)) void this.#compare(episode);
    });
  }

  /** Whether the calls of the database are still slow; ends the episode otherwise. */
  #goesOn(episode: Episode): boolean {
    if (this.#episode !== episode) return false;
    const { database, incarnation } = episode;
    const isSame = this.host.isActive(database) && database.incarnation === incarnation;
    if (isSame && database.slowCalls?.exceeds(this.#now) === true) return true;
    this.#endEpisode();
    return false;
  }

  /** Asks over the data connections as well, because commands would go there. */
  async #standbyPing(database: Database, slowCallMs: number): Promise<number> {
    const [slowest, hasAnswered] = await Promise.all([
      this.#slowestPing(database, slowCallMs),
      this.host.verification.verify(database),
    ]);
    return hasAnswered ? slowest : Number.POSITIVE_INFINITY;
  }

  #slowestPing(database: Database, slowCallMs: number): Promise<number> {
    return this.watch.measure(database, {
      count: PINGS,
      pauseMs: Math.ceil(slowCallMs / PINGS),
      enoughMs: slowCallMs,
      timeoutMs: Math.max(this.host.probeTimeoutMs(database), 2 * slowCallMs),
    });
  }

  #leave(
    { database, since }: Episode,
    ownMs: number | undefined,
    faster: ReadonlySet<Database>,
  ): boolean {
    const { unhealthyAfterMs } = database.options;
    const now = this.#now;
    const isTooEarly = now < Math.max(since + unhealthyAfterMs, database.maintenanceEndsAt);
    if (isTooEarly || faster.size === 0) return false;
    const ping = ownMs === undefined ? '' : `; its PING takes ${Math.round(ownMs)} ms`;
    const cause = `${describe(database, now)}${ping}`;
    return this.listener.leaveSlow(database, faster, { reason: 'slow', cause, since });
  }

  #degrade(episode: Episode, why = 'no other database is known to be faster'): void {
    const { database } = episode;
    const isNew = episode.degraded === undefined;
    const cause = `${describe(database, this.#now)}; ${why}`;
    episode.degraded = cause;
    if (!isNew || database.slowCalls === undefined) return;
    const { slow, total } = database.slowCalls.metrics(this.#now);
    const at = timestamp(this.runtime);
    this.runtime.emit('degraded', {
      id: database.id,
      cause,
      slowCalls: slow,
      calls: total,
      at,
    });
  }
}

function describe({ slowCalls }: Database, now: number): string {
  if (slowCalls === undefined) return 'slow';
  const { slow, total } = slowCalls.metrics(now);
  return `${slow} of ${total} calls took longer than ${slowCalls.options.slowCallMs} ms`;
}
