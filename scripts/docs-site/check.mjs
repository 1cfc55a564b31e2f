// Checks a built site: every link and every anchor leads somewhere, and nothing is loaded from another host.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ATTRIBUTE = /<(\w+)\b([^>]*?)\s(href|src)="([^"]*)"/g;
/** Elements whose address is loaded with the page. */
const LOADED = new Set(['script', 'link', 'img', 'source', 'iframe', 'video']);
const ID = /\s(?:id|name)="([^"]+)"/g;

/**
 * @param {string} directory the built site
 * @param {string} base the path below which it is served, with slashes at both ends
 */
export function checkSite(directory, base) {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((file) =>
    file.replaceAll(path.sep, '/'),
  );
  const known = new Set(files);
  const read = (/** @type {string} */ file) => readFileSync(path.join(directory, file), 'utf8');
  const html = new Map(
    files.filter((file) => file.endsWith('.html')).map((file) => [file, read(file)]),
  );
  const ids = new Map(
    [...html].map(([file, text]) => [file, new Set([...text.matchAll(ID)].map(([, id]) => id))]),
  );

  /** @type {string[]} */
  const problems = [];
  let links = 0;
  for (const [file, text] of html) {
    for (const [, element = '', , , encoded = ''] of text.matchAll(ATTRIBUTE)) {
      const target = encoded.replaceAll('&amp;', '&');
      if (target.startsWith('data:')) continue;
      if (/^([a-z]+:)?\/\//i.test(target) || /^mailto:/.test(target)) {
        if (LOADED.has(element)) problems.push(`${file}: loads ${target}`);
        continue;
      }
      links += 1;
      const problem = problemOf(target, file);
      if (problem !== undefined) problems.push(`${file}: ${target}: ${problem}`);
    }
  }
  for (const file of files.filter((each) => each.endsWith('.css'))) {
    for (const [, target] of read(file).matchAll(/(?:url\(|@import )["']?(https?:[^"')]+)/g)) {
      problems.push(`${file}: loads ${target}`);
    }
  }
  return { pages: html.size, links, problems };

  /**
   * @param {string} target
   * @param {string} from
   */
  function problemOf(target, from) {
    const { pathname, hash } = new URL(target, `http://site${base}${from}`);
    if (!pathname.startsWith(base)) return `is not below ${base}`;
    const location = decodeURIComponent(pathname.slice(base.length));
    const file = location === '' || location.endsWith('/') ? `${location}index.html` : location;
    if (!known.has(file)) return 'no such file';
    const anchor = decodeURIComponent(hash.slice(1));
    if (anchor !== '' && ids.get(file)?.has(anchor) === false) return 'no such anchor';
    return undefined;
  }
}
