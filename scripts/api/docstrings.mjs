// The docstrings of the public surface: what an editor shows for each name and each member.

import ts from 'typescript';
import { isPrivate } from './declarations.mjs';

/** @typedef {import('./declarations.mjs').Declaration} Declaration */

/**
 * One thing that an editor can show, such as `MultiDbOptions.commandRetry`, and its docstring.
 * `text` is undefined without one.
 * @typedef {{ name: string, text: string | undefined, deprecated: string | undefined }} Documented
 */

/**
 * A declaration and each of its members. A constructor is documented by its class.
 * @param {Declaration} declaration
 * @returns {Documented[]}
 */
export function docstringsOf({ name, nodes }) {
  const [first] = nodes;
  if (first === undefined) return [];
  return [
    documented(name, nodes.find((node) => hasDocstring(node)) ?? first),
    ...nodes.flatMap((node) =>
      membersOf(node).map((each) => documented(`${name}.${each.key}`, each.member)),
    ),
  ];
}

/**
 * @param {ts.Statement} statement
 * @returns {{ key: string, member: ts.Node }[]}
 */
function membersOf(statement) {
  /** @type {readonly ts.Node[]} */
  let members = [];
  if (ts.isInterfaceDeclaration(statement) || ts.isClassDeclaration(statement)) {
    members = statement.members;
  } else if (ts.isTypeAliasDeclaration(statement) && ts.isTypeLiteralNode(statement.type)) {
    members = statement.type.members;
  }
  return members
    .filter((member) => !isPrivate(member) && !ts.isConstructorDeclaration(member))
    .map((member) => ({
      key: /** @type {{ name?: ts.PropertyName }} */ (member).name?.getText() ?? '[]',
      member,
    }))
    .filter(({ key }) => key !== 'name' || !ts.isClassDeclaration(statement));
}

/** @param {ts.Node} node */
function hasDocstring(node) {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}

/**
 * @param {string} name
 * @param {ts.Node} node
 * @returns {Documented}
 */
function documented(name, node) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const tag = comment?.tags?.find((each) => each.tagName.text === 'deprecated');
  const replacement = tag === undefined ? undefined : ts.getTextOfJSDocComment(tag.comment);
  const text = ts.getTextOfJSDocComment(comment?.comment) || replacement;
  return {
    name,
    text: text === undefined ? undefined : text.replace(/\r/g, ''),
    deprecated: replacement,
  };
}
