/** The page of refused methods and commands is what the client refuses. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { REFUSED_METHODS, refusal } from '../../src/drivers/node-redis/unsupported.js';
import { root } from './blocks.js';
import { page, section } from './names.js';

const table = section(page('docs/compatibility.md'), 'Refused, with what to do instead');
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| methods'))
  .map((line) => line.split('|').map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, x]) => x)));

it('names every refused method, and no other', () => {
  const documented = rows.flatMap((cells) => cells[1] ?? []);
  expect(documented.sort()).toEqual(Object.keys(REFUSED_METHODS).sort());
});

it.each(rows.flatMap((cells) => cells[2] ?? []).map(String))('%s is refused', (command) => {
  expect(refusal(command.split(' '))?.code).toBe('UNSUPPORTED');
});

it('names every refused command', () => {
  const source = readFileSync(path.join(root, 'src/drivers/node-redis/unsupported.ts'), 'utf8');
  const [, map = ''] = /REFUSED_COMMANDS = new Map[^(]*\(\[(.*?)^\]\);/ms.exec(source) ?? [];
  const words = [...map.matchAll(/'([A-Z][A-Z-]+)'/g)].map(([, word]) => String(word));
  expect(words.length).toBeGreaterThan(20);
  const documented = new Set(rows.flatMap((cells) => cells[2] ?? []).flatMap((x) => x?.split(' ')));
  expect(words.filter((word) => !documented.has(word))).toEqual([]);
});
