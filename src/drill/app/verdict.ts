/** The verdict on an application: its responses, its status, and its shutdown. */
import { goals } from '../rehearsal/goals.js';
import type { DrillSettings } from '../rehearsal/settings.js';
import { count, counted, duration, errorList, name, total } from '../report/format.js';
import type { ErrorCounts, PromiseVerdict } from '../report/model.js';
import type { JudgedStep } from '../script/verdict.js';
import { endingText } from './child.js';
import type { End } from './end.js';

export interface AppEvidence extends End {
  readonly steps: readonly JudgedStep[];
  readonly planned: number;
  readonly settings: DrillSettings;
  readonly reads: number;
  readonly writes: number;
  readonly maxLatencyMs: number;
  /** Number of requests without a response. */
  readonly unanswered: number;
  /** Whether the application reports which database is active, and why. */
  readonly hasStatus: boolean;
  /** Before the first fault. */
  readonly early: ErrorCounts;
  /** What ended the script early. */
  readonly failure: string | undefined;
  readonly stopWithinMs: number;
}

export function judgeApp(evidence: AppEvidence): PromiseVerdict[] {
  const { steps, settings } = evidence;
  return [
    ...goals(steps, settings),
    ...(settings.goalErrors === undefined ? errorsByDefault(evidence) : []),
    {
      promise: 'No request fails without a fault',
      evidence: `before the first fault, and in ${counted(steps.filter(({ step }) => step.planned).length, 'return')} and manual switches`,
      violations: [
        ...(total(evidence.early) > 0
          ? [`Before the first fault: ${errorList(evidence.early)}`]
          : []),
        ...steps.flatMap(({ step, result }) => {
          const errors = summed(result.readerErrors, result.writerErrors);
          return step.planned && total(errors) > 0 ? [`${step.title}: ${errorList(errors)}`] : [];
        }),
      ],
    },
    {
      promise: 'Every request is answered',
      evidence: `${counted(evidence.reads + evidence.writes, 'request')}, the slowest good answer took ${duration(evidence.maxLatencyMs)}`,
      violations:
        evidence.unanswered > 0 ? [`${count(evidence.unanswered)} were never answered`] : [],
    },
    {
      promise: 'It goes through every fault',
      evidence: `${steps.length} of ${evidence.planned} steps`,
      violations: evidence.failure === undefined ? [] : [evidence.failure],
    },
    // Traffic is precise enough for the timeline; a verdict requires the application's status.
    ...(evidence.hasStatus
      ? [
          {
            promise: 'It moves to another database exactly when it must',
            evidence: 'according to its status',
            violations: steps.flatMap(switchViolations),
          },
        ]
      : []),
    ending(evidence),
  ];
}

/** The client can repeat a request that reads; one that writes may fail once for each caller. */
function errorsByDefault({ steps, settings, reads, writes }: AppEvidence): PromiseVerdict[] {
  const faults = steps.filter(({ result }) => result.isFault);
  const sum = (pick: (step: JudgedStep) => number) =>
    faults.reduce((before, step) => before + pick(step), 0);
  const verdicts: PromiseVerdict[] = [];
  if (reads > 0) {
    verdicts.push({
      promise: 'No request that reads fails while a database can serve',
      evidence: `${count(reads)} GET and HEAD`,
      violations: faults.flatMap(({ step, result }) =>
        total(result.readerErrors) > 0 ? [`${step.title}: ${errorList(result.readerErrors)}`] : [],
      ),
    });
  }
  if (writes > 0) {
    verdicts.push({
      promise: 'Of requests that write, only those in flight at a fault fail',
      evidence: `${count(sum(({ result }) => total(result.writerErrors)))} of ${count(writes)} failed, at most ${count(settings.callers)} are in flight`,
      violations: faults.flatMap(({ step, result }) =>
        total(result.writerErrors) > settings.callers
          ? [`${step.title}: ${errorList(result.writerErrors)}`]
          : [],
      ),
    });
  }
  return verdicts;
}

function switchViolations({ step, switches }: JudgedStep): string[] {
  const told = ({ to, reason, cause }: JudgedStep['switches'][number]) =>
    `${step.title}: a switch to ${name(to)} (${reason}: ${cause})`;
  if (step.stays) return switches.map(told);
  if (step.planned || step.expected === undefined || step.reasons[0] === 'recovered') return [];
  if (switches.length === 0) return step.mayStay ? [] : [`${step.title}: no switch`];
  return switches.filter(({ reason }) => !step.reasons.includes(reason)).map(told);
}

function ending(evidence: AppEvidence): PromiseVerdict {
  const { stopped, stopWithinMs, underWay, cut } = evidence;
  const promise = `It ends cleanly within ${duration(stopWithinMs)} of SIGTERM`;
  if (stopped === undefined) {
    return { promise, evidence: 'not tried', violations: ['it had already ended'] };
  }
  const { killed, leftOthers, code, signal, afterMs } = stopped;
  const violations = [...cut];
  if (killed) violations.push(`it did not end within ${duration(stopWithinMs)} and was killed`);
  // 143: a process that ends on its own says so by this code, and npm after its script.
  else if (signal !== null || (code !== 0 && code !== 143)) {
    violations.push(
      `it ${endingText(stopped)}${signal === 'SIGTERM' ? ': it does not handle SIGTERM' : ''}`,
    );
  }
  if (leftOthers) violations.push('its child processes did not end and were killed');
  return {
    promise,
    evidence: `${endingText(stopped)} after ${duration(afterMs)}, ${counted(underWay, 'request')} in flight`,
    violations,
  };
}

export function summed(...all: readonly ErrorCounts[]): ErrorCounts {
  const sum: Record<string, number> = {};
  for (const errors of all) {
    for (const [kind, times] of Object.entries(errors)) sum[kind] = (sum[kind] ?? 0) + times;
  }
  return sum;
}
