// The rule for src/ that the linters can't state (the layers are checked by dependency-cruiser):
//  - time and randomness come from src/clock.ts alone, also as members, imports and `new Date()`;
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

/** @param {string} file relative to the root, with slashes */
function check(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  /** @param {ts.Node} node */
  const visit = (node) => {
    const problem = problemOf(node);
    if (problem !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      problems.push(`${file}:${line + 1}: ${problem}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
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
