/** "Go to definition" and stack traces end in a source that is in the package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ENTRY_POINTS } from '../../scripts/entry-points.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[];
}

/** The bundler's own helpers. */
const WITHOUT_SOURCES = ['rolldown-runtime.cjs'];

/** Only passes on what chunks export. */
function isFacade(file: string): boolean {
  const text = readFileSync(path.join(dist, file), 'utf8');
  return !/^(?!import |export \{|\/\/#|#!|$|exports\.|Object\.define|const require_|"use|\s|\}\);)/m.test(
    text,
  );
}

it.each(['.d.ts', '.d.cts', '.js', '.cjs'])('each %s has a map to its sources', (ending) => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith(ending) && !WITHOUT_SOURCES.includes(file),
  );
  expect(files.length).toBeGreaterThanOrEqual(ENTRY_POINTS.length);
  const lost = files.filter((file) => {
    const map = path.join(dist, `${file}.map`);
    if (!existsSync(map)) return !isFacade(file);
    const { sources, sourcesContent } = JSON.parse(readFileSync(map, 'utf8')) as SourceMap;
    // The sources are in the package once, not in the maps as well.
    if (sourcesContent?.some((text) => text !== null)) return true;
    return !sources.every((source) => {
      const target = path.resolve(path.dirname(map), source);
      return target.startsWith(path.join(root, 'src')) && existsSync(target);
    });
  });
  expect(lost).toEqual([]);
});

it('the package holds the sources, without tests', () => {
  const { files } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  expect(files).toEqual(expect.arrayContaining(['dist', 'src/**/*.ts', '!src/**/*.test.ts']));
});
