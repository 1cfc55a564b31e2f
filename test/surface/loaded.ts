/** What a built entry loads at once, by its imports or calls of `require` and those of what it loads. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const dist = path.resolve(import.meta.dirname, '../../dist');

export interface Loaded {
  readonly files: readonly string[];
  readonly packages: readonly string[];
  readonly builtins: readonly string[];
  /** Of the files. */
  readonly bytes: number;
}

/** `entry` is relative to dist/. */
export function loaded(entry: string): Loaded {
  const files = new Set<string>();
  const packages = new Set<string>();
  const builtins = new Set<string>();
  let bytes = 0;
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(path.join(dist, file), 'utf8');
    bytes += Buffer.byteLength(text);
    for (const specifier of specifiersIn(
      ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true),
    )) {
      if (specifier.startsWith('.')) visit(path.posix.join(path.posix.dirname(file), specifier));
      else if (specifier.startsWith('node:')) builtins.add(specifier);
      else packages.add(specifier);
    }
  };
  visit(entry);
  return { files: [...files], packages: [...packages], builtins: [...builtins], bytes };
}

/** Of the statements of a module; not of functions, which load on demand. */
function* specifiersIn({ statements }: ts.SourceFile): Generator<string> {
  for (const statement of statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const specifier = statement.moduleSpecifier as ts.StringLiteral | undefined;
      if (specifier !== undefined) yield specifier.text;
    } else {
      yield* requiredBy(statement);
    }
  }
}

const LOADS: readonly string[] = ['require', 'process.getBuiltinModule'];

function* requiredBy(node: ts.Node): Generator<string> {
  if (ts.isFunctionLike(node)) return;
  if (ts.isCallExpression(node)) {
    const [argument] = node.arguments;
    const isLoad = LOADS.includes(node.expression.getText());
    if (isLoad && argument !== undefined) yield (argument as ts.StringLiteral).text;
  }
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* requiredBy(child);
}
