import { setImmediate } from 'node:timers/promises';
import { seededRandom } from '../../../src/testing/random.js';
import { Draw } from '../draw.js';
import { Fleet, type FleetSettings } from './fleet.js';
import {
  type FleetFault,
  flappingLink,
  partialPartition,
  regionIsolated,
  regionRefuses,
  regionSilent,
  slowDatabase,
  together,
  totalOutage,
} from './fleet-faults.js';
import { type SteeringKind, steeringLost, steeringSplit } from './fleet-steering.js';
import { type Course, judge, type Verdict } from './judge.js';

/** A fleet, what happens to it, and when. */
export interface Scenario {
  readonly settings: FleetSettings;
  readonly fault: FleetFault;
  readonly course: Course;
}

export interface Outcome {
  readonly scenario: Scenario;
  readonly fleet: Fleet;
  readonly verdict: Verdict;
}

/** Requests of a process per second, each for as many commands as make `COMMANDS_PER_SECOND`. */
const REQUESTS_PER_SECOND = 0.5;
/** Commands per second of one process. */
const COMMANDS_PER_SECOND = 20;
const START_MS = 5000;
const FAULT_AT_MS = 20_000;
const FINAL_MS = 15_000;

export const COMMAND_UNITS = COMMANDS_PER_SECOND / REQUESTS_PER_SECOND;

/** The course of a run with a fault of `faultMs`, after which the fleet has `settleMs` to recover. */
export function courseOf(faultMs: number, settleMs: number): Course {
  const faultEndsAt = FAULT_AT_MS + faultMs;
  const settledAt = faultEndsAt + settleMs;
  return {
    normalFrom: START_MS + 5000,
    faultAt: FAULT_AT_MS,
    faultEndsAt,
    settledAt,
    endsAt: settledAt + FINAL_MS,
  };
}

/** Mean latency of the zones to a database and back, in milliseconds. */
const ROUND_TRIP_MS = 2 * ((0.5 + 35 + 20) / 3);

/**
 * Probes per second that one process sends to one database: a round of `numProbes` with pauses between
 * them, then a rest of `intervalMs`, which is shortened by up to 10 % at random.
 */
export function probesPerSecond({
  intervalMs = 5000,
  numProbes = 3,
  delayInBetweenProbesMs = 500,
  roundTripMs = ROUND_TRIP_MS,
}): number {
  const roundMs = numProbes * roundTripMs + (numProbes - 1) * delayInBetweenProbesMs;
  return (numProbes * 1000) / (roundMs + 0.95 * intervalMs);
}

/** Callers that retry as is good practice: twice, with a backoff and jitter. */
export const CALLERS = {
  requestsPerSecond: REQUESTS_PER_SECOND,
  readShare: 0.8,
  retries: 2,
  waitMs: 200,
  maxWaitMs: 2000,
  jitter: 0.5,
};

/** A fleet with default options at half of the capacity of one database. */
export function defaultSettings(seed: number, processes: number, course: Course): FleetSettings {
  return {
    seed,
    processes,
    durationMs: course.endsAt,
    utilization: 0.5,
    connectionUnits: 20,
    dropAfterMs: 2000,
    callers: CALLERS,
    commandUnits: COMMAND_UNITS,
    startMs: START_MS,
  };
}

/** Callers that repeat what failed until it succeeds, at once and in step. */
const RECKLESS_CALLERS = {
  ...CALLERS,
  retries: Number.POSITIVE_INFINITY,
  waitMs: 100,
  maxWaitMs: 100,
  jitter: 0,
};

/**
 * A fleet that must be found metastable if its callers are reckless, and not if they are not: both
 * databases are lost for a while, and serve so slowly under a queue that commands time out first.
 */
export function planted(processes: number, callers: 'reckless' | 'careful'): Scenario {
  const course = courseOf(10_000, 30_000);
  const commandRetry = { maxAttempts: 10, waitDurationMs: 0, jitter: 0 };
  return {
    course,
    fault: totalOutage(new Draw(seededRandom(1))),
    settings: {
      ...defaultSettings(1, processes, course),
      utilization: 0.6,
      connectionUnits: 20,
      dropAfterMs: 4000,
      callers: callers === 'reckless' ? RECKLESS_CALLERS : CALLERS,
      options: {
        gracePeriodMs: 5000,
        failbackCheckIntervalMs: 5000,
        commandTimeoutMs: 1000,
        ...(callers === 'reckless' ? { commandRetry } : {}),
      },
    },
  };
}

/** The schedule of a seed. */
export function drawScenario(seed: number, processes: number): Scenario {
  const draw = new Draw(seededRandom(seed));
  const isDefault = draw.chance(0.1);
  const gracePeriodMs = isDefault ? 60_000 : draw.one([5000, 15_000]);
  const failbackCheckIntervalMs = isDefault ? 120_000 : draw.one([5000, 20_000]);
  const failbackRampMs = draw.one([0, 0, 10_000]);
  const faultMs = draw.one([3000, 10_000, 30_000]) * draw.between(0.7, 1.3);
  const course = courseOf(
    faultMs,
    20_000 + gracePeriodMs + 1.5 * failbackCheckIntervalMs + failbackRampMs,
  );
  const fault = draw.one([
    () => regionRefuses(),
    () => regionSilent(draw),
    () => regionIsolated(draw),
    () => partialPartition(draw),
    () => flappingLink(draw),
    () => slowDatabase(draw.one([0.02, 0.1, 0.3, 0.45])),
    () => totalOutage(draw),
  ])();
  const drawn = isDefault
    ? {}
    : {
        gracePeriodMs,
        failbackCheckIntervalMs,
        failbackRampMs,
        standbyConnections: draw.one(['warm', 'lazy'] as const),
        fastFailover: draw.chance(0.3),
        commandTimeoutMs: draw.one([1000, 5000]),
        suspectAfterMs: draw.one([500, 1000]),
      };
  const trouble = drawSteering(seed, faultMs);
  return {
    fault: trouble === undefined ? fault : trouble.beside(fault),
    course,
    settings: {
      ...defaultSettings(seed, processes, course),
      ...(trouble === undefined ? {} : { steering: trouble.kind }),
      utilization: draw.between(0.3, 0.6),
      connectionUnits: draw.one([5, 10, 20]),
      dropAfterMs: draw.one([1000, 3000, 8000]),
      callers: { ...CALLERS, retries: draw.integer(0, 3), waitMs: draw.one([50, 200, 1000]) },
      options: drawn,
    },
  };
}

/**
 * What goes wrong with the steering of a seed: in a third of the schedules, alone or beside another fault.
 * Draws by itself, so that the schedules of a seed are the same with and without it.
 */
function drawSteering(seed: number, faultMs: number) {
  const draw = new Draw(seededRandom(seed + 7_000_003));
  if (!draw.chance(1 / 3)) return undefined;
  const course = {
    forMs: faultMs * draw.one([0.5, 1]) + draw.between(0, 5000),
    spreadMs: draw.one([0, 5000, 10_000]),
  };
  const isAlone = draw.chance(0.3);
  const [kind, trouble] = draw.one<() => readonly [SteeringKind, FleetFault]>([
    () => ['service', steeringLost(draw, course)],
    () => ['service', steeringSplit('service', course)],
    () => ['redis', steeringSplit('redis', course)],
  ])();
  return {
    kind,
    beside: (fault: FleetFault) =>
      isAlone ? trouble : together(`${trouble.name}; ${fault.name}`, [trouble, fault]),
  };
}

/** Runs a scenario to its end and judges it. */
export async function runScenario(scenario: Scenario): Promise<Outcome> {
  const { settings, fault, course } = scenario;
  const fleet = new Fleet(settings);
  fleet.clock.at(course.faultAt, () => fault.begin(fleet));
  fleet.clock.at(course.faultEndsAt, () => fault.end(fleet));
  await fleet.run();
  await setImmediate();
  return { scenario, fleet, verdict: judge(fleet, course) };
}
