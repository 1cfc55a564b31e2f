/** What the pages of the documentation name, outside their code blocks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './blocks.js';

export interface Page {
  /** From the root, with slashes. */
  readonly file: string;
  /** The lines outside fenced code; those inside are empty. */
  readonly prose: string;
}

/** README.md, AGENTS.md, CHANGELOG.md and the pages of docs/. */
export function pages(): Page[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((file) => `docs/${file.replaceAll(path.sep, '/')}`)
    .filter((file) => file.endsWith('.md'));
  return ['README.md', 'AGENTS.md', 'CHANGELOG.md', ...docs.sort()].map(page);
}

export function page(file: string): Page {
  let inFence = false;
  const lines = readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .map((line) => {
      const isFence = /^\s*(```|~~~)/.test(line);
      if (isFence) inFence = !inFence;
      return isFence || inFence ? '' : line;
    });
  return { file, prose: lines.join('\n') };
}

/** What stands in backticks, in order. */
export function code({ prose }: Page): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);
}

/** The anchors that a heading of the page gives, as GitHub makes them. */
export function anchors({ prose }: Page): Set<string> {
  const found = new Set<string>();
  for (const [, text = ''] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const words = text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let n = 1; found.has(unique); n += 1) unique = `${anchor}-${n}`;
    found.add(unique);
  }
  return found;
}

/** The text below a heading of the page, up to the next one of its rank or above. */
export function section({ file, prose }: Page, heading: string): string {
  const lines = prose.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`${file} has no heading "${heading}"`);
  const rank = (line: string) => /^#+(?= )/.exec(line)?.[0].length ?? Number.POSITIVE_INFINITY;
  const below = lines.slice(start + 1);
  const end = below.findIndex((line) => rank(line) <= rank(lines[start] as string));
  return below.slice(0, end < 0 ? undefined : end).join('\n');
}

export function exists(file: string): boolean {
  return existsSync(path.join(root, file));
}
