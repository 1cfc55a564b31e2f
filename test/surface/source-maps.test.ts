/** "Go to definition" and stack traces end in a source that is in the package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');

it.each(['.d.ts', '.js'])('each %s has a map to its source', (ending) => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    // Made by the build from sources that run in the browser.
    .filter((file) => file.endsWith(ending) && file !== path.join('http', 'page', 'script.js'));
  expect(files.length).toBeGreaterThan(100);
  const lost = files.filter((file) => {
    const map = path.join(dist, `${file}.map`);
    if (!existsSync(map)) return true;
    const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] };
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
