import { expect, it } from 'vitest';
import { sampleStep } from '../../../test/drill/sample-result.js';
import type { StepResult } from '../report/model.js';
import type { Step } from '../script/step.js';
import type { JudgedStep } from '../script/verdict.js';
import { goals } from './goals.js';

const step: Step<never> = {
  title: 'Kill east',
  action: '',
  expected: 'west',
  reasons: [],
  goal: '',
  holdMs: 0,
  expectedMs: 0,
  act: () => {},
};

const fault = (over: Partial<StepResult>): JudgedStep => ({
  step,
  result: sampleStep({ writerErrors: {}, ...over }),
  switches: [],
});
const recovered = (servedAfterMs: number | undefined) => fault({ servedAfterMs });
const back = fault({ isFault: false, servedAfterMs: 9000 });

const MINUTE = { goalRecoveryMs: 60_000, goalErrors: undefined };

it.each([
  [
    'the slowest of all',
    [recovered(4.2), recovered(812), back],
    '2 faults, the slowest recovery took 812 ms',
  ],
  [
    'the slowest of those that did',
    [recovered(4.2), recovered(undefined)],
    '2 faults, the slowest recovery took 4.2 ms',
  ],
  ['one that took no time', [recovered(0)], '1 fault, the slowest recovery took 0.00 ms'],
  ['none that did', [recovered(undefined), back], '1 fault, none recovered'],
  ['no fault', [back], '0 faults'],
])('goals() tells how long recoveries took: %s', (_, steps, text) => {
  expect(goals(steps, MINUTE)[0]?.evidence).toBe(text);
});

it.each([
  ['in time', 1000, []],
  ['too late', 1001, ['Kill east: 1.0 s']],
  ['never', undefined, ['Kill east: not recovered']],
])('goals() judges a recovery that came %s', (_, servedAfterMs, violations) => {
  const settings = { goalRecoveryMs: 1000, goalErrors: undefined };
  expect(goals([recovered(servedAfterMs), back], settings)).toMatchObject([{ violations }]);
});

it('goals() counts errors only against an agreed number', () => {
  const steps = [
    fault({ readerErrors: { X: 1 }, writerErrors: { X: 1, Y: 2 } }),
    fault({ writerErrors: { X: 3 } }),
    fault({ isFault: false, readerErrors: { X: 9 } }),
  ];
  expect(goals(steps, MINUTE)).toHaveLength(1);
  expect(goals(steps, { ...MINUTE, goalErrors: 4 })[1]).toMatchObject({
    evidence: '7 errors in 2 faults, without typed errors while all are down',
    violations: [],
  });
  expect(goals(steps, { ...MINUTE, goalErrors: 3 })[1]).toMatchObject({
    violations: ['Kill east: readers 1 X; writers 2 Y, 1 X'],
  });
});
