/** What an application loads: the library alone, whatever the command line needs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** Files and packages that an entry loads, by its static imports and those of what it loads. */
function loaded(entry: string): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(path.join(dist, file), 'utf8');
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
  return { files: [...files], packages: [...packages] };
}

it.each([
  ['index.js', ['@redis/client']],
  ['config/index.js', []],
])('%s', (entry, allowed) => {
  const { files, packages } = loaded(entry);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => /^(cli|drill)\//.test(file))).toEqual([]);
  expect(
    packages.filter(
      (name) => !allowed.some((each) => name === each || name.startsWith(`${each}/`)),
    ),
  ).toEqual([]);
});

it('the help of the command line loads no client', () => {
  const { packages } = loaded('cli/main.js');
  expect(packages).toEqual(['commander']);
});
