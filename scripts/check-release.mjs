// Refuses to publish what is not ready: `npm run release`, and npm before it publishes anything.

import { readdirSync, readFileSync } from 'node:fs';
import { refusals } from './release/check.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const changesets = readdirSync('.changeset').filter(
  (file) => file.endsWith('.md') && file !== 'README.md',
);
const reasons = refusals(manifest, readFileSync('CHANGELOG.md', 'utf8'), changesets);
for (const reason of reasons) console.error(`Not published: ${reason}.`);
process.exitCode = reasons.length > 0 ? 1 : 0;
