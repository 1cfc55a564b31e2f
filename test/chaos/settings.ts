import {
  type FailbackContext,
  LatencyStrategy,
  PingStrategy,
  type PromotionContext,
  RETRY_SAFETIES,
  type RetrySafety,
} from 'redis-multidb';
import { redisSteering } from 'redis-multidb/steering';
import { seededRandom } from 'redis-multidb/testing';
import { choiceOptions, Decisions, drawChoices } from '../simulation/choices.js';
import { Draw } from '../simulation/draw.js';
import { STEERING_KEY } from './steer.js';
import { type ChaosTopology, drawPool } from './topology.js';

export interface ChaosSettings {
  readonly databases: number;
  /** Whether each server keeps its data over a restart. */
  readonly persist: readonly boolean[];
  readonly clients: number;
  /** Further clients are duplicates of the first one, in one group with it. */
  readonly duplicates: boolean;
  /** Each server has a replica that can take its place behind the endpoint. */
  readonly moves: boolean;
  /** Databases are reached by names, which are looked up. */
  readonly names: boolean;
  /** What is checked of each database. */
  readonly checks: readonly CheckKind[];
  readonly writers: number;
  readonly readers: number;
  /** Between two commands of one caller. */
  readonly pauseMs: number;
  readonly burst: number;
  readonly ending: 'close' | 'destroy';
  readonly RESP: 2 | 3;
  /** How often the event loop is blocked, per second. */
  readonly stallsPerSecond: number;
  readonly longestStallMs: number;
  readonly safety: RetrySafety;
  readonly maxAttempts: number;
  readonly commandDeadlineMs: number;
  readonly topology: ChaosTopology;
  readonly pool: ReturnType<typeof drawPool>;
  readonly masterPoolSize: number;
  /** Beside what stands above. */
  readonly client: ReturnType<typeof drawClientOptions>;
  readonly extras: ReturnType<typeof drawExtras>;
}

/** `gate`: beside the probes of the group, one that opens and closes. `none`: unchecked. */
export type CheckKind = 'probes' | 'none' | 'gate';

const CHECKS: readonly CheckKind[] = ['none', 'gate'];

/** What differs from seed to seed. `thorough` for runs that have the time. */
export function drawSettings(draw: Draw, thorough: boolean): ChaosSettings {
  const databases = thorough && draw.chance(0.4) ? 3 : 2;
  const client = drawClientOptions(draw);
  return {
    databases,
    persist: Array.from({ length: databases }, () => draw.chance(0.5)),
    clients: draw.chance(0.4) ? 2 : 1,
    duplicates: draw.chance(0.5),
    moves: draw.chance(0.35),
    names: draw.chance(0.3),
    checks: Array.from({ length: databases }, () =>
      draw.chance(0.75) ? 'probes' : draw.one(CHECKS),
    ),
    writers: draw.integer(2, 8),
    readers: draw.integer(1, 4),
    pauseMs: draw.one([0, 2, 10, 30]),
    burst: draw.one([20, 100, 400]),
    ending: draw.one(['close', 'destroy']),
    RESP: draw.one([2, 3]),
    stallsPerSecond: draw.one([0, 0.1, 0.3]),
    longestStallMs: thorough ? 3000 : 900,
    safety: draw.chance(0.7) ? 'read' : draw.one(RETRY_SAFETIES.slice(0, 5)),
    maxAttempts: draw.integer(1, 4),
    commandDeadlineMs: draw.integer(400, 1800),
    client,
    extras: drawExtras(new Draw(seededRandom(client.suspectAfterMs * 1000 + client.gracePeriodMs))),
    topology: 'client',
    pool: drawPool(draw),
    masterPoolSize: draw.one([1, 1, 3]),
  };
}

/** Nothing that is off by default. */
export const NO_EXTRAS: ChaosSettings['extras'] = {
  slowCallMs: undefined,
  doublesGrace: false,
  budget: undefined,
  beforeFailback: false,
  latency: false,
  adaptiveSuspicion: false,
  adaptiveTimeout: false,
  writable: false,
  readOnlyWrites: 'wait',
  promotes: false,
  steering: false,
  instanceId: 'chaos',
  choices: { selection: undefined, detector: undefined },
};

/** What is off by default; drawn from its own stream, so that the rest of a seed stays the same. */
function drawExtras(draw: Draw) {
  return {
    slowCallMs: draw.chance(0.4) ? draw.integer(40, 200) : undefined,
    doublesGrace: draw.chance(0.3),
    budget: draw.chance(0.3)
      ? { share: draw.one([0, 0.2]), minPerSecond: draw.one([0, 1, 10]) }
      : undefined,
    beforeFailback: draw.chance(0.3),
    latency: draw.chance(0.2),
    adaptiveSuspicion: draw.chance(0.3),
    adaptiveTimeout: draw.chance(0.3),
    writable: draw.chance(0.35),
    readOnlyWrites: draw.one(['wait', 'reject'] as const),
    promotes: draw.chance(0.5),
    steering: draw.chance(0.35),
    instanceId: `chaos-${draw.integer(1, 1000)}`,
    choices: drawChoices(draw),
  };
}

/** Short intervals, so that seconds hold what minutes do. */
function drawClientOptions(draw: Draw) {
  const timeoutMs = draw.integer(80, 300);
  return {
    healthCheck: {
      intervalMs: timeoutMs + draw.integer(0, 200),
      timeoutMs,
      numProbes: draw.integer(1, 3),
      delayInBetweenProbesMs: draw.integer(5, 50),
    },
    suspectAfterMs: draw.integer(40, 300),
    gracePeriodMs: draw.integer(50, 600),
    failbackSupported: draw.chance(0.9),
    failbackCheckIntervalMs: draw.integer(30, 300),
    delayInBetweenFailoverAttemptsMs: draw.integer(30, 200),
    maxNumFailoverAttempts: draw.integer(2, 10),
    commandTimeoutMs: draw.integer(150, 900),
    maxPendingCommands: draw.one([50, 100_000, 100_000]),
    unhealthyAfterMs: draw.one([0, 0, 0, 200]),
    fastFailover: draw.chance(0.4),
    retryOnFailover: draw.chance(0.3),
    standbyConnections: draw.one(['warm', 'warm', 'lazy'] as const),
    failureDetector: draw.chance(0.3)
      ? { minNumOfFailures: draw.integer(3, 50), slidingWindowSizeMs: draw.integer(200, 2000) }
      : {},
    retryWaitMs: draw.integer(0, 200),
    hedging: draw.chance(0.4)
      ? { afterMs: draw.one([5, 20, 80, 'p99'] as const), maxShare: draw.one([0.1, 1]) }
      : undefined,
  };
}

/** Whether reads may be sent to a standby as well. */
export function isHedged({ client }: ChaosSettings): boolean {
  return client.hedging !== undefined && client.standbyConnections === 'warm';
}

/** The options of a client over these places. */
export function clientOptions(
  settings: ChaosSettings,
  places: readonly { readonly id: string; readonly options: { readonly topology?: string } }[],
) {
  const { retryWaitMs, ...options } = settings.client;
  const hedging = isHedged(settings) ? options.hedging : undefined;
  // A cluster's probe asks for the slots first, over a connection of its own.
  const { intervalMs, timeoutMs, ...healthCheck } = options.healthCheck;
  const moreMs = settings.topology === 'cluster' ? 200 : 0;
  const timing = {
    ...healthCheck,
    intervalMs: intervalMs + moreMs,
    timeoutMs: settings.extras.adaptiveTimeout ? 'adaptive' : timeoutMs + moreMs,
  };
  const { adaptiveSuspicion, steering, instanceId } = settings.extras;
  const { slowCallMs, doublesGrace, budget, beforeFailback, latency } = settings.extras;
  const baseMs = Math.max(options.gracePeriodMs, 1);
  const { choices } = settings.extras;
  const { selection, detector } = choiceOptions(choices, new Decisions(seededRandom(baseMs)));
  return {
    ...options,
    hedging,
    healthCheck: latency
      ? [timing, { ...timing, strategy: new LatencyStrategy({ slowAboveMs: 40, windowSize: 4 }) }]
      : timing,
    failureDetector: { ...options.failureDetector, slowCallMs, ...(detector && { detector }) },
    ...(selection === undefined ? {} : { selection }),
    ...(doublesGrace ? { gracePeriodMs: { baseMs, maxMs: 4 * baseMs } } : {}),
    ...(adaptiveSuspicion ? { suspectAfterMs: 'adaptive' } : {}),
    ...(steering
      ? { instanceId, steering: redisSteering({ key: STEERING_KEY, intervalMs: 50 }) }
      : {}),
    ...promotion(settings),
    ...(beforeFailback ? { beforeFailback: changingPreparation() } : {}),
    client: { RESP: settings.RESP },
    commandDeadlineMs: settings.commandDeadlineMs,
    commandRetry: {
      safety: settings.safety,
      maxAttempts: settings.maxAttempts,
      waitDurationMs: retryWaitMs,
      budget,
    },
    databases: places.map(({ id, options: own }, index) => ({
      id,
      weight: selection === undefined ? 1 / (index + 1) : 1,
      ...checksOf(settings.checks[index], timing),
      ...(settings.extras.writable && isPlain(own) ? { writable: 'auto' } : {}),
      ...own,
    })),
  };
}

/** Sentinel and clusters find their masters themselves. */
function isPlain(options: { readonly topology?: string }): boolean {
  return options.topology === undefined || options.topology === 'pool';
}

/** The databases may be replicas for a while, until the application or a healed fault promotes them. */
function promotion({ extras, moves }: ChaosSettings): object {
  const { writable, readOnlyWrites, promotes } = extras;
  if (!writable) return {};
  return {
    readOnlyWrites,
    onPromotionNeeded: async ({ sendCommand }: PromotionContext) => {
      // An old connection may lead to a server that has handed over to its replica: two masters
      // would be a fault of this application.
      if (promotes && !moves) await sendCommand(['REPLICAOF', 'NO', 'ONE']);
    },
  };
}

function checksOf(kind: CheckKind | undefined, timing: object): object {
  if (kind === 'none') return { healthCheck: false };
  if (kind !== 'gate') return {};
  const check = (strategy: object) => ({ ...timing, strategy });
  return { healthCheck: [check(new PingStrategy()), check(changingGate())] };
}

/** Asks the database, and fails now and then. */
function changingPreparation() {
  let count = 0;
  return async ({ sendCommand }: FailbackContext) => {
    count += 1;
    await sendCommand(['PING']);
    if (count % 3 === 0) throw new Error('not yet');
  };
}

/** A gate that is open, closed, late or broken in turn. It must never evict the active database. */
function changingGate(): object {
  let count = 0;
  return {
    name: 'gate',
    role: 'gate',
    check: async (probe: { sendCommand(args: readonly string[]): Promise<unknown> }) => {
      count += 1;
      if (count % 7 === 0) return false;
      if (count % 11 === 0) await new Promise(() => {});
      if (count % 5 === 0) await probe.sendCommand(['NOSUCHCOMMAND']);
      return true;
    },
  };
}
