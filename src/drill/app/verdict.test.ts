import { describe, expect, it } from 'vitest';
import { sampleStep } from '../../../test/drill/sample-result.js';
import type { DrillSettings } from '../rehearsal/settings.js';
import type { StepResult, SwitchRecord } from '../report/model.js';
import type { Step } from '../script/step.js';
import type { JudgedStep } from '../script/verdict.js';
import { type AppEvidence, judgeApp, summed } from './verdict.js';

const settings: DrillSettings = {
  faults: ['kill'],
  callers: 3,
  ratePerSecond: 100,
  goalRecoveryMs: 1000,
  goalErrors: undefined,
  prefix: '',
  holdMs: 0,
  delayMs: 1,
};

const kill: Step<never> = {
  title: 'Kill east',
  action: '',
  expected: 'west',
  reasons: ['health-check', 'circuit-breaker'],
  goal: '',
  holdMs: 0,
  expectedMs: 0,
  act: () => {},
};
const reset: Step<never> = { ...kill, title: 'Cut east', expected: 'east', stays: true };
const demote: Step<never> = { ...kill, title: 'Demote east', expected: 'east', mayStay: true };
const allDown: Step<never> = { ...kill, title: 'Kill all', expected: undefined, reasons: [] };
const up: Step<never> = { ...kill, title: 'All have recovered', reasons: ['recovered'] };
const back: Step<never> = {
  ...kill,
  title: 'east has recovered',
  expected: 'east',
  reasons: ['failback'],
  planned: true,
};

const away: SwitchRecord = {
  at: 1000,
  from: 'east',
  to: 'west',
  reason: 'health-check',
  cause: 'gone',
  durationMs: 4,
};
const home: SwitchRecord = { ...away, from: 'west', to: 'east', reason: 'failback', cause: 'well' };

/** A step that went well, but for `over`. */
function went(
  step: Step<never>,
  switches: readonly SwitchRecord[],
  over: Partial<StepResult> = {},
): JudgedStep {
  const isFault = step.planned !== true && step.reasons[0] !== 'recovered';
  return { step, switches, result: sampleStep({ isFault, writerErrors: {}, ...over }) };
}

const inOrder = { code: 0, signal: null, afterMs: 120, killed: false, leftOthers: false };

function evidence(over: Partial<AppEvidence> = {}): AppEvidence {
  return {
    steps: [went(kill, [away]), went(back, [home])],
    planned: 2,
    settings,
    reads: 1000,
    writes: 500,
    maxLatencyMs: 12,
    unanswered: 0,
    hasStatus: true,
    early: {},
    failure: undefined,
    stopped: inOrder,
    stopWithinMs: 5000,
    underWay: 2,
    cut: [],
    ...over,
  };
}

const promised = (over: Partial<AppEvidence>) =>
  judgeApp(evidence(over)).map(({ promise }) => promise);
/** Of all promises, as only the one that is tried may be broken. */
const violations = (over: Partial<AppEvidence>) =>
  judgeApp(evidence(over)).flatMap((each) => each.violations);

const RECOVERY = 'Recovered within 1.0 s of each fault';
const ERRORS = 'At most 2 errors for each fault';
const READS = 'No request that reads fails while a database can serve';
const WRITES = 'Of requests that write, only those in flight at a fault fail';
const CALM = 'No request fails without a fault';
const ANSWERS = 'Every request is answered';
const THROUGH = 'It goes through every fault';
const SWITCHES = 'It moves to another database exactly when it must';
const END = 'It ends cleanly within 5.0 s of SIGTERM';

/** What is looked at, of one promise. */
const shown = (promise: string, over: Partial<AppEvidence> = {}) =>
  judgeApp(evidence(over)).find((each) => each.promise === promise)?.evidence;

it('judgeApp(): an application that keeps every promise', () => {
  const verdicts = judgeApp(evidence());
  expect(verdicts.map(({ promise }) => promise)).toEqual([
    RECOVERY,
    READS,
    WRITES,
    CALM,
    ANSWERS,
    THROUGH,
    SWITCHES,
    END,
  ]);
  expect(verdicts.flatMap((each) => each.violations)).toEqual([]);
});

describe('judgeApp() promises what can be judged', () => {
  it('an agreed number of errors takes the place of the rules for reads and writes', () => {
    const agreed = { settings: { ...settings, goalErrors: 2 } };
    expect(promised(agreed)).toEqual([RECOVERY, ERRORS, CALM, ANSWERS, THROUGH, SWITCHES, END]);
  });

  it.each([
    [READS, { reads: 0 }],
    [WRITES, { writes: 0 }],
    [SWITCHES, { hasStatus: false }],
  ])('"%s" is left out with %j', (promise, over) => {
    expect(promised({})).toContain(promise);
    expect(promised(over)).toEqual(promised({}).filter((each) => each !== promise));
  });
});

const afterKill = (over: Partial<StepResult>) => ({ steps: [went(kill, [away], over)] });
const agreed = (over: Partial<StepResult>) => ({
  ...afterKill(over),
  settings: { ...settings, goalErrors: 2 },
});
const moved = (step: Step<never>, ...switches: SwitchRecord[]) => ({
  steps: [went(step, switches)],
});
const stopped = (over: Partial<NonNullable<AppEvidence['stopped']>>) => ({
  stopped: { ...inOrder, ...over },
});

it.each<[promise: string, Partial<AppEvidence>]>([
  [RECOVERY, afterKill({ servedAfterMs: 1000 })],
  [RECOVERY, { steps: [went(back, [home], { servedAfterMs: 4000 })] }],
  [ERRORS, agreed({ readerErrors: { 'HTTP 500': 1 }, writerErrors: { ECONNRESET: 1 } })],
  [READS, afterKill({ unavailable: { 'HTTP 503': 9 } })],
  [WRITES, afterKill({ writerErrors: { 'HTTP 500': 2, ECONNRESET: 1 } })],
  [CALM, { steps: [went(kill, [away], { writerErrors: { 'HTTP 500': 1 } })] }],
  [SWITCHES, moved(reset)],
  [SWITCHES, moved(demote)],
  [SWITCHES, moved(demote, away)],
  [SWITCHES, moved(kill, { ...away, reason: 'circuit-breaker' })],
  [SWITCHES, moved(allDown, { ...away, to: undefined })],
  [SWITCHES, moved(up, { ...home, reason: 'recovered' })],
  [SWITCHES, moved(back)],
  [SWITCHES, moved(back, { ...home, reason: 'manual' })],
  // As a process says that ends on SIGTERM by itself.
  [END, stopped({ code: 143 })],
])('judgeApp() calls it kept: %s %j', (promise, over) => {
  expect(promised(over)).toContain(promise);
  expect(violations(over)).toEqual([]);
});

const stay = 'Cut east: a switch to west (health-check: gone)';

it.each<[promise: string, Partial<AppEvidence>, string[]]>([
  [RECOVERY, afterKill({ servedAfterMs: 1001 }), ['Kill east: 1.0 s']],
  [RECOVERY, afterKill({ servedAfterMs: undefined }), ['Kill east: not recovered']],
  [
    ERRORS,
    agreed({ readerErrors: { 'HTTP 500': 1 }, writerErrors: { ECONNRESET: 2 } }),
    ['Kill east: readers 1 HTTP 500; writers 2 ECONNRESET'],
  ],
  [READS, afterKill({ readerErrors: { 'HTTP 500': 1 } }), ['Kill east: 1 HTTP 500']],
  [
    WRITES,
    afterKill({ writerErrors: { 'HTTP 500': 1, ECONNRESET: 3 } }),
    ['Kill east: 3 ECONNRESET, 1 HTTP 500'],
  ],
  [CALM, { early: { 'HTTP 404': 7 } }, ['Before the first fault: 7 HTTP 404']],
  [
    CALM,
    { steps: [went(back, [home], { readerErrors: { X: 1 }, writerErrors: { X: 2, Y: 1 } })] },
    ['east has recovered: 3 X, 1 Y'],
  ],
  [ANSWERS, { unanswered: 4 }, ['4 were never answered']],
  [
    THROUGH,
    { failure: 'The application ended with code 7' },
    ['The application ended with code 7'],
  ],
  [SWITCHES, moved(kill), ['Kill east: no switch']],
  [
    SWITCHES,
    moved(kill, { ...away, reason: 'weight', cause: 'heavier' }),
    ['Kill east: a switch to west (weight: heavier)'],
  ],
  [SWITCHES, moved(reset, away), [stay]],
  [
    SWITCHES,
    moved(demote, { ...away, to: undefined, reason: 'forced' }),
    ['Demote east: a switch to no database (forced: gone)'],
  ],
  [END, { stopped: undefined }, ['it had already ended']],
  [
    END,
    { cut: ['a request in flight ended with ECONNRESET'] },
    ['a request in flight ended with ECONNRESET'],
  ],
  [
    END,
    stopped({ code: null, signal: 'SIGKILL', killed: true }),
    ['it did not end within 5.0 s and was killed'],
  ],
  [
    END,
    stopped({ code: null, signal: 'SIGTERM' }),
    ['it was ended by SIGTERM: it does not handle SIGTERM'],
  ],
  [END, stopped({ code: null, signal: 'SIGSEGV' }), ['it was ended by SIGSEGV']],
  [END, stopped({ code: 3 }), ['it ended with code 3']],
  [END, stopped({ leftOthers: true }), ['its child processes did not end and were killed']],
])('judgeApp() calls it broken: %s %j', (promise, over, texts) => {
  const broken = judgeApp(evidence(over)).filter((each) => each.violations.length > 0);
  expect(broken).toMatchObject([{ promise, violations: texts }]);
});

it.each([
  [READS, {}, '1\u202f000 GET and HEAD'],
  [
    WRITES,
    {
      steps: [
        went(kill, [away], { writerErrors: { X: 2 } }),
        went(kill, [away], { writerErrors: { X: 1 } }),
      ],
    },
    '3 of 500 failed, at most 3 are in flight',
  ],
  [CALM, {}, 'before the first fault, and in 1 return and manual switches'],
  [ANSWERS, {}, '1\u202f500 requests, the slowest good answer took 12.0 ms'],
  [THROUGH, { planned: 5 }, '2 of 5 steps'],
  [SWITCHES, {}, 'according to its status'],
  [END, {}, 'ended with code 0 after 120 ms, 2 requests in flight'],
  [END, { stopped: undefined }, 'not tried'],
])('judgeApp() shows what it looked at: %s %j', (promise, over, text) => {
  expect(shown(promise, over)).toBe(text);
});

it('summed() adds errors of the same kind', () => {
  expect(summed({ X: 1, Y: 2 }, {}, { X: 3 })).toEqual({ X: 4, Y: 2 });
});
