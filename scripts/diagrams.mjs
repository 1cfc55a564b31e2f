// Draws the diagrams of the documentation into docs/images/: `npx tsx scripts/diagrams.mjs`.
// test/docs/site.test.ts compares them with their source.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PICTURES } from './diagrams/pictures.mjs';
import { root } from './run.mjs';

for (const [name, draw] of Object.entries(PICTURES)) {
  writeFileSync(path.join(root, 'docs/images', name), draw());
}
