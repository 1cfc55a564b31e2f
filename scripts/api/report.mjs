// An entry point as a page of TypeScript: each declaration without its comments and private members.

import path from 'node:path';
import ts from 'typescript';
import { root } from '../run.mjs';
import { isPrivate } from './declarations.mjs';

/** @typedef {import('./declarations.mjs').Declaration} Declaration */
/** @typedef {import('./surface.mjs').Entry} Entry */

const printer = ts.createPrinter({ removeComments: true });

/**
 * Where the report of an entry point is committed.
 * @param {Entry} entry
 */
export function reportFile({ specifier }) {
  return path.join(root, 'api', `${specifier.replace('/', '-')}.md`);
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
export function report({ specifier, exported, named }) {
  const texts = [...exported].map(([name, each]) => declarationText(each, name));
  const parts = [`# ${specifier}\n`, 'Written by `npm run api`.\n', '## Exports\n', block(texts)];
  if (named.length > 0) {
    const others = named.map((each) => declarationText(each, undefined));
    parts.push('## Not exported, and part of the types above\n', block(others));
  }
  return parts.join('\n');
}

/** @param {string[]} texts */
function block(texts) {
  return `\`\`\`ts\n${texts.join('\n\n')}\n\`\`\`\n`;
}

/**
 * @param {Declaration} declaration
 * @param {string | undefined} exportedAs
 */
function declarationText({ name, nodes }, exportedAs) {
  const lines = nodes.map((node) => {
    const { transformed } = ts.transform(node, [withoutPrivate]);
    const text = printer
      .printNode(
        ts.EmitHint.Unspecified,
        /** @type {ts.Node} */ (transformed[0]),
        node.getSourceFile(),
      )
      .replace(/^(export |declare )+/, '');
    return exportedAs === undefined ? text : `export ${text}`;
  });
  if (exportedAs !== undefined && exportedAs !== name) lines.unshift(`// as ${exportedAs}`);
  return lines.join('\n');
}

/** @type {ts.TransformerFactory<ts.Statement>} */
function withoutPrivate(context) {
  /**
   * @param {ts.Node} node
   * @returns {ts.Node | undefined}
   */
  const visit = (node) => (isPrivate(node) ? undefined : ts.visitEachChild(node, visit, context));
  return (node) => /** @type {ts.Statement} */ (visit(node));
}
