/** Finds the fenced code blocks of the documentation. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from 'esbuild';

export const root = path.resolve(import.meta.dirname, '../..');

/** A TypeScript module as Node.js runs it. */
export function withoutTypes(code: string): string {
  return transformSync(code, { loader: 'ts', format: 'esm', target: 'es2022' }).code;
}

export interface Block {
  /** For titles and messages: `README.md:12`, the line of the opening fence. */
  readonly name: string;
  readonly file: string;
  /** Of the opening fence, from 1; the code begins on the next one. */
  readonly line: number;
  readonly language: string;
  /** What follows the language, e.g. `run`; empty if nothing does. */
  readonly mode: string;
  readonly code: string;
}

/** The code blocks of README.md and docs/, those of every language. */
export function findBlocks(): Block[] {
  const docs = entries('docs').map((file) => `docs/${file.replaceAll(path.sep, '/')}`);
  return ['README.md', ...docs.filter((file) => file.endsWith('.md'))].flatMap(blocksOf);
}

function entries(directory: string): string[] {
  try {
    return readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' }).sort();
  } catch {
    return [];
  }
}

function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  let open:
    | { fence: string; indent: number; line: number; info: string; code: string[] }
    | undefined;
  for (const [index, text] of readFileSync(path.join(root, file), 'utf8').split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(text) ?? [];
    if (open === undefined) {
      if (fence)
        open = { fence, indent: indent.length, line: index + 1, info: info.trim(), code: [] };
    } else if (fence.startsWith(open.fence) && info.trim() === '') {
      const [language = '', ...mode] = open.info.split(/\s+/);
      const { line, code } = open;
      const name = `${file}:${line}`;
      blocks.push({ name, file, line, language, mode: mode.join(' '), code: code.join('\n') });
      open = undefined;
    } else {
      open.code.push(text.slice(Math.min(open.indent, text.search(/\S|$/))));
    }
  }
  if (open !== undefined) throw new Error(`${file}:${open.line}: the code block is not closed`);
  return blocks;
}
