import type { Clock, Random, Timer } from '../../clock.js';
import { evaluateProbingPolicy } from '../../core/probing-policy.js';
import type { ResponseTimes } from '../../core/response-times.js';
import type { SmoothedTime } from '../../core/smoothed-time.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import type { HealthCheckFunction } from '../../health-strategies/strategy.js';
import type { LoopClock } from '../../loop-clock.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
import { stopwatch } from './loop-waits.js';
import { type ProbeResult, runProbe } from './probe.js';
import type { ProbeLines } from './probe-target.js';

/** Random share of the interval, so that many processes do not probe in step. */
const INTERVAL_JITTER = 0.1;

/** The reason why a round starts early. */
export interface Suspicion {
  /** Probe over a new connection instead of the current one. */
  readonly fresh?: boolean;
  /**
   * Probe over a new connection as well, unless the current one was opened at this time (monotonic)
   * or later.
   */
  readonly doubtSince?: number | undefined;
  /** How long a connection has been silent while a reply was due, in milliseconds. */
  readonly silentForMs?: number | undefined;
}

export interface HealthCheckListener {
  /** Before a round's first probe. */
  onRoundStart(check: HealthCheck): void;
  /** After each probe; true: one healthy probe is enough for a verdict now. */
  onProbe(check: HealthCheck, result: ProbeResult): boolean;
  onVerdict(check: HealthCheck, healthy: boolean, last: ProbeResult): void;
  /** What each probe checks beside its strategy. */
  stateCheck(check: HealthCheck): HealthCheckFunction | undefined;
  /** Probe connections of the other databases. */
  peers(): readonly ProbeLines[];
}

interface Round {
  successes: number;
  failures: number;
  lastFailure: ProbeResult | undefined;
}

type State =
  | { readonly kind: 'resting'; readonly timer: Timer | undefined }
  | { readonly kind: 'probing'; readonly round: Round; fresh: boolean; readonly cancel: () => void }
  | { readonly kind: 'pausing'; readonly round: Round; readonly timer: Timer }
  | { readonly kind: 'closed' };

/**
 * Runs the rounds of one check on one database: probes with pauses between them until the policy
 * decides, then a rest. Probes never overlap, and a suspicion joins the round in progress.
 */
export class HealthCheck {
  #state: State = { kind: 'resting', timer: undefined };
  /** Undefined unless the timeout is adaptive. */
  readonly #probeTimes: SmoothedTime | undefined;
  /** The latest round ended with a timeout, and the one before it did not. */
  #hasJustTimedOut = false;
  #hasTimedOut = false;

  constructor(
    readonly options: ResolvedHealthCheck,
    private readonly listener: HealthCheckListener,
    private readonly lines: ProbeLines,
    private readonly time: { clock: Clock; loop: LoopClock; random: Random },
  ) {
    if (options.adaptiveTimeout) this.#probeTimes = this.#responseTimes?.newProbeTimes();
  }

  /** Starts a round now, or makes the one in progress go on now. */
  start({ fresh = false, doubtSince, silentForMs }: Suspicion = {}): void {
    if (doubtSince !== undefined) this.lines.commands.doubt(doubtSince);
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        return;
      case 'resting':
        state.timer?.cancel();
        this.listener.onRoundStart(this);
        if (this.#state !== state) return;
        this.#probe({ successes: 0, failures: 0, lastFailure: undefined }, fresh, silentForMs);
        return;
      case 'pausing':
        state.timer.cancel();
        this.#probe(state.round, fresh, silentForMs);
        return;
      case 'probing':
        // One restart is enough: signs that come faster than probes end must not keep them from
        // ending.
        if (!fresh || state.fresh) return;
        state.cancel();
        this.#probe(state.round, true);
    }
  }

  /** Starts a new round now; the results of the current one are discarded. */
  restart(suspicion?: Suspicion): void {
    if (this.#state.kind === 'closed') return;
    this.#stop({ kind: 'resting', timer: undefined });
    this.start(suspicion);
  }

  close(): void {
    this.#stop({ kind: 'closed' });
  }

  #stop(state: State): void {
    const before = this.#state;
    this.#state = state;
    if (before.kind === 'probing') before.cancel();
    else if (before.kind !== 'closed') before.timer?.cancel();
  }

  get #responseTimes(): ResponseTimes | undefined {
    return this.lines.database.responseTimes;
  }

  #timeoutMs(silentForMs = 0): number {
    if (this.#probeTimes === undefined) return this.options.timeoutMs;
    const now = this.time.clock.now();
    return (
      this.#responseTimes?.probeTimeoutMs(this.#probeTimes, silentForMs, now) ??
      this.options.timeoutMs
    );
  }

  #probe(round: Round, fresh: boolean, silentForMs?: number): void {
    if (fresh) this.lines.commands.renew();
    // Opening a connection takes longer than a reply.
    const isMeasured = this.#responseTimes !== undefined && this.lines.commands.connected;
    const elapsed = isMeasured ? stopwatch(this.time.clock, this.time.loop) : undefined;
    const cancel = runProbe(
      {
        strategy: this.options.strategy,
        timeoutMs: this.#timeoutMs(silentForMs),
        mayBeReadOnly: this.lines.database.mayBeReadOnly,
        stateCheck: this.listener.stateCheck(this),
        lines: this.lines,
        peers: this.listener.peers(),
        ...this.time,
      },
      (result) => {
        if (elapsed !== undefined && result.healthy) this.#measured(elapsed());
        this.#onResult(round, result);
      },
    );
    this.#state = { kind: 'probing', round, fresh, cancel };
  }

  #measured(ms: number): void {
    this.#probeTimes?.add(ms);
    // The probe of a gate may take longer than a reply of the database.
    if (this.options.role === 'full') this.#responseTimes?.addRoundTrip(ms, this.time.clock.now());
  }

  #onResult(round: Round, result: ProbeResult): void {
    if (this.#state.kind !== 'probing' || this.#state.round !== round) return;
    if (result.healthy) round.successes += 1;
    else {
      round.failures += 1;
      round.lastFailure = result;
    }
    const state = this.#state;
    const oneIsEnough = this.listener.onProbe(this, result);
    if (this.#state !== state) return;

    const { policy, numProbes, delayInBetweenProbesMs } = this.options;
    const { verdict, error } = evaluateProbingPolicy(policy, { ...round, numProbes });
    if (verdict === 'fail') this.#conclude(false, failedRound(round, result, error));
    else if (verdict === 'success' || (oneIsEnough && result.healthy)) this.#conclude(true, result);
    else {
      const timer = this.time.clock.after(delayInBetweenProbesMs, () => this.#probe(round, false));
      this.#state = { kind: 'pausing', round, timer };
    }
  }

  #conclude(healthy: boolean, last: ProbeResult): void {
    const restMs = this.options.intervalMs * (1 - INTERVAL_JITTER * this.time.random());
    const timer = this.time.clock.after(restMs, () => this.start());
    this.#state = { kind: 'resting', timer };
    this.#learn(healthy, last);
    this.listener.onVerdict(this, healthy, last);
  }

  /** A database that answers again in the round after a timeout was only paused. */
  #learn(healthy: boolean, { timedOut = false }: ProbeResult): void {
    if (this.#probeTimes === undefined) return;
    if (healthy && this.#hasJustTimedOut) this.#responseTimes?.backOff(this.time.clock.now());
    this.#hasJustTimedOut = !healthy && timedOut && !this.#hasTimedOut;
    this.#hasTimedOut = !healthy && timedOut;
  }
}

/** The result to report: the error of the policy, or the last failed probe. */
function failedRound(round: Round, last: ProbeResult, error: Error | undefined): ProbeResult {
  if (error !== undefined) {
    return {
      ...last,
      healthy: false,
      cause: `the probing policy failed: ${foreignReason(error)}`,
      error: foreignError(error),
    };
  }
  const cause = 'the probing policy answered fail';
  return round.lastFailure ?? { ...last, healthy: false, cause, error: undefined };
}
