import { expect, test } from 'vitest';
import { HEDGED_ID, type HedgedEvidence, judgeHedged } from '../../../demo/hedged-reads.js';
import { SCRIPT } from '../../../demo/script.js';
import { sampleStep } from '../../../test/drill/sample-result.js';
import { compare } from '../load/audit.js';
import { entryKey, Ledger, type Outcome } from '../load/ledger.js';
import type { SwitchRecord } from '../report/model.js';
import type { Step } from './step.js';
import { type Evidence, judge } from './verdict.js';

const found = (command: 'SET' | 'LPUSH', token: string, ...holders: string[]) =>
  [entryKey(command, token), holders] as const;

function ledger(outcomes: Readonly<Record<string, Outcome>>): Ledger {
  const made = new Ledger();
  for (const [token, outcome] of Object.entries(outcomes)) {
    made.note('LPUSH', token, 0).outcome = outcome;
  }
  return made;
}

test('compare(): what was told and what the servers hold agree', () => {
  const told = ledger({ a: 'acknowledged', b: 'unknown', c: 'unknown', d: 'unexecuted' });
  const held = new Map([found('LPUSH', 'a', 'east'), found('LPUSH', 'b', 'west')]);
  expect(compare(told, held, new Map())).toEqual({
    executed: 2,
    executedTwice: [],
    missing: [],
    denied: [],
    foreign: [],
  });
});

test('compare() finds a repeated, a missing, a denied and a foreign write', () => {
  const told = ledger({ a: 'acknowledged', b: 'acknowledged', c: 'unexecuted' });
  const held = new Map([
    found('LPUSH', 'a', 'east', 'west', 'west'),
    found('LPUSH', 'c', 'east'),
    found('SET', 'x', 'east'),
  ]);
  const audit = compare(told, held, new Map());
  expect(audit.executedTwice).toMatchObject([
    { text: 'LPUSH a is on east and west and west', step: 0, times: 2 },
  ]);
  expect(audit.missing).toMatchObject([{ text: 'LPUSH b is nowhere', times: 1 }]);
  expect(audit.denied).toMatchObject([{ text: 'LPUSH c is on east', times: 1 }]);
  expect(audit.foreign).toEqual(['SET x']);
});

test('compare() bounds a counter by what is acknowledged and what is unknown', () => {
  const told = new Ledger();
  Object.assign(told.counter('n'), { acknowledged: 5, unknown: 2 });
  const valued = (value: number) => compare(told, new Map(), new Map([['n', value]]));
  for (const value of [5, 6, 7]) {
    expect(valued(value)).toMatchObject({ executedTwice: [], missing: [] });
  }
  expect(valued(8).executedTwice).toMatchObject([{ times: 1 }]);
  expect(valued(3).missing).toMatchObject([{ times: 2 }]);
});

const [kill, restart] = SCRIPT as [Step<never>, Step<never>];
const initial: SwitchRecord = {
  at: 0,
  from: undefined,
  to: 'east',
  reason: 'initial',
  cause: '',
  durationMs: 0,
};
const away = { ...initial, at: 1000, from: 'east', to: 'west', reason: 'health-check' };
const back = { ...initial, at: 6000, from: 'west', to: 'east', reason: 'failback' };

function evidence(over: Partial<Evidence> = {}): Evidence {
  return {
    looked: 'processes',
    steps: [
      { step: kill, result: sampleStep(), switches: [away] },
      { step: restart, result: sampleStep({ writerErrors: {} }), switches: [back] },
    ],
    planned: 2,
    switches: [initial, away, back],
    gracePeriodMs: 4000,
    reads: 10,
    writes: 10,
    acknowledged: 10,
    hanging: 0,
    maxLatencyMs: 1,
    routed: 10,
    misrouted: [],
    failedWhileDown: 5,
    waitedWhileDown: 0,
    wrongWhileDown: [],
    audit: { executed: 10, executedTwice: [], missing: [], denied: [], foreign: [] },
    leftovers: [],
    failure: undefined,
    ...over,
  };
}

const violations = (over: Partial<Evidence>) => judge(evidence(over)).flatMap((p) => p.violations);

test('judge(): nothing is broken', () => {
  expect(violations({})).toEqual([]);
});

const oneFinding = [{ text: 'it', step: 0, times: 1 }];
const noFindings = { executed: 0, executedTwice: [], missing: [], denied: [], foreign: [] };
const one = (
  step: Step<never>,
  result: object,
  ...switches: SwitchRecord[]
): Partial<Evidence> => ({
  steps: [{ step, result: sampleStep(result), switches }],
});

test.each<[string, Partial<Evidence>, string]>([
  ['a reader error', one(kill, { readerErrors: { X: 2 } }, away), 'readers saw 2 X'],
  ['a repeated write', { audit: { ...noFindings, executedTwice: oneFinding } }, 'it'],
  ['a missing write', { audit: { ...noFindings, missing: oneFinding } }, 'it'],
  ['a lie about the outcome', { audit: { ...noFindings, denied: oneFinding } }, 'it'],
  ['a promise that hangs', { hanging: 3 }, '3 never settled'],
  ['no switch', one(kill, {}), 'no switch'],
  ['the wrong database', one(kill, {}, { ...away, to: 'south' }), 'ended on south instead of west'],
  ['a detour', one(kill, {}, { ...away, to: undefined }, away), 'a switch to no database'],
  ['the wrong reason', one(kill, {}, { ...away, reason: 'manual' }), 'the reason is manual'],
  ['a reply from elsewhere', { misrouted: ['a', 'a'] }, 'a (2 times)'],
  ['an early return', { gracePeriodMs: 5100 }, 'east was used again after 5.0 s'],
  ['an error of a planned switch', one(restart, {}, back), '7 errors'],
  ['waiting while down', { waitedWhileDown: 1 }, '1 command waited'],
  ['another error while down', { wrongWhileDown: ['X'] }, 'X'],
  ['no error while down', { failedWhileDown: 0 }, 'no command failed'],
  ['something left', { leftovers: ['1 sockets'] }, '1 sockets'],
  ['a script that ended early', { failure: 'No reply' }, 'No reply'],
])('judge() finds %s', (_, over, text) => {
  const all = violations(over);
  expect(all).toHaveLength(1);
  expect(all[0]).toContain(text);
});

test('judge() does not pass what could not be read', () => {
  expect(violations({ audit: undefined })).toHaveLength(3);
});

test.each<[string, Partial<HedgedEvidence>, string | undefined]>([
  ['nothing when all reads are fast', {}, undefined],
  ['a slow read', { frozen: [{ latencyMs: 900, from: HEDGED_ID }] }, 'p99.9'],
  ['a read that failed', { errors: ['Error: late'] }, '1 read failed: Error: late'],
  ['a failover', { switches: ['south → west: health-check'] }, 'south → west'],
  ['that nothing was hedged', { frozen: [] }, 'no read was pending'],
])('judgeHedged() finds %s', (_, over, text) => {
  const frozen = [{ latencyMs: 60, from: 'west' }];
  const found = judgeHedged({ before: [1, 2], frozen, errors: [], switches: [], ...over });
  if (text === undefined) expect(found.violations).toEqual([]);
  else expect(found.violations[0]).toContain(text);
});
