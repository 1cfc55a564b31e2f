/** The verdict of a drill: what was asked for, and what the client promises anyway. */
import type { Recorder } from '../load/recorder.js';
import type { PromiseVerdict } from '../report/model.js';
import { type Evidence, judge } from '../script/verdict.js';
import { goals } from './goals.js';
import type { DrillSettings } from './settings.js';

/** What the recorder does not know. */
type DrillEvidence = Pick<
  Evidence,
  | 'steps'
  | 'planned'
  | 'gracePeriodMs'
  | 'reads'
  | 'writes'
  | 'acknowledged'
  | 'hanging'
  | 'audit'
  | 'leftovers'
  | 'failure'
>;

export function judgeDrill(
  settings: DrillSettings,
  recorder: Recorder,
  evidence: DrillEvidence,
): PromiseVerdict[] {
  const takesAllDown = settings.faults.includes('all-down');
  const promised = judge({
    ...evidence,
    switches: recorder.switches,
    maxLatencyMs: recorder.series.maxLatencyMs,
    // Replies of a foreign server don't tell where they come from.
    routed: undefined,
    misrouted: [],
    failedWhileDown: takesAllDown ? recorder.failedWhileDown : undefined,
    waitedWhileDown: recorder.waitedWhileDown,
    wrongWhileDown: recorder.wrongWhileDown,
    looked: 'keys and connections',
  });
  // A number of errors that is agreed to takes the place of "no reader sees one".
  const others = settings.goalErrors === undefined ? promised : promised.slice(1);
  return [...goals(evidence.steps, settings), ...others];
}
