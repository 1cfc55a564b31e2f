// docs/performance.md: what a benchmark wrote stands between its markers.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const page = path.resolve(import.meta.dirname, '../docs/performance.md');

/** @param {string} command @param {string} text */
export function writeSection(command, text) {
  const begin = `<!-- begin: ${command} -->`;
  const before = readFileSync(page, 'utf8');
  const at = before.indexOf(begin);
  if (at < 0) throw new Error(`${begin} is missing in docs/performance.md`);
  const end = before.indexOf('<!-- end -->', at);
  const head = before.slice(0, at + begin.length);
  writeFileSync(page, `${head}\n\n${text.trim()}\n\n${before.slice(end)}`);
}
