// Writes the public types of every entry point into api/, so that a review sees each change of them:
//   npm run api
// test/surface/api-report.test.ts fails while they differ from what is built.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { report, reportFile } from './api/report.mjs';
import { publicSurface } from './api/surface.mjs';
import { root } from './run.mjs';

const directory = path.join(root, 'api');
mkdirSync(directory, { recursive: true });
for (const file of readdirSync(directory)) rmSync(path.join(directory, file));
for (const entry of publicSurface()) writeFileSync(reportFile(entry), report(entry));
