// Writes the table of metrics in docs/metrics.md from the catalogue:
//   npx tsx scripts/metrics-table.mjs
// test/docs/metrics.test.ts fails while the two differ.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CATALOGUE } from '../src/metrics/catalogue.js';
import { COMMAND_DURATION, PROBE_DURATION } from '../src/metrics/histograms.js';
import { PREFIX } from '../src/metrics/metric.js';

export const file = path.resolve(import.meta.dirname, '../docs/metrics.md');

const MARKERS = /(<!-- metrics:begin -->\n)[\s\S]*?(<!-- metrics:end -->)/;

/** @returns {string} the table in Markdown, ending with a line break */
export function renderMetricsTable() {
  const histograms = [PROBE_DURATION, COMMAND_DURATION].map((each) => ({
    ...each,
    kind: 'histogram',
  }));
  const all = [...CATALOGUE, ...histograms];
  const rows = all.map(({ name, otel, kind, labels, help }) => {
    const shown = kind === 'level' ? 'gauge' : kind;
    const list = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${PREFIX}${name}\` | \`${otel}\` | ${shown} | ${list} | ${help} |\n`;
  });
  return `| Prometheus | OpenTelemetry | kind | labels | meaning |\n|---|---|---|---|---|\n${rows.join('')}`;
}

/**
 * The page with the present table between its markers.
 * @param {string} page
 */
export function withMetricsTable(page) {
  if (!MARKERS.test(page)) throw new Error('docs/metrics.md has lost its markers');
  return page.replace(MARKERS, (_, begin, end) => `${begin}\n${renderMetricsTable()}\n${end}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(file, withMetricsTable(readFileSync(file, 'utf8')));
}
