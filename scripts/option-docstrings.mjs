// The docstrings of options, made from the table of defaults: an editor shows what docs/options.md says.

import ts from 'typescript';
import { DEFAULTS } from '../src/options/defaults.js';

/** Where the members of an interface stand in the table. @type {Readonly<Record<string, string>>} */
const PREFIXES = {
  MultiDbOptions: '',
  CommonDatabaseOptions: 'databases[].',
  SingleDatabaseOptions: 'databases[].',
  PoolDatabaseOptions: 'databases[].',
  ClusterDatabaseOptions: 'databases[].',
  SentinelDatabaseOptions: 'databases[].',
  PoolOptions: 'databases[].pool.',
  CommandRetryOptions: 'commandRetry.',
  FailureDetectorSettings: 'failureDetector.',
  HealthCheckOptions: 'healthCheck.',
};
/** The files that hold these interfaces. */
export const TYPES = ['src/options/types.ts', 'src/options/database-options.ts'];
const WIDTH = 100;

/**
 * The source with the docstring of each option as the table has it. Tags such as `@example` stay.
 * @param {string} source of a file of `TYPES`
 */
export function withOptionDocstrings(source) {
  const file = ts.createSourceFile('types.ts', source, ts.ScriptTarget.ES2022, true);
  /** @type {{ from: number, to: number, text: string }[]} */
  const edits = [];
  for (const statement of file.statements) {
    if (!ts.isInterfaceDeclaration(statement)) continue;
    const prefix = PREFIXES[statement.name.text];
    if (prefix === undefined) continue;
    for (const member of statement.members) {
      const name = `${prefix}${member.name?.getText()}`;
      // The topology of an interface is one value of the option, and says so itself.
      if (!(name in DEFAULTS) || name === 'databases[].topology') continue;
      const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
      const tags =
        comment?.tags?.map((tag) =>
          tag
            .getText()
            .replace(/\n\s*\*\s?/g, '\n')
            .trim(),
        ) ?? [];
      edits.push({
        from: comment?.getStart() ?? member.getStart(),
        to: member.getStart(),
        text: docstring(/** @type {keyof typeof DEFAULTS} */ (name), tags),
      });
    }
  }
  return edits.reduceRight(
    (text, edit) => text.slice(0, edit.from) + edit.text + text.slice(edit.to),
    source,
  );
}

/**
 * @param {keyof typeof DEFAULTS} name
 * @param {readonly string[]} tags
 */
function docstring(name, tags) {
  const { meaning, range, shownDefault, default: value } = DEFAULTS[name];
  const byDefault = shownDefault ?? (value === undefined ? '' : `\`${value}\``);
  const accepts = `Accepts ${range}.${byDefault === '' ? '' : ` Default: ${byDefault}.`}`;
  const text = `${meaning} ${accepts}`;
  if (tags.length === 0 && `  /** ${text} */`.length <= WIDTH) return `/** ${text} */\n  `;
  const lines = [...wrapped(text), ...tags.flatMap((tag) => ['', ...tag.split('\n')])];
  return `/**\n${lines.map((line) => `   *${line === '' ? '' : ` ${line}`}\n`).join('')}   */\n  `;
}

/** @param {string} text */
function wrapped(text) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || `   * ${last} ${word}`.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
