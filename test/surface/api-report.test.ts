/** The public types are those that were committed: a review sees each change of them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { report, reportFile } from '../../scripts/api/report.mjs';
import { publicSurface } from '../../scripts/api/surface.mjs';
import { manifestTexts } from '../../scripts/entry-points.mjs';

const entries = publicSurface();

it.each(entries)('$specifier', (entry) => {
  expect(report(entry), '`npm run api` updates it').toBe(readFileSync(reportFile(entry), 'utf8'));
});

it('package.json has each entry point', () => {
  const { text, expected } = manifestTexts();
  expect(text, '`npm run api` updates it').toBe(expected);
});

it('has a report for each entry point, and no other', () => {
  const files = entries.map((entry) => path.basename(reportFile(entry)));
  expect(readdirSync(path.dirname(reportFile(entries[0]!))).sort()).toEqual(files.sort());
});
