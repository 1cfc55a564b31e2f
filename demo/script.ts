import type { MultiDbClient } from 'redis-multidb';
import type { Recorder } from '../src/drill/load/recorder.js';
import { duration, moment } from '../src/drill/report/format.js';
import type { Step } from '../src/drill/script/step.js';
import { FROZEN_MS, HEDGE_AFTER_MS, HEDGED_ID, type HedgedReads } from './hedged-reads.js';
import type { Servers } from './servers.js';
import { HOLD_MS, SETTINGS } from './settings.js';

export interface Stage {
  readonly client: MultiDbClient;
  readonly servers: Servers;
  readonly recorder: Recorder;
  readonly hedged: HedgedReads;
}

const { gracePeriodMs, failbackCheckIntervalMs, suspectAfterMs, commandTimeoutMs } = SETTINGS;

/** Longer than any deadline, so that late errors fall into the step they belong to. */
const HOLD = commandTimeoutMs + 1200;

const FAILOVER = ['health-check', 'circuit-breaker'];
const RETURN = `${moment(gracePeriodMs)} of grace period, next failback check ≤ ${moment(failbackCheckIntervalMs)}`;
const SILENCE = suspectAfterMs + SETTINGS.healthCheck.timeoutMs;

/** The reads of the second client end with it. */
export const HEDGED_STEP = 'Freeze a second under hedged reads';

const PLAYED: readonly Omit<Step<Stage>, 'expectedMs'>[] = [
  {
    title: 'Kill the active database',
    action: 'SIGKILL to east',
    expected: 'west',
    reasons: FAILOVER,
    goal: '10 ms (median, machine at rest)',
    holdMs: HOLD,
    act: ({ servers }) => servers.kill('east'),
  },
  {
    title: 'Start it again',
    action: 'redis-server of east starts with its data',
    expected: 'east',
    reasons: ['failback'],
    planned: true,
    afterGrace: true,
    goal: RETURN,
    holdMs: HOLD,
    act: ({ servers }) => servers.restart('east'),
  },
  {
    title: 'Freeze the active database',
    action: 'SIGSTOP to east: its connections stay open but carry no data',
    expected: 'west',
    reasons: FAILOVER,
    goal: `suspectAfterMs + probe timeout = ${duration(SILENCE)}`,
    holdMs: HOLD,
    act: ({ servers }) => servers.freeze('east'),
  },
  {
    title: 'Thaw it',
    action: 'SIGCONT to east',
    expected: 'east',
    reasons: ['failback'],
    planned: true,
    afterGrace: true,
    goal: RETURN,
    holdMs: HOLD,
    act: ({ servers }) => servers.thaw('east'),
  },
  {
    title: 'Slow the active database',
    action: 'east runs only now and then: it answers everything, up to 220 ms late',
    expected: 'west',
    reasons: ['slow'],
    planned: true,
    goal: 'slow calls in the window, and a comparison with west',
    holdMs: HOLD,
    act: ({ servers }) => servers.slow('east'),
  },
  {
    title: 'It is fast again',
    action: 'east runs all the time',
    expected: 'east',
    reasons: ['failback'],
    planned: true,
    afterGrace: true,
    goal: `${RETURN}, five fast measurements`,
    holdMs: HOLD,
    act: ({ servers }) => servers.speedUp('east'),
  },
  {
    title: HEDGED_STEP,
    action: `SIGSTOP to ${HEDGED_ID} for ${moment(FROZEN_MS)}: it is active for a second client, which has hedging and default detection`,
    expected: 'east',
    stays: true,
    reasons: [],
    goal: `hedging.afterMs = ${duration(HEDGE_AFTER_MS)} and a round trip`,
    sign: 'first hedged reply',
    holdMs: FROZEN_MS + 500,
    reached: ({ hedged }) => ({ at: hedged.nextHedged, forget: () => {} }),
    // The step holds its state until the database runs again.
    act: ({ hedged }) => void hedged.freeze(),
  },
  {
    title: 'Switch manually',
    action: `forceActiveDatabase('south', { durationMs: ${HOLD_MS} })`,
    expected: 'south',
    reasons: ['forced'],
    planned: true,
    goal: 'one probe',
    // The next step begins before the time is up.
    holdMs: HOLD_MS / 2,
    act: ({ client }) => client.forceActiveDatabase('south', { durationMs: HOLD_MS }),
  },
  {
    title: 'The time of the manual switch ends',
    action: 'nothing is done',
    expected: 'east',
    reasons: ['failback'],
    planned: true,
    goal: `remaining time, next failback check ≤ ${moment(failbackCheckIntervalMs)}`,
    holdMs: HOLD,
    act: async () => {},
  },
  {
    title: 'Kill all databases',
    action: 'SIGKILL to east, west and south',
    expected: undefined,
    // Which of them is noticed first is a matter of chance.
    mayPass: ['west', 'south'],
    reasons: FAILOVER,
    goal: 'typed errors at once',
    holdMs: HOLD,
    act: ({ servers }) => servers.kill('east', 'west', 'south'),
  },
  {
    title: 'Start the last choice',
    action: 'redis-server of south starts with its data',
    expected: 'south',
    reasons: ['recovered'],
    goal: 'start of the process, next attempt to connect',
    holdMs: HOLD,
    act: ({ servers }) => servers.restart('south'),
  },
  {
    title: 'Start the others',
    action: 'redis-server of west and of east start with their data',
    expected: 'east',
    mayPass: ['west'],
    reasons: ['failback'],
    planned: true,
    afterGrace: true,
    goal: RETURN,
    holdMs: HOLD,
    act: ({ servers }) => servers.restart('west', 'east'),
  },
];

/** Before the first step, to see the traffic undisturbed. */
export const WARM_UP_MS = 2500;

export const SCRIPT: readonly Step<Stage>[] = PLAYED.map((step) => {
  const waitMs = step.afterGrace ? gracePeriodMs / 2 : step.planned ? HOLD_MS / 2 : 500;
  return { ...step, expectedMs: step.holdMs + waitMs };
});
