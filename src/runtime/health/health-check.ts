import type { Clock, Random, Timer } from '../../clock.js';
import { evaluateProbingPolicy } from '../../core/probing-policy.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import type { HealthCheckFunction } from '../../health-strategies/strategy.js';
import type { LoopClock } from '../../loop-clock.js';
import type { ResolvedHealthCheck } from '../../options/types.js';
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

  constructor(
    readonly options: ResolvedHealthCheck,
    private readonly listener: HealthCheckListener,
    private readonly lines: ProbeLines,
    private readonly time: { clock: Clock; loop: LoopClock; random: Random },
  ) {}

  /** Starts a round now, or makes the one in progress go on now. */
  start({ fresh = false, doubtSince }: Suspicion = {}): void {
    if (doubtSince !== undefined) this.lines.commands.doubt(doubtSince);
    const state = this.#state;
    switch (state.kind) {
      case 'closed':
        return;
      case 'resting':
        state.timer?.cancel();
        this.listener.onRoundStart(this);
        if (this.#state !== state) return;
        this.#probe({ successes: 0, failures: 0, lastFailure: undefined }, fresh);
        return;
      case 'pausing':
        state.timer.cancel();
        this.#probe(state.round, fresh);
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

  #probe(round: Round, fresh: boolean): void {
    if (fresh) this.lines.commands.renew();
    const cancel = runProbe(
      {
        strategy: this.options.strategy,
        timeoutMs: this.options.timeoutMs,
        mayBeReadOnly: this.lines.database.options.writable !== undefined,
        stateCheck: this.listener.stateCheck(this),
        lines: this.lines,
        peers: this.listener.peers(),
        ...this.time,
      },
      (result) => this.#onResult(round, result),
    );
    this.#state = { kind: 'probing', round, fresh, cancel };
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
    this.listener.onVerdict(this, healthy, last);
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
