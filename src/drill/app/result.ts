/** Turns the events of a run into its verdict and report. */
import { drillResult, type Judged } from '../rehearsal/result.js';
import type { ApplicationResult, ErrorCounts, RunResult, Sample } from '../report/model.js';
import type { Played } from '../script/play.js';
import { judgedSteps } from '../script/results.js';
import type { End } from './end.js';
import type { AppRun } from './run.js';
import type { AppStage } from './script.js';
import { shownCommand } from './template.js';
import { judgeApp, summed } from './verdict.js';

const TEXTS: Judged['texts'] = {
  promises: 'Goals',
  settings: 'Application',
  settingsNote: 'The application determines the options of its client.',
  load: 'requests',
};

export interface AppFindings {
  readonly played: Played<AppStage>;
  readonly end: End;
  readonly durationMs: number;
  readonly samples: readonly Sample[];
  /** The last lines of the application's output. */
  readonly lastLines: readonly string[];
}

export function appResult(run: AppRun, findings: AppFindings): RunResult {
  const { plan, load, recorder, requests } = run;
  const { played, end, durationMs, samples, lastLines } = findings;
  const { text, status, stopWithinMs } = plan.application;
  const { reads, writes, statuses } = requests;
  const { maxLatencyMs } = recorder.series;
  const steps = judgedSteps(played.runs, recorder, undefined);
  const early = recorder.errors.get(-1);
  const promises = judgeApp({
    steps,
    planned: run.builds.length,
    settings: { ...plan.settings, ...load.rate },
    reads,
    writes,
    maxLatencyMs,
    unanswered: unanswered(statuses),
    hasStatus: status !== undefined,
    early: summed(early?.reader ?? {}, early?.writer ?? {}),
    failure: played.failure,
    stopWithinMs,
    ...end,
  });
  const result = drillResult(run, {
    plan,
    texts: TEXTS,
    startedAt: run.startedAt,
    durationMs,
    traffic: {
      ...load.rate,
      reads,
      writes,
      acknowledgedWrites: requests.goodWrites,
      maxLatencyMs,
    },
    samples,
    steps,
    promises,
  });
  return {
    ...result,
    application: {
      command: shownCommand(text),
      answers: statuses,
      ended: endedOf(end),
      lastLines: result.ok ? [] : lastLines,
    },
  };
}

/** Number of requests that got no response in time. */
function unanswered(statuses: ErrorCounts): number {
  return Object.entries(statuses)
    .filter(([status]) => status.startsWith('no answer'))
    .reduce((sum, [, times]) => sum + times, 0);
}

function endedOf({ stopped }: End): ApplicationResult['ended'] {
  if (stopped === undefined) return null;
  const { code, signal, afterMs, killed } = stopped;
  return { code, signal, afterMs, killed };
}
