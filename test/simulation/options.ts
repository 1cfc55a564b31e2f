import type { SimulatedClientOptions } from '../../src/testing/index.js';
import type { Draw } from './draw.js';

/** Options of one schedule, as far as what it checks depends on them. */
export interface DrawnOptions {
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
  readonly commandTimeoutMs: number;
  readonly commandDeadlineMs: number;
  readonly standbyConnections: 'warm' | 'lazy';
  readonly safety: 'read' | 'last-write-wins';
  readonly minNumOfFailures: number;
  readonly delayInBetweenFailoverAttemptsMs: number;
  readonly maxNumFailoverAttempts: number;
  readonly maxPendingCommands: number;
  readonly hedging: { readonly afterMs: number | 'p99'; readonly maxShare: number } | undefined;
}

export function drawOptions(draw: Draw): DrawnOptions {
  const commandTimeoutMs = draw.one([1000, 2000, 5000]);
  const drawn: Omit<DrawnOptions, 'hedging'> = {
    intervalMs: draw.one([3000, 5000, 10_000]),
    timeoutMs: draw.one([250, 500, 1000]),
    numProbes: draw.integer(1, 3),
    delayInBetweenProbesMs: draw.one([0, 100, 500]),
    policy: draw.one(['ALL_SUCCESS', 'ALL_SUCCESS', 'ANY_SUCCESS', 'MAJORITY_SUCCESS']),
    gracePeriodMs: draw.one([0, 0, 5000, 20_000, 60_000]),
    failbackSupported: draw.chance(0.9),
    failbackCheckIntervalMs: draw.one([3000, 15_000, 60_000]),
    fastFailover: draw.chance(0.3),
    retryOnFailover: draw.chance(0.2),
    unhealthyAfterMs: draw.one([0, 0, 0, 0, 2000]),
    suspectAfterMs: draw.one([200, 500, 1000]),
    commandTimeoutMs,
    commandDeadlineMs: commandTimeoutMs * draw.one([1, 2, 3]),
    standbyConnections: draw.one(['warm', 'warm', 'lazy']),
    safety: draw.one(['read', 'read', 'last-write-wins']),
    minNumOfFailures: draw.one([1000, 4]),
    delayInBetweenFailoverAttemptsMs: draw.one([2000, 12_000]),
    maxNumFailoverAttempts: draw.integer(1, 10),
    maxPendingCommands: draw.one([100_000, 100_000, 30]),
  };
  return { ...drawn, hedging: drawHedging(draw, drawn.standbyConnections) };
}

function drawHedging(draw: Draw, standbys: 'warm' | 'lazy'): DrawnOptions['hedging'] {
  const isOn = draw.chance(0.6);
  const afterMs = draw.one([10, 50, 150, 'p99'] as const);
  const maxShare = draw.one([0.05, 1]);
  return isOn && standbys === 'warm' ? { afterMs, maxShare } : undefined;
}

export function clientOptions(drawn: DrawnOptions): NonNullable<SimulatedClientOptions['options']> {
  const { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy } = drawn;
  const { safety, minNumOfFailures, ...rest } = drawn;
  const options: Record<string, unknown> = {
    ...rest,
    healthCheck: { intervalMs, timeoutMs, numProbes, delayInBetweenProbesMs, policy },
    commandRetry: { safety },
    failureDetector: { minNumOfFailures },
  };
  for (const name of ['intervalMs', 'timeoutMs', 'numProbes', 'delayInBetweenProbesMs', 'policy']) {
    delete options[name];
  }
  return options;
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
    const probesToDecide = policy === 'ALL_SUCCESS' ? 0 : numProbes;
    this.refusedMs = probesToDecide * (delayInBetweenProbesMs + 5) + options.unhealthyAfterMs + 60;
    this.aftermathMs = options.commandTimeoutMs + this.noticeMs + 2 * this.roundMs + 2000 + slackMs;
  }
}
