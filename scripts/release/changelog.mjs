// The changelog keeps the style of Keep a Changelog. Changesets decide the version; their sentences
// go into the sections that belong to their kind.

/** @typedef {{ bump: 'major' | 'minor' | 'patch', text: string }} Changeset */

const SECTIONS = { major: 'Changed', minor: 'Added', patch: 'Fixed' };
const UNRELEASED = '## [Unreleased]\n';

/**
 * A changeset file: front matter that names the bump, then the text.
 * @param {string} file
 * @returns {Changeset}
 */
export function parseChangeset(file) {
  const [, bump, text = ''] =
    /^---\n["']?[\w@/-]+["']?:\s*(major|minor|patch)\n---\n([\s\S]*)$/.exec(file) ?? [];
  if (bump !== 'major' && bump !== 'minor' && bump !== 'patch') {
    throw new Error(`no changeset of one package:\n${file}`);
  }
  return { bump, text: text.trim() };
}

/**
 * The changelog with what is unreleased, and the changesets, below a heading for `version`.
 * @param {string} changelog
 * @param {string} version
 * @param {string} date as 2030-01-31
 * @param {readonly Changeset[]} changesets
 */
export function release(changelog, version, date, changesets) {
  const start = changelog.indexOf(UNRELEASED);
  if (start < 0) throw new Error('CHANGELOG.md has no section "Unreleased"');
  const begin = start + UNRELEASED.length;
  const next = changelog.indexOf('\n## [', begin);
  const end = next < 0 ? changelog.length : next + 1;
  let body = changelog.slice(begin, end).trim();
  for (const { bump, text } of changesets) body = added(body, SECTIONS[bump], text);
  const released = `## [${version}] - ${date}\n\n${body}\n`;
  const after = changelog.slice(end);
  return `${changelog.slice(0, begin)}\n${released}${after === '' ? '' : `\n${after}`}`;
}

/**
 * @param {string} body
 * @param {string} section
 * @param {string} text
 */
function added(body, section, text) {
  const item = `- ${text.replace(/\n(?=\S)/g, '\n  ')}`;
  const heading = `### ${section}\n`;
  const start = `${body}\n`.indexOf(heading);
  if (start < 0) return `${body}\n\n${heading}\n${item}`.trim();
  const next = body.indexOf('\n### ', start);
  const end = next < 0 ? body.length : next;
  return `${body.slice(0, end).trimEnd()}\n${item}\n${body.slice(end)}`.trimEnd();
}
