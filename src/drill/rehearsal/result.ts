/** The result of a drill with any load. */
import { SAMPLE_MS } from '../load/series.js';
import type {
  PromiseVerdict,
  RunResult,
  RunTexts,
  Sample,
  TrafficTotals,
} from '../report/model.js';
import type { JudgedStep } from '../script/verdict.js';
import type { Shown } from './listener.js';
import type { DrillPlan } from './settings.js';

/** A drill that is over and judged. */
export interface Judged {
  readonly plan: DrillPlan;
  readonly texts: Pick<RunTexts, 'promises' | 'settings' | 'settingsNote' | 'load'>;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly traffic: TrafficTotals;
  readonly samples: readonly Sample[];
  readonly steps: readonly JudgedStep[];
  readonly promises: readonly PromiseVerdict[];
}

export function drillResult(
  { places, settings, recorder, outages }: Shown,
  { plan, texts, startedAt, steps, promises, ...judged }: Judged,
): RunResult {
  return {
    title: 'redis-multidb drill',
    texts: {
      ...texts,
      kept: 'passed',
      counted: 'goals',
      failed: 'missed',
      databasesNote: databasesNote(plan.groups),
    },
    versions: plan.versions,
    startedAt: startedAt.toISOString(),
    databases: places.map(({ info }) => info),
    settings,
    steps: steps.map(({ result }) => result),
    switches: recorder.switches,
    outages: outages.ended,
    sampleMs: SAMPLE_MS,
    promises,
    ok: promises.every(({ violations }) => violations.length === 0),
    ...judged,
  };
}

function databasesNote(groups: readonly (readonly string[])[]): string {
  const together = groups.filter(({ length }) => length > 1);
  if (together.length === 0) return 'The databases do not replicate to each other.';
  return `Data is replicated between ${together.map((ids) => ids.join(' and ')).join('; ')}.`;
}
