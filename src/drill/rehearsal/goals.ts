/** The verdict on the goals of a drill. */
import { counted, duration, errorList, total } from '../report/format.js';
import type { PromiseVerdict } from '../report/model.js';
import type { JudgedStep } from '../script/verdict.js';
import type { DrillSettings } from './settings.js';

type Goals = Pick<DrillSettings, 'goalRecoveryMs' | 'goalErrors'>;

/** Goals apply to `steps` that are faults: after other steps no caller has to recover. */
export function goals(
  steps: readonly JudgedStep[],
  { goalRecoveryMs, goalErrors }: Goals,
): PromiseVerdict[] {
  const faults = steps.filter(({ result }) => result.isFault);
  const recovery: PromiseVerdict = {
    promise: `Recovered within ${duration(goalRecoveryMs)} of each fault`,
    evidence: recoveryText(faults),
    violations: faults.flatMap(({ step, result: { servedAfterMs } }) => {
      if (servedAfterMs !== undefined && servedAfterMs <= goalRecoveryMs) return [];
      return [
        `${step.title}: ${servedAfterMs === undefined ? 'not recovered' : duration(servedAfterMs)}`,
      ];
    }),
  };
  if (goalErrors === undefined) return [recovery];
  const errors = ({ result }: JudgedStep) =>
    total(result.readerErrors) + total(result.writerErrors);
  const sum = faults.reduce((before, each) => before + errors(each), 0);
  return [
    recovery,
    {
      promise: `At most ${counted(goalErrors, 'error')} for each fault`,
      evidence: `${counted(sum, 'error')} in ${counted(faults.length, 'fault')}, without typed errors while all are down`,
      violations: faults
        .filter((each) => errors(each) > goalErrors)
        .map((each) => `${each.step.title}: ${errorsOf(each)}`),
    },
  ];
}

function recoveryText(faults: readonly JudgedStep[]): string {
  const all = counted(faults.length, 'fault');
  if (faults.length === 0) return all;
  const times = faults.flatMap(({ result }) => result.servedAfterMs ?? []);
  if (times.length === 0) return `${all}, none recovered`;
  return `${all}, the slowest recovery took ${duration(Math.max(...times))}`;
}

function errorsOf({ result }: JudgedStep): string {
  const parts = [
    ['readers', errorList(result.readerErrors)],
    ['writers', errorList(result.writerErrors)],
  ].filter(([, errors]) => errors !== '');
  return parts.map(([who, errors]) => `${who} ${errors}`).join('; ');
}
