// The rules for src/ that the linters can't state (the layers are checked by dependency-cruiser):
//  - time and randomness come from src/clock.ts alone, also as members, imports and `new Date()`;
//  - what a module remembers belongs to the process (src/process-state.ts), because an application may
//    load two copies of the package; a comment that begins with "Per copy" says why it need not.
// Test files may import what they like, but use virtual time as well.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '..');

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'performance'];
const FORBIDDEN_MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'process.hrtime',
  'crypto.getRandomValues',
  ...TIMERS.flatMap((name) => [`globalThis.${name}`, `global.${name}`]),
]);
const FORBIDDEN_MODULES = /^(node:)?(timers(\/promises)?|perf_hooks)$/;

const COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'FinalizationRegistry']);
/** Programs, which run in a process of their own. */
const PROGRAMS = /^src\/(cli|drill)\//;

/** @type {string[]} */
const problems = [];

/**
 * What is wrong with one node, if anything.
 * @param {ts.Node} node
 * @returns {string | undefined}
 */
function problemOf(node) {
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.getText().replace(/\s|\?/g, '');
    if (FORBIDDEN_MEMBERS.has(name)) return `${name}: use the injected Clock or Random`;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
    return 'new Date(): use the injected Clock';
  }
  if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return undefined;
  if (!node.moduleSpecifier || !ts.isStringLiteral(node.moduleSpecifier)) return undefined;
  const specifier = node.moduleSpecifier.text;
  return FORBIDDEN_MODULES.test(specifier) ? `${specifier}: use the injected Clock` : undefined;
}

/**
 * Whether a statement of a module declares what changes later: a `let`, or a collection that is
 * empty at first.
 * @param {ts.Node} node
 */
function isModuleState(node) {
  if (!ts.isVariableStatement(node)) return false;
  if ((node.declarationList.flags & ts.NodeFlags.Const) === 0) return true;
  return node.declarationList.declarations.some(({ initializer }) => {
    if (initializer === undefined || !ts.isNewExpression(initializer)) return false;
    const name = initializer.expression.getText();
    if (name === 'FinalizationRegistry') return true;
    return COLLECTIONS.has(name) && (initializer.arguments?.length ?? 0) === 0;
  });
}

/** @param {string} file relative to the root, with slashes */
function check(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const report = (/** @type {ts.Node} */ node, /** @type {string} */ problem) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    problems.push(`${file}:${line + 1}: ${problem}`);
  };
  /** @param {ts.Node} node */
  const visit = (node) => {
    const problem = problemOf(node);
    if (problem !== undefined) report(node, problem);
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (file.endsWith('.test.ts') || PROGRAMS.test(file)) return;
  for (const statement of source.statements) {
    const comment = text.slice(statement.getFullStart(), statement.getStart());
    if (isModuleState(statement) && !/Per copy\b/.test(comment))
      report(statement, 'state of a module: use processState()');
  }
}

const files = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => `src/${file.replaceAll(path.sep, '/')}`)
  .filter((file) => file.endsWith('.ts') && file !== 'src/clock.ts')
  // The browser has no injected clock.
  .filter((file) => !file.startsWith('src/http/page/browser/'));
for (const file of files) check(file);

for (const problem of problems) console.error(problem);
console.log(`Checked the sources: ${files.length} files, ${problems.length} problems.`);
process.exitCode = problems.length > 0 ? 1 : 0;
