/** Links, anchors, files and npm scripts that the documentation names. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/options/defaults.js';
import { root } from './blocks.js';
import { anchors, code, exists, page, pages, section } from './names.js';

const FILE = /^(src|test|scripts|docs|demo|bench|examples)\/[\w./-]+\.\w+$/;
const OPTION = /^(databases\[\]|commandRetry|failureDetector|healthCheck)\.\w+$/;

describe.each(pages())('$file', (each) => {
  it('links to what exists', () => {
    const broken = [...each.prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1] as string)
      .filter((target) => !/^[a-z]+:/i.test(target))
      .filter((target) => {
        const [to = '', anchor] = target.split('#');
        const file = to === '' ? each.file : path.posix.join(path.posix.dirname(each.file), to);
        if (!exists(file)) return true;
        return anchor !== undefined && !anchors(page(file)).has(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('names files that exist', () => {
    expect(code(each).filter((name) => FILE.test(name) && !exists(name))).toEqual([]);
  });

  it('names options that exist', () => {
    const known = new Set(Object.keys(DEFAULTS));
    const unknown = code(each).filter((name) => OPTION.test(name) && !known.has(name));
    expect(unknown).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    const called = code(each).flatMap((name) => /^npm run ([\w:-]+)/.exec(name)?.[1] ?? []);
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it('proves every guarantee by a test that exists', () => {
  const titles = (prose: string) =>
    [...prose.matchAll(/^## (P\d+: .+)$/gm)].map(([, title]) => title);
  const guarantees = page('docs/guarantees.md');
  const proofs = page('docs/proofs.md');
  const promised = titles(guarantees.prose);
  expect(promised.map((title) => title?.split(':')[0])).toEqual(
    Array.from({ length: 10 }, (_, index) => `P${index + 1}`),
  );
  expect(titles(proofs.prose)).toEqual(promised);
  for (const title of promised as string[]) {
    const tests = code({ ...proofs, prose: section(proofs, title) }).filter((name) =>
      name.endsWith('.test.ts'),
    );
    expect(tests.length, `${title} names no test`).toBeGreaterThan(0);
    expect(section(guarantees, title)).toContain('[Tests](proofs.md#');
  }
});
