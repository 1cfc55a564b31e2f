// Writes what is made from the table of defaults: the table in docs/options.md, the schema of config
// files, config.schema.json, that of steering documents, steering.schema.json, and the docstrings of options in src/options/.
//   npx tsx scripts/options-table.mjs
// test/docs/options.test.ts fails while they differ.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { configSchema } from '../src/config/schema.js';
import { steeringSchema } from '../src/core/steering/schema.js';
import { DEFAULTS } from '../src/options/defaults.js';
import { TYPES, withOptionDocstrings } from './option-docstrings.mjs';

export const file = path.resolve(import.meta.dirname, '../docs/options.md');

export const schemaFile = path.resolve(import.meta.dirname, '../config.schema.json');

export const steeringSchemaFile = path.resolve(import.meta.dirname, '../steering.schema.json');

const MARKERS = /(<!-- options:begin -->\n)[\s\S]*?(<!-- options:end -->)/;

/** @returns {string} the table in Markdown, ending with a line break */
export function renderOptionsTable() {
  const rows = Object.entries(DEFAULTS).map(([name, entry]) => {
    const byDefault =
      entry.shownDefault ?? (entry.default === undefined ? '' : `\`${entry.default}\``);
    const cells = [`\`${name}\``, byDefault, entry.range, entry.meaning];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  });
  return `| option | default | accepts | meaning |\n|---|---|---|---|\n${rows.join('')}`;
}

/**
 * The page with the present table between its markers.
 * @param {string} page
 */
export function withOptionsTable(page) {
  if (!MARKERS.test(page)) throw new Error('docs/options.md has lost its markers');
  return page.replace(MARKERS, (_, begin, end) => `${begin}\n${renderOptionsTable()}\n${end}`);
}

/** @returns {string} the schema as the file holds it */
export function renderSchema() {
  return `${JSON.stringify(configSchema(), undefined, 2)}\n`;
}

/** @returns {string} the schema of a steering document as the file holds it */
export function renderSteeringSchema() {
  return `${JSON.stringify(steeringSchema(), undefined, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(file, withOptionsTable(readFileSync(file, 'utf8')));
  writeFileSync(schemaFile, renderSchema());
  writeFileSync(steeringSchemaFile, renderSteeringSchema());
  for (const name of TYPES) {
    const types = path.resolve(import.meta.dirname, '..', name);
    writeFileSync(types, withOptionDocstrings(readFileSync(types, 'utf8')));
  }
}
