/** The verdict of a drill: its goals, and the client's own promises. */
import type { Recorder } from '../load/recorder.js';
import type { PromiseVerdict } from '../report/model.js';
import { type Evidence, judge } from '../script/verdict.js';
import { goals } from './goals.js';
import type { DrillSettings } from './settings.js';

/** The evidence that the recorder does not have. */
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
    // Replies of the user's own servers don't show which database they come from.
    routed: undefined,
    misrouted: [],
    failedWhileDown: takesAllDown ? recorder.failedWhileDown : undefined,
    waitedWhileDown: recorder.waitedWhileDown,
    wrongWhileDown: recorder.wrongWhileDown,
    looked: 'keys and connections',
  });
  // An accepted number of errors replaces the promise that no reader sees one.
  const others = settings.goalErrors === undefined ? promised : promised.slice(1);
  return [...goals(evidence.steps, settings), ...others];
}
