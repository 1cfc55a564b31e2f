import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TYPES, withOptionDocstrings } from '../../scripts/option-docstrings.mjs';
import {
  file,
  renderOptionsTable,
  renderSchema,
  renderSteeringSchema,
  schemaFile,
  steeringSchemaFile,
  withOptionsTable,
} from '../../scripts/options-table.mjs';
import { DEFAULTS } from '../../src/options/defaults.js';

it('docs/options.md shows the options as they are', () => {
  const page = readFileSync(file, 'utf8');
  expect(page, 'out of date; `npx tsx scripts/options-table.mjs` updates it').toBe(
    withOptionsTable(page),
  );
});

it('the table has a row with four cells for every option', () => {
  const [, , ...rows] = renderOptionsTable().trimEnd().split('\n');
  expect(rows.map((row) => /^\| `([^`]+)` \|/.exec(row)?.[1])).toEqual(Object.keys(DEFAULTS));
  for (const row of rows) expect(row.split(/(?<!\\)\|/), row).toHaveLength(6);
});

it('config.schema.json knows the options as they are', () => {
  expect(
    JSON.parse(readFileSync(schemaFile, 'utf8')),
    '`npx tsx scripts/options-table.mjs` updates it',
  ).toEqual(JSON.parse(renderSchema()));
});

it('steering.schema.json is the schema of a document', () => {
  expect(
    JSON.parse(readFileSync(steeringSchemaFile, 'utf8')),
    '`npx tsx scripts/options-table.mjs` updates it',
  ).toEqual(JSON.parse(renderSteeringSchema()));
});

it.each(TYPES)('editors show the options of %s as they are', (name) => {
  const source = readFileSync(name, 'utf8');
  expect(source, 'out of date; `npx tsx scripts/options-table.mjs` updates it').toBe(
    withOptionDocstrings(source),
  );
});
