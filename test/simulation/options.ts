import { LatencyStrategy } from '../../src/health-strategies/latency.js';
import type { BeforeFailback } from '../../src/options/before-failback.js';
import type { SimulatedClientOptions } from '../../src/testing/index.js';
import { type Choices, choiceOptions, type Decisions, drawChoices } from './choices.js';
import type { Draw } from './draw.js';

/** Options of one schedule, as far as what it checks depends on them. */
export interface DrawnOptions extends Choices {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly numProbes: number;
  readonly delayInBetweenProbesMs: number;
  readonly policy: 'ALL_SUCCESS' | 'ANY_SUCCESS' | 'MAJORITY_SUCCESS';
  readonly gracePeriodMs: number;
  readonly failbackSupported: boolean;
  readonly failbackCheckIntervalMs: number;
  readonly fastFailover: boolean;
  readonly retryOnFailover: boolean;
  readonly unhealthyAfterMs: number;
  readonly suspectAfterMs: number;
  /** `suspectAfterMs` and the timeout of the group's checks are `'adaptive'`; both values are the upper bounds. */
  readonly isAdaptive: boolean;
  /** Some databases are replicas, until they are promoted; undefined: none. */
  readonly replicas: { readonly readOnlyWrites: 'wait' | 'reject' } | undefined;
  readonly commandTimeoutMs: number;
  readonly commandDeadlineMs: number;
  readonly standbyConnections: 'warm' | 'lazy';
  readonly safety: 'read' | 'last-write-wins';
  readonly minNumOfFailures: number;
  /** Slow calls are off by default. */
  readonly slowCallMs: number | undefined;
  /** Up to this a grace period doubles; equal to `gracePeriodMs`: it does not. */
  readonly maxGracePeriodMs: number;
  readonly budget: { readonly share: number; readonly minPerSecond: number } | undefined;
  /** What `beforeFailback` does; undefined: there is none. */
  readonly beforeFailback: 'succeeds' | 'takes its time' | 'fails now and then' | undefined;
  /** The latency above which `LatencyStrategy` takes a database for slow; undefined: it is not used. */
  readonly slowAboveMs: number | undefined;
  readonly delayInBetweenFailoverAttemptsMs: number;
  readonly maxNumFailoverAttempts: number;
  readonly maxPendingCommands: number;
  readonly hedging: { readonly afterMs: number | 'p99'; readonly maxShare: number } | undefined;
}

/**
 * `own` draws what is off by default, `choices` what the application decides, so that the other
 * options of a seed do not depend on them.
 */
export function drawOptions(draw: Draw, own: Draw, choices: Draw): DrawnOptions {
  const commandTimeoutMs = draw.one([1000, 2000, 5000]);
  const base = {
    intervalMs: draw.one([3000, 5000, 10_000]),
    timeoutMs: draw.one([250, 500, 1000]),
    numProbes: draw.integer(1, 3),
    delayInBetweenProbesMs: draw.one([0, 100, 500]),
    policy: draw.one(['ALL_SUCCESS', 'ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS'] as const),
    gracePeriodMs: draw.one([0, 0, 5000, 20_000, 60_000]),
    failbackSupported: draw.chance(0.9),
    failbackCheckIntervalMs: draw.one([3000, 15_000, 60_000]),
    fastFailover: draw.chance(0.3),
    retryOnFailover: draw.chance(0.2),
    unhealthyAfterMs: draw.one([0, 0, 0, 0, 2000]),
    suspectAfterMs: draw.one([200, 500, 1000]),
    commandTimeoutMs,
    commandDeadlineMs: commandTimeoutMs * draw.one([1, 2, 3]),
    standbyConnections: draw.one(['warm', 'warm', 'lazy'] as const),
    safety: draw.one(['read', 'read', 'last-write-wins'] as const),
    minNumOfFailures: draw.one([1000, 4]),
    delayInBetweenFailoverAttemptsMs: draw.one([2000, 12_000]),
    maxNumFailoverAttempts: draw.integer(1, 10),
    maxPendingCommands: draw.one([100_000, 100_000, 30]),
  };
  const isDoubling = base.gracePeriodMs > 0 && own.chance(0.3);
  const hedging = drawHedging(draw, base.standbyConnections);
  const drawn = {
    ...base,
    hedging,
    // Above the latency of a database that is merely distant.
    slowCallMs: own.chance(0.4) ? own.one([400, 800]) : undefined,
    slowAboveMs: own.chance(0.15) ? 500 : undefined,
    maxGracePeriodMs: base.gracePeriodMs * (isDoubling ? own.one([2, 8]) : 1),
    budget: own.chance(0.3)
      ? { share: own.one([0, 0.2]), minPerSecond: own.one([0, 1, 10]) }
      : undefined,
    beforeFailback: own.chance(0.3)
      ? own.one(['succeeds', 'takes its time', 'fails now and then'] as const)
      : undefined,
  };
  // Drawn last, so that the other options of a seed stay what they were.
  const isAdaptive = own.chance(0.3);
  const replicas = own.chance(0.25)
    ? { readOnlyWrites: own.one(['wait', 'reject'] as const) }
    : undefined;
  return {
    ...drawn,
    ...drawChoices(choices),
    isAdaptive,
    replicas,
    ...(isAdaptive ? { suspectAfterMs: 1000, timeoutMs: 1000 } : {}),
  };
}

function drawHedging(draw: Draw, standbys: 'warm' | 'lazy'): DrawnOptions['hedging'] {
  const isOn = draw.chance(0.6);
  const afterMs = draw.one([10, 50, 150, 'p99'] as const);
  const maxShare = draw.one([0.05, 1]);
  return isOn && standbys === 'warm' ? { afterMs, maxShare } : undefined;
}

/** `decisions` learns what functions of the application answer. */
export function clientOptions(
  drawn: DrawnOptions,
  decisions: Decisions,
): NonNullable<SimulatedClientOptions['options']> {
  const { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy } = drawn;
  const { safety, minNumOfFailures, slowCallMs, slowAboveMs, ...others } = drawn;
  const { maxGracePeriodMs, budget, beforeFailback, isAdaptive, replicas, ...more } = others;
  const { selection, detector, ...rest } = more;
  const chosen = choiceOptions({ selection, detector }, decisions);
  const timing = {
    ...{ intervalMs, numProbes, delayInBetweenProbesMs, policy },
    timeoutMs: isAdaptive ? ('adaptive' as const) : timeoutMs,
  };
  const options: Record<string, unknown> = {
    ...rest,
    ...(isAdaptive ? { suspectAfterMs: 'adaptive' } : {}),
    ...replicas,
    healthCheck:
      slowAboveMs === undefined ? timing : [timing, { ...timing, strategy: latency(slowAboveMs) }],
    commandRetry: { safety, budget },
    selection: chosen.selection,
    failureDetector: { minNumOfFailures, slowCallMs, detector: chosen.detector },
    beforeFailback: beforeFailback === undefined ? undefined : preparation(beforeFailback),
    ...(maxGracePeriodMs > rest.gracePeriodMs
      ? { gracePeriodMs: { baseMs: rest.gracePeriodMs, maxMs: maxGracePeriodMs } }
      : {}),
  };
  for (const name of ['intervalMs', 'timeoutMs', 'numProbes', 'delayInBetweenProbesMs', 'policy']) {
    delete options[name];
  }
  return options;
}

function latency(slowAboveMs: number): LatencyStrategy {
  return new LatencyStrategy({ slowAboveMs, windowSize: 4 });
}

function preparation(kind: NonNullable<DrawnOptions['beforeFailback']>): BeforeFailback {
  let calls = 0;
  return async ({ sendCommand }) => {
    calls += 1;
    if (kind === 'succeeds') return;
    await sendCommand(['PING']);
    if (kind === 'fails now and then' && calls % 3 === 1) throw new Error('not yet');
  };
}

/** Longest durations, in milliseconds of time in which the event loop could run. */
export class Bounds {
  /** One round of unanswered probes, begun at the worst moment. */
  readonly roundMs: number;
  /** From the first sign of a failure to the verdict. */
  readonly verdictMs: number;
  /** From a failure without any traffic until the database is left. */
  readonly noticeMs: number;
  /** From the recovery of a database until it counts as healthy: reconnected, and a round passed. */
  readonly recoverMs: number;
  /** From the recovery of a slow database until it counts as fast, by its calls or by its probes. */
  readonly fastAgainMs: number;
  /** From an unanswered command until its database is left. */
  readonly silenceMs: number;
  /** From a refused connection until its database is left. */
  readonly refusedMs: number;
  /** For how long the cause of a failover may lie back. */
  readonly aftermathMs: number;

  constructor(readonly options: DrawnOptions) {
    const { numProbes, timeoutMs, delayInBetweenProbesMs, intervalMs, policy } = options;
    const slackMs = 200;
    this.roundMs = (numProbes + 1) * (timeoutMs + delayInBetweenProbesMs + 60);
    const deciding = policy === 'ALL_SUCCESS' ? 2 : numProbes + 1;
    this.verdictMs = deciding * (timeoutMs + delayInBetweenProbesMs + 60) + slackMs;
    this.noticeMs = intervalMs + this.verdictMs + options.unhealthyAfterMs;
    this.recoverMs =
      2500 + intervalMs + 2 * this.roundMs + options.delayInBetweenFailoverAttemptsMs + slackMs;
    this.silenceMs = options.suspectAfterMs + this.verdictMs + options.unhealthyAfterMs;
    const isMeasured = options.slowCallMs !== undefined || options.slowAboveMs !== undefined;
    this.fastAgainMs = isMeasured ? 12 * (intervalMs + this.roundMs) : 0;
    const probesToDecide = policy === 'ALL_SUCCESS' ? 0 : numProbes;
    this.refusedMs = probesToDecide * (delayInBetweenProbesMs + 5) + options.unhealthyAfterMs + 60;
    this.aftermathMs = options.commandTimeoutMs + this.noticeMs + 2 * this.roundMs + 2000 + slackMs;
  }
}
