// `npm run demo`: gets what the demo needs, then runs demo/index.ts against the sources.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureDeps } from './ensure-deps.mjs';
import { ensureRedis } from './ensure-redis.mjs';

const root = path.resolve(import.meta.dirname, '..');

try {
  ensureDeps();
  ensureRedis();
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'demo/index.ts', ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
