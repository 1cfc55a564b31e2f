/** The order of the documentation site, and the diagrams. test/browser/site.test.ts builds the site. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PICTURES } from '../../scripts/diagrams/pictures.mjs';
import { CHAPTERS, routeOf } from '../../site/.vitepress/navigation.js';
import { root } from './blocks.js';
import { exists, page, pages } from './names.js';

const placed = CHAPTERS.flatMap(({ entries }) => entries.map(({ file }) => file));

it('has one place for every page of docs/', () => {
  const docs = pages()
    .map(({ file }) => file)
    .filter((file) => file.startsWith('docs/'));
  expect(docs.filter((file) => !placed.includes(file))).toEqual([]);
  expect(placed.filter((file) => !exists(file) && !file.startsWith('site/api/'))).toEqual([]);
  const routes = placed.map(routeOf);
  expect(new Set(routes).size).toBe(routes.length);
});

it('shows diagrams as they are drawn from their source, with a description', () => {
  for (const [name, draw] of Object.entries(PICTURES)) {
    const drawn = readFileSync(path.join(root, 'docs/images', name), 'utf8');
    expect(drawn === draw(), `npx tsx scripts/diagrams.mjs was not run: ${name}`).toBe(true);
    expect(drawn).toMatch(/<title id="title">.+<\/title><desc id="description">.{40,}<\/desc>/);
  }
});

it('shows every picture of docs/images/ somewhere, with a text for those who cannot see it', () => {
  const shown = pages().flatMap(({ file }) =>
    [...page(file).prose.matchAll(/!\[([^\]]*)\]\((?:docs\/)?images\/([^)]+)\)/g)].map(
      ([, text = '', image = '']) => ({ text, image }),
    ),
  );
  expect(shown.filter(({ text }) => text.length < 20)).toEqual([]);
  const images = readdirSync(path.join(root, 'docs/images')).sort();
  expect([...new Set(shown.map(({ image }) => image))].sort()).toEqual(images);
});
