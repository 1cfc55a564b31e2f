// Writes the entry points into package.json, builds, and writes the public types of every entry point
// into api/, so that a review sees each change of them:
//   npm run api
// test/surface/api-report.test.ts fails while they differ from what is built.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { report, reportFile } from './api/report.mjs';
import { publicSurface } from './api/surface.mjs';
import { writeManifest } from './entry-points.mjs';
import { root, run } from './run.mjs';

writeManifest();
await run(process.execPath, ['scripts/build.mjs']);

const directory = path.join(root, 'api');
mkdirSync(directory, { recursive: true });
for (const file of readdirSync(directory)) rmSync(path.join(directory, file));
for (const entry of publicSurface()) writeFileSync(reportFile(entry), report(entry));
