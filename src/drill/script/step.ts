/** One step of a drill: the action, the expected effect, and the wait for it. */
import { systemClock } from '../../clock.js';
import { sleep } from '../../test-bed/wire/wait.js';
import type { Recorder } from '../load/recorder.js';
import { moment } from '../report/format.js';

/** A step; its action works on `Stage`. */
export interface Step<Stage> {
  readonly title: string;
  readonly action: string;
  /** The database that must serve next; undefined: commands must fail at once. */
  readonly expected: string | undefined;
  /** `expected` is active already and must stay: any switch is a violation. */
  readonly stays?: boolean;
  /** Both a switch and no switch are right. */
  readonly mayStay?: boolean;
  /** Switches to these may come before the one to `expected`. */
  readonly mayPass?: readonly (string | undefined)[];
  /** Permitted reasons of the switch to `expected`. */
  readonly reasons: readonly string[];
  /** A switch away from a database that is healthy: no caller sees an error. */
  readonly planned?: boolean;
  /** A return to a database that was left as failed: not before its grace period is over. */
  readonly afterGrace?: boolean;
  readonly goal: string;
  /**
   * The sign that the state was reached. Default: the first reply from `expected`, or typed error.
   */
  readonly sign?: string;
  /**
   * How long the state is held after the first reply, in milliseconds, so that the next one can be
   * distinguished.
   */
  readonly holdMs: number;
  /** For the progress line: what the step takes about. */
  readonly expectedMs: number;
  act(stage: Stage): unknown;
  /** Called just before `act`. Default: a reply from `expected`, or, without one, a typed error. */
  reached?(stage: Stage): Reached;
}

/** The awaited effect of a step, and a way to stop waiting. */
export interface Reached {
  readonly at: Promise<number>;
  forget(): void;
}

/** The times of a step; the rest is derived from the recorder. */
export interface StepRun<Stage> {
  readonly step: Step<Stage>;
  readonly beganAt: number;
  endedAt: number;
  /** First reply from `expected`, or first typed error. */
  servedAt: number | undefined;
}

/** The awaited effect of a step did not occur; the rest of the script would be meaningless. */
export class ScriptError extends Error {}

/**
 * Runs one step and resolves when its state has been held. `onServed` is called a moment after the
 * state was reached. Rejects with `ScriptError` when it is not reached within `patienceMs`.
 */
export async function runStep<Stage extends { readonly recorder: Recorder }>(
  run: StepRun<Stage>,
  stage: Stage,
  onServed: (at: number) => void,
  patienceMs = 30_000,
  /** Rejects when waiting has become pointless. */
  ended?: Promise<never>,
): Promise<void> {
  const { recorder } = stage;
  const { step } = run;
  const state = step.reached?.(stage) ?? reached(recorder, step.expected);
  const what =
    step.sign !== undefined
      ? `No ${step.sign.replace('first ', '')}`
      : step.expected === undefined
        ? 'No typed error'
        : `No reply from ${step.expected}`;
  let tooLate = () => {};
  const patience = new Promise<never>((_, reject) => {
    tooLate = () =>
      reject(new ScriptError(`${what} within ${moment(patienceMs)} of "${step.title}"`));
  });
  const timer = systemClock.after(patienceMs, tooLate, { keepAlive: true });
  try {
    const acted = Promise.resolve(step.act(stage));
    const served = acted.then(() => state.at);
    served.catch(() => {});
    run.servedAt = await Promise.race([served, patience, ...(ended === undefined ? [] : [ended])]);
  } finally {
    timer.cancel();
    state.forget();
  }
  recorder.reached();
  onServed(run.servedAt);
  await sleep(step.holdMs);
}

/**
 * Waits until `expected` replies, or, without one, until all are known to be down and a caller gets
 * an error.
 */
function reached(recorder: Recorder, expected: string | undefined): Reached {
  let forget = () => {};
  const at = new Promise<number>((resolve) => {
    if (expected === undefined) {
      const onDown = () => recorder.once('unavailable', resolve);
      recorder.once('down', onDown);
      forget = () => recorder.off('down', onDown).off('unavailable', resolve);
      return;
    }
    const onServed = (id: string, at: number) => {
      if (id === expected) resolve(at);
    };
    recorder.on('served', onServed);
    forget = () => recorder.off('served', onServed);
  });
  return { at, forget: () => forget() };
}
