import { expect, test } from 'vitest';
import { sampleResult, sampleStep } from '../../../test/drill/sample-result.js';
import { html, Markup } from './html.js';
import { report } from './report.js';
import { activeSpans } from './spans.js';
import { niceCeiling } from './svg.js';

test('a value in a template is escaped, markup is not', () => {
  const text = html`<b title="${`"'`}">${'<script>&'}</b>${new Markup('<i>')}${[html`1`, html`2`]}`;
  expect(text.text).toBe('<b title="&quot;&#39;">&lt;script&gt;&amp;</b><i>1\n2');
});

test('the report holds the run and loads nothing', () => {
  const page = report(sampleResult());
  expect(page).toContain('every guarantee kept');
  expect(page).toContain('writers: <code>7 CONNECTION_LOST</code>');
  expect(page).toContain('1.0 s: east to west, health-check');
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).not.toMatch(/(src|href)=|url\((?!#)|@import|<script/);
  expect(page).not.toMatch(/undefined|NaN|Infinity|\[object/);
});

test('whatever a server or an error said is text in the report', () => {
  const evil = '</style><script>alert("1")</script>';
  const page = report(
    sampleResult({
      title: evil,
      versions: [evil],
      databases: [{ id: evil, weight: 1, address: evil }],
      settings: [{ name: evil, value: evil, defaultValue: evil }],
      steps: [
        sampleStep({ title: evil, action: evil, expected: evil, goal: evil }),
        sampleStep({ readerErrors: { [evil]: 1 }, unavailable: { [evil]: 1 } }),
      ],
      switches: [{ at: 1, from: evil, to: evil, reason: evil, cause: evil, durationMs: 1 }],
      outages: [{ id: evil, kind: 'down', from: 1, to: 2 }],
      promises: [{ promise: evil, evidence: evil, violations: [evil] }],
    }),
  );
  expect(page).not.toContain('<script');
  expect(page.match(/<\/style>/g)).toHaveLength(1);
});

test('a broken promise shows, with the first of its violations', () => {
  const violations = Array.from({ length: 8 }, (_, at) => `token ${at} is on east and west`);
  const broken = { promise: 'No write is executed twice', evidence: '', violations };
  const page = report(sampleResult({ promises: [broken], ok: false }));
  expect(page).toContain('1 of 1 promises broken');
  expect(page).toContain('token 4 is on');
  expect(page).not.toContain('token 5 is on');
  expect(page).toContain('and 3 more');
});

test('a run that ended before anything happened still has a report', () => {
  const nothing = { switches: [], samples: [], steps: [], outages: [], durationMs: 0 };
  const page = report(sampleResult(nothing));
  expect(page).toContain('</svg>');
  expect(page).not.toMatch(/undefined|NaN|Infinity/);
});

test('a gap without a reply is a gap in the latency', () => {
  const lines = report(sampleResult()).match(/class="line p50"/g);
  expect(lines).toHaveLength(2);
});

test('activeSpans(): from switch to switch, the last one until the end', () => {
  const [, second] = sampleResult().switches;
  expect(activeSpans(second ? [second, { ...second, at: 2000, to: undefined }] : [], 3000)).toEqual(
    [
      { id: 'west', from: 1010, to: 2000 },
      { id: undefined, from: 2000, to: 3000 },
    ],
  );
});

test('niceCeiling(): a round number that is not below', () => {
  expect([1, 7, 10, 2990, 3001, 9999].map(niceCeiling)).toEqual([1, 8, 10, 3000, 4000, 10_000]);
});
