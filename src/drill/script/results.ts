import type { Audit } from '../load/audit.js';
import type { Recorder } from '../load/recorder.js';
import type { StepResult } from '../report/model.js';
import type { StepRun } from './step.js';
import type { JudgedStep } from './verdict.js';

/** Sorts what was recorded into the steps of the script. */
export function judgedSteps(
  runs: readonly StepRun<never>[],
  recorder: Recorder,
  audit: Audit | undefined,
): JudgedStep[] {
  return runs.map((run, index) => {
    const { step, beganAt, endedAt, servedAt } = run;
    const switches = recorder.switches.filter(({ at }) => at >= beganAt && at < endedAt);
    const decisive = switches.find(({ to }) => to === step.expected);
    const errors = recorder.errors.get(index);
    const repeated = (audit?.executedTwice ?? []).filter((finding) => finding.step === index);
    const result: StepResult = {
      title: step.title,
      action: step.action,
      beganAt,
      isFault: isFault(step),
      endedAt,
      expected: step.expected,
      switchedAfterMs: decisive && decisive.at - beganAt,
      servedAfterMs: servedAt && servedAt - beganAt,
      goal: step.goal,
      readerErrors: errors?.reader ?? {},
      writerErrors: errors?.writer ?? {},
      unavailable: errors?.unavailable ?? {},
      repeated: repeated.reduce((sum, { times }) => sum + times, 0),
    };
    return { step, result, switches };
  });
}

/** Callers have to recover from it. */
function isFault({ planned, reasons }: StepRun<never>['step']): boolean {
  return planned !== true && reasons[0] !== 'recovered';
}
