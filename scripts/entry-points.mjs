// The entry points of the package: one line adds one.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './run.mjs';

/**
 * `redis-multidb/NAME` is src/NAME/index.ts; the main entry point is src/index.ts. `npm run api`
 * brings package.json in line with this list.
 */
export const SUBPATHS = [
  ...['ioredis', 'redis', 'config', 'otel', 'prometheus', 'http', 'steering', 'testing'],
];

/**
 * `subpath` as package.json writes it, `entry` below src/ and dist/ without an ending.
 * @typedef {{ subpath: string, entry: string }} EntryPoint
 */

/** @type {readonly EntryPoint[]} */
export const ENTRY_POINTS = [
  { subpath: '.', entry: 'index' },
  ...SUBPATHS.map((name) => ({ subpath: `./${name}`, entry: `${name}/index` })),
];

const manifest = path.join(root, 'package.json');

/** The fields of package.json by which the entry points are found. */
export function entryFields() {
  const condition = (/** @type {string} */ entry, /** @type {string} */ js) => ({
    types: `./dist/${entry}.d.${js.replace('js', 'ts')}`,
    default: `./dist/${entry}.${js}`,
  });
  return {
    // For resolution without "exports": TypeScript with `moduleResolution: node10`.
    main: './dist/index.cjs',
    types: './dist/index.d.cts',
    typesVersions: {
      '*': Object.fromEntries(
        ENTRY_POINTS.filter(({ subpath }) => subpath !== '.').map(({ subpath, entry }) => [
          subpath.slice(2),
          [`./dist/${entry}.d.cts`],
        ]),
      ),
    },
    exports: {
      ...Object.fromEntries(
        ENTRY_POINTS.map(({ subpath, entry }) => [
          subpath,
          { import: condition(entry, 'js'), require: condition(entry, 'cjs') },
        ]),
      ),
      './config.schema.json': './config.schema.json',
      './steering.schema.json': './steering.schema.json',
      './package.json': './package.json',
    },
  };
}

/** What package.json holds, and what it would hold with the fields of today's entry points. */
export function manifestTexts() {
  const text = readFileSync(manifest, 'utf8');
  /** @type {Record<string, unknown>} */
  const before = JSON.parse(text);
  const fields = entryFields();
  /** @type {Record<string, unknown>} */
  const after = {};
  for (const [name, value] of Object.entries(before)) {
    if (name === 'exports') Object.assign(after, fields);
    else if (!Object.hasOwn(fields, name)) after[name] = value;
  }
  return { text, expected: `${JSON.stringify(after, null, 2)}\n` };
}

/** Writes the entry points into package.json. */
export function writeManifest() {
  const { text, expected } = manifestTexts();
  if (text !== expected) writeFileSync(manifest, expected);
}
