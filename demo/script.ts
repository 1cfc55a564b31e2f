import { setTimeout as sleep } from 'node:timers/promises';
import type { MultiDbClient } from 'redis-multidb';
import { duration, moment } from './format.js';
import type { Recorder } from './recorder.js';
import type { Servers } from './servers.js';
import { HOLD_MS, SETTINGS } from './settings.js';

export interface Stage {
  readonly client: MultiDbClient;
  readonly servers: Servers;
  readonly recorder: Recorder;
}

export interface Step {
  readonly title: string;
  readonly action: string;
  /** The database that has to serve next; undefined: commands have to fail at once. */
  readonly expected: string | undefined;
  /** Switches to these may come before the one to `expected`. */
  readonly mayPass?: readonly (string | undefined)[];
  /** Of the switch to `expected`. */
  readonly reasons: readonly string[];
  /** A switch away from a database that is well: no caller sees an error. */
  readonly planned?: boolean;
  /** A return to a database that was left as failed: not before its grace period is over. */
  readonly afterGrace?: boolean;
  readonly goal: string;
  /** After the first reply, so that the next state can be seen. */
  readonly holdMs: number;
  act(stage: Stage): Promise<unknown>;
}

/** What happened in a step; the rest is worked out from the recorder. */
export interface StepRun {
  readonly step: Step;
  readonly beganAt: number;
  endedAt: number;
  /** First reply from `expected`, or first typed error. */
  servedAt: number | undefined;
}

const { gracePeriodMs, failbackCheckIntervalMs, suspectAfterMs, commandTimeoutMs } = SETTINGS;

/** Longer than any deadline, so that late errors fall into the step they belong to. */
const HOLD = commandTimeoutMs + 1200;

const FAILOVER = ['health-check', 'circuit-breaker'];
const RETURN = `${moment(gracePeriodMs)} of grace since it was left, next look ≤ ${moment(failbackCheckIntervalMs)}`;
const SILENCE = suspectAfterMs + SETTINGS.healthCheck.timeoutMs;

export const SCRIPT: readonly Step[] = [
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
    action: 'SIGSTOP to east: its connections stay open and say nothing',
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
    title: 'Switch by hand',
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
    title: 'The time of the switch by hand runs out',
    action: 'nothing is done',
    expected: 'east',
    reasons: ['failback'],
    planned: true,
    goal: `time that is left, next look ≤ ${moment(failbackCheckIntervalMs)}`,
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

/** For the progress line: what a step takes about. */
export function expectedMs(step: Step): number {
  const waitMs = step.afterGrace ? gracePeriodMs / 2 : step.planned ? HOLD_MS / 2 : 500;
  return step.holdMs + waitMs;
}

const PATIENCE_MS = 30_000;

/** Thrown when what a step waits for does not come; the rest of the script would mean nothing. */
export class ScriptError extends Error {}

/**
 * Runs one step and resolves when its state has been held. `onServed` is called a moment after the
 * state was reached. Rejects with `ScriptError` when it is not reached.
 */
export async function runStep(
  run: StepRun,
  stage: Stage,
  onServed: (at: number) => void,
): Promise<void> {
  const { recorder } = stage;
  const { step } = run;
  const served = new Promise<number>((resolve) => {
    if (step.expected === undefined) {
      recorder.once('down', () => recorder.once('unavailable', resolve));
      return;
    }
    const onServed = (id: string, at: number) => {
      if (id !== step.expected) return;
      recorder.off('served', onServed);
      resolve(at);
    };
    recorder.on('served', onServed);
  });
  const acted = step.act(stage);
  const patience = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: patience.signal }).then(() => {
    const what = step.expected === undefined ? 'No typed error' : `No reply from ${step.expected}`;
    throw new ScriptError(`${what} within ${moment(PATIENCE_MS)} of "${step.title}"`);
  });
  try {
    await Promise.race([acted.then(() => served), tooLate]);
  } finally {
    patience.abort();
    tooLate.catch(() => {});
  }
  run.servedAt = await served;
  onServed(run.servedAt);
  await sleep(step.holdMs);
}
