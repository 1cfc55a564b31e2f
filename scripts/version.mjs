// Makes the changesets a version: `npm run version`. Changesets chooses the number and removes their
// files; the changelog gets a section of that version. Commit the result, and tag it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseChangeset, release } from './release/changelog.mjs';
import { installed, run } from './run.mjs';

const changesets = readdirSync('.changeset')
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .sort()
  .map((file) => parseChangeset(readFileSync(`.changeset/${file}`, 'utf8')));
if (changesets.length > 0)
  await run(process.execPath, [installed('@changesets/cli/bin.js'), 'version']);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const date = new Date().toISOString().slice(0, 10);
const changelog = release(readFileSync('CHANGELOG.md', 'utf8'), version, date, changesets);
writeFileSync('CHANGELOG.md', changelog);
await run('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund']);
