/** What a built entry loads, by its static imports and those of what it loads. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const dist = path.resolve(import.meta.dirname, '../../dist');

export interface Loaded {
  readonly files: readonly string[];
  readonly packages: readonly string[];
  /** Of the files. */
  readonly bytes: number;
}

/** `entry` is relative to dist/. */
export function loaded(entry: string): Loaded {
  const files = new Set<string>();
  const packages = new Set<string>();
  let bytes = 0;
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(path.join(dist, file), 'utf8');
    bytes += Buffer.byteLength(text);
    const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
    for (const statement of statements) {
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
      const specifier = (statement.moduleSpecifier as ts.StringLiteral | undefined)?.text;
      if (specifier === undefined) continue;
      if (specifier.startsWith('.')) visit(path.posix.join(path.posix.dirname(file), specifier));
      else if (!specifier.startsWith('node:')) packages.add(specifier);
    }
  };
  visit(entry);
  return { files: [...files], packages: [...packages], bytes };
}
