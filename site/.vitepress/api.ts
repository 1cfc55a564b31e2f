/** What the site knows of the pages of the API reference, which scripts/docs-site/api-reference.mjs writes. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const KINDS = ['functions', 'classes', 'interfaces', 'type-aliases', 'variables'];

/** The main entry point first: of two symbols of one name, its one is meant. */
function entryPoints(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const main = path.join(directory, 'redis-multidb');
  const others = readdirSync(main, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !KINDS.includes(entry.name))
    .map(({ name }) => `redis-multidb/${name}`);
  return ['redis-multidb', ...others.sort()];
}

function symbols(directory: string, entry: string, kind: string): string[] {
  const folder = path.join(directory, entry, kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((file) => file.replace(/\.md$/, ''))
    .sort();
}

/** The sidebar of the reference. The page of an entry point lists its symbols; the search finds each. */
export function apiSidebar(directory: string) {
  const items = entryPoints(directory).map((entry) => ({ text: entry, link: `/api/${entry}/` }));
  return [
    { text: 'Back to the guides', link: '/start' },
    { text: 'Entry points', items },
  ];
}

/** The page of each public symbol, by its name. */
export function symbolPages(directory: string): Map<string, string> {
  const pages = new Map<string, string>();
  for (const entry of entryPoints(directory)) {
    for (const kind of KINDS) {
      for (const name of symbols(directory, entry, kind)) {
        if (!pages.has(name)) pages.set(name, `/api/${entry}/${kind}/${name}.md`);
      }
    }
  }
  return pages;
}
