/** Plays the steps of a script. */
import type { Recorder } from '../load/recorder.js';
import { runStep, type Step, type StepRun } from './step.js';

/** Is told of each step. */
export interface Follower {
  step(index: number, run: StepRun<never>): void;
  /** The step's state was reached. */
  served(run: StepRun<never>, at: number): void;
}

export interface Playing<Stage> {
  readonly stage: Stage;
  /** The steps so far; one is added when it begins. */
  readonly runs: StepRun<Stage>[];
  readonly follower: Follower;
  /** Default: that of `runStep`. */
  readonly patienceMs?: number;
  /** Rejects when waiting has become pointless. */
  readonly ended?: Promise<never>;
}

export interface Played<Stage> {
  readonly runs: readonly StepRun<Stage>[];
  /** The reason for an early end of the script. */
  readonly failure: string | undefined;
}

/** Plays the next step and notes its times. Rejects as `runStep` does. */
export async function playStep<Stage extends { readonly recorder: Recorder }>(
  step: Step<Stage>,
  { stage, runs, follower, patienceMs, ended }: Playing<Stage>,
): Promise<StepRun<Stage>> {
  const { recorder } = stage;
  const index = runs.length;
  const run: StepRun<Stage> = {
    step,
    beganAt: recorder.now(),
    endedAt: Infinity,
    servedAt: undefined,
  };
  recorder.beginStep(index, step.expected === undefined);
  runs.push(run);
  follower.step(index, run);
  try {
    await runStep(run, stage, (at) => follower.served(run, at), patienceMs, ended);
    return run;
  } finally {
    run.endedAt = recorder.now();
  }
}
