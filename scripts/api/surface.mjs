// The public surface: what a user can import, and every type that is named by it.

import path from 'node:path';
import { ENTRY_POINTS } from '../entry-points.mjs';
import { root } from '../run.mjs';
import { Declarations } from './declarations.mjs';

/** @typedef {import('./declarations.mjs').Declaration} Declaration */

/**
 * One entry point. `exported` holds what it exports by name, `named` the declarations that these
 * types name and that neither it nor the main entry point exports.
 * @typedef {{ specifier: string, exported: Map<string, Declaration>, named: Declaration[] }} Entry
 */

/** @returns {Entry[]} every entry point of the package, the main one first */
export function publicSurface() {
  const declarations = new Declarations(path.join(root, 'dist'));
  /** @type {Set<string>} */
  const elsewhere = new Set();
  return ENTRY_POINTS.map(({ subpath, entry }) => {
    const exported = declarations.exportsOf(`${entry}.d.ts`);
    const named = allNamed(declarations, exported, elsewhere);
    if (subpath === '.') for (const { key } of exported.values()) elsewhere.add(key);
    return { specifier: path.posix.join('redis-multidb', subpath), exported, named };
  });
}

/**
 * @param {Declarations} declarations
 * @param {Map<string, Declaration>} exported
 * @param {ReadonlySet<string>} elsewhere keys of what another entry point exports
 */
function allNamed(declarations, exported, elsewhere) {
  const keys = new Set([...exported.values()].map(({ key }) => key));
  /** @type {Declaration[]} */
  const found = [];
  const queue = [...exported.values()];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const each of declarations.namedBy(next)) {
      if (keys.has(each.key) || elsewhere.has(each.key)) continue;
      keys.add(each.key);
      found.push(each);
      queue.push(each);
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
