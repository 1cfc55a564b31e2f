import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

/** A change of the source text; `find` must stand in the file exactly once. */
export interface Edit {
  /** Relative to `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The sources and the simulation, compiled, in a directory of their own. */
export interface Build {
  readonly cli: string;
  remove(): void;
}

/**
 * Compiles the engine with `edits` and the simulation beside it, so that it runs in a process of
 * its own. Throws when an edit finds no file or no place, or more than one.
 */
export function buildAltered(edits: readonly Edit[]): Build {
  for (const { file } of edits) {
    if (!existsSync(path.join(root, 'src', file))) throw new Error(`no file src/${file}`);
  }
  const target = mkdtempSync(path.join(tmpdir(), 'redis-multidb-altered-'));
  writeFileSync(path.join(target, 'package.json'), '{ "type": "module" }');
  for (const folder of ['src', 'test/simulation']) {
    for (const file of readdirSync(path.join(root, folder), {
      recursive: true,
      encoding: 'utf8',
    })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.endsWith('.d.ts')) continue;
      const text = readFileSync(path.join(root, folder, file), 'utf8');
      const mine = folder === 'src' ? edits.filter((edit) => edit.file === posix(file)) : [];
      const out = path.join(target, folder, file.replace(/\.ts$/, '.js'));
      mkdirSync(path.dirname(out), { recursive: true });
      writeFileSync(out, compiled(mine.reduce(apply, text), mine.length === 0));
    }
  }
  return {
    cli: path.join(target, 'test/simulation/cli.js'),
    remove: () => rmSync(target, { recursive: true, force: true }),
  };
}

/** The text with one edit made. */
export function apply(text: string, { file, find, replace }: Edit): string {
  const places = text.split(find).length - 1;
  if (places !== 1) {
    throw new Error(`src/${file}: ${places} places instead of one to plant in: ${find}`);
  }
  return text.replace(find, () => replace);
}

const cache = new Map<string, string>();

function compiled(text: string, mayCache: boolean): string {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ES2022,
      verbatimModuleSyntax: true,
    },
  });
  if (mayCache) cache.set(text, outputText);
  return outputText;
}

function posix(file: string): string {
  return file.replaceAll(path.sep, '/');
}
