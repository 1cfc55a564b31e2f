import { expect, test } from 'vitest';
import { readArguments } from '../demo/arguments.js';
import { sampleResult } from '../test/drill/sample-result.js';
import { percentile, Series } from './drill/load/series.js';
import { count, duration } from './drill/report/format.js';
import { summary } from './drill/report/summary.js';
import { cut, fitting, noPaint, paint, traitsOf, width, wrap } from './terminal.js';

test('colours and live lines on a terminal alone, and only if they are wanted', () => {
  expect(traitsOf(true, false, {})).toEqual({ live: true, colours: true });
  expect(traitsOf(true, false, { NO_COLOR: '1' })).toEqual({ live: true, colours: false });
  expect(traitsOf(true, false, { NO_COLOR: '' })).toEqual({ live: true, colours: true });
  for (const [isTty, plain, TERM] of [
    [false, false, 'xterm'],
    [true, true, 'xterm'],
    [true, false, 'dumb'],
  ] as const) {
    expect(traitsOf(isTty, plain, { TERM })).toEqual({ live: false, colours: false });
  }
});

test('text is laid out by what is seen of it', () => {
  expect(width(paint('red', 'four'))).toBe(4);
  expect(fitting(['aa', paint('red', 'bb'), 'cc'], 6)).toBe(`aa  ${paint('red', 'bb')}`);
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
});

test.each([
  ['東京', 4],
  ['ｅａｓｔ', 8],
  ['한국', 4],
  ['e\u0301t\u0065\u0301', 3],
  ['a\u200bb', 2],
  ['👩‍👩‍👧', 2],
  ['❤️', 2],
  ['🇩🇪', 2],
  ['│ ✓ –', 5],
  ['', 0],
])('%j takes %i columns', (text, columns) => {
  expect(width(text)).toBe(columns);
});

test('a text is cut between what is seen as one character', () => {
  expect(cut('東京と大阪', 6)).toBe('東京…');
  expect(width(cut('東京と大阪', 6))).toBeLessThanOrEqual(6);
  expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  expect(cut(paint('red', '東京と'), 4)).toBe('\u001b[31m東\u001b[0m…');
});

test('numbers as people read them', () => {
  expect(count(1_234_567)).toBe('1\u202f234\u202f567');
  expect([undefined, 0.123, 4.2, 812.4, 5120].map(duration)).toEqual([
    '–',
    '0.12 ms',
    '4.2 ms',
    '812 ms',
    '5.1 s',
  ]);
});

test('the summary is aligned with and without colours, and names what was broken', () => {
  const promise = { promise: 'Every command settles', evidence: '', violations: ['3 never did'] };
  const result = sampleResult({ promises: [promise], ok: false });
  const plain = summary(result, noPaint, 100);
  const coloured = summary(result, paint, 100);
  expect(coloured.map(width)).toEqual(plain.map(width));
  expect(plain.join('\n')).toContain('1 of 1 promises broken');
  expect(plain.join('\n')).toContain('3 never did');
  const [head, rule, row] = plain.filter((line) => /fault|──|Kill/.test(line));
  expect(head?.length).toBe(rule?.length);
  expect(row?.length).toBe(rule?.length);
});

test('a series counts in slices of time, also through silence', () => {
  let now = 0;
  const series = new Series(() => now);
  series.success(1);
  series.error('writer');
  now = 650;
  series.success(9);
  now = 800;
  series.flush();
  expect(
    series.samples.map(({ at, succeeded, writerErrors }) => [at, succeeded, writerErrors]),
  ).toEqual([
    [0, 1, 1],
    [200, 0, 0],
    [400, 0, 0],
    [600, 1, 0],
  ]);
  expect(series.maxLatencyMs).toBe(9);
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(percentile([], 0.5)).toBeUndefined();
});

test('arguments', () => {
  expect(readArguments(['--plain', '--json', 'a'])).toMatchObject({ plain: true, json: 'a' });
  expect(() => readArguments(['--colour'])).toThrow('--colour');
});
