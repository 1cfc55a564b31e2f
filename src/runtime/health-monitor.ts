import type { Clock, Random } from '../clock.js';
import { stateCheckFor } from '../health/state-check.js';
import type { HealthCheckFunction } from '../health/strategy.js';
import type { Database, ProbeRecord } from './database.js';
import { HealthCheck, type HealthCheckListener, type Suspicion } from './health-check.js';
import type { LoopClock } from './loop-clock.js';
import type { ProbeResult } from './probe.js';
import { ProbeLine } from './probe-line.js';

export interface Verdict {
  readonly healthy: boolean;
  readonly cause: string | undefined;
  readonly error: unknown;
}

export interface HealthMonitorListener {
  onProbe(database: Database, record: ProbeRecord): void;
  /** Only verdicts of the database's present incarnation. */
  onHealthVerdict(database: Database, verdict: Verdict): void;
  /** Whether one healthy probe is a verdict: at start, and while no database serves. */
  oneProbeIsEnough(database: Database): boolean;
}

/**
 * The health of one database: all its checks over one probe connection. It is healthy when each
 * check's latest round was, and unhealthy as soon as one's was not.
 */
export class HealthMonitor implements HealthCheckListener {
  readonly #checks: HealthCheck[];
  readonly #line: ProbeLine;
  readonly #latest = new Map<HealthCheck, { healthy: boolean; incarnation: number }>();
  /** Incarnation at each check's round start. */
  readonly #startedFor = new Map<HealthCheck, number>();
  readonly #probed: ((result: ProbeResult) => void)[] = [];
  #stateWord: string | undefined;

  constructor(
    readonly database: Database,
    private readonly listener: HealthMonitorListener,
    private readonly time: { clock: Clock; loop: LoopClock; random: Random },
  ) {
    this.#line = new ProbeLine(database.driver);
    this.#checks = database.options.healthChecks.map(
      (options) => new HealthCheck(options, database.id, this, this.#line, time),
    );
  }

  /** The shortest timeout of a probe; 1000 ms, the default, without a check. */
  get probeTimeoutMs(): number {
    const timeouts = this.#checks.map((check) => check.options.timeoutMs);
    return timeouts.length === 0 ? 1000 : Math.min(...timeouts);
  }

  /** A state word that the database complained about stays checked until it passes. */
  suspect(suspicion: Suspicion & { readonly stateWord?: string | undefined } = {}): void {
    const { stateWord } = suspicion;
    const another = stateWord !== undefined && stateWord !== this.#stateWord;
    if (another && stateCheckFor(stateWord) !== undefined) {
      this.#stateWord = stateWord;
      // What was probed so far did not look at this state.
      for (const check of this.#checks) check.restart();
    } else {
      for (const check of this.#checks) check.start(suspicion);
    }
  }

  /** One probe of each check, over a new connection; `undefined` cause: all are well. */
  async verify(): Promise<Verdict> {
    if (this.#checks.length === 0) return { healthy: true, cause: undefined, error: undefined };
    let missing = this.#checks.length;
    const failure = await new Promise<ProbeResult | undefined>((resolve) => {
      const onProbe = (result: ProbeResult) => {
        missing -= 1;
        if (!result.healthy) resolve(result);
        else if (missing === 0) resolve(undefined);
        else return;
        this.#probed.splice(this.#probed.indexOf(onProbe), 1);
      };
      this.#probed.push(onProbe);
      this.suspect({ fresh: true });
    });
    return { healthy: failure === undefined, cause: failure?.cause, error: failure?.error };
  }

  close(): void {
    for (const check of this.#checks) check.close();
    this.#line.close();
    const error = new Error('health checks have ended');
    const ended = { healthy: false, cause: error.message, error, latencyMs: 0 };
    for (const onProbe of [...this.#probed]) onProbe(ended);
  }

  onRoundStart(check: HealthCheck): void {
    this.#startedFor.set(check, this.database.incarnation);
  }

  onProbe(check: HealthCheck, result: ProbeResult): boolean {
    this.listener.onProbe(this.database, {
      check: check.options.name,
      healthy: result.healthy,
      cause: result.cause,
      at: new Date(this.time.clock.wallTime()),
      latencyMs: result.latencyMs,
    });
    for (const onProbe of [...this.#probed]) onProbe(result);
    return this.listener.oneProbeIsEnough(this.database);
  }

  onVerdict(check: HealthCheck, healthy: boolean, last: ProbeResult): void {
    const { incarnation } = this.database;
    if (this.#startedFor.get(check) !== incarnation) {
      // The database was left meanwhile: what this round saw is from before.
      check.start();
      return;
    }
    this.#latest.set(check, { healthy, incarnation });
    if (!healthy) {
      this.listener.onHealthVerdict(this.database, {
        healthy: false,
        cause: `${check.options.name}: ${last.cause ?? 'failed'}`,
        error: last.error,
      });
      return;
    }
    const allHealthy = this.#checks.every((each) => {
      const latest = this.#latest.get(each);
      return latest?.healthy === true && latest.incarnation === incarnation;
    });
    if (!allHealthy) return;
    this.#stateWord = undefined;
    this.listener.onHealthVerdict(this.database, {
      healthy: true,
      cause: undefined,
      error: undefined,
    });
  }

  stateCheck(): HealthCheckFunction | undefined {
    return this.#stateWord === undefined ? undefined : stateCheckFor(this.#stateWord);
  }
}
