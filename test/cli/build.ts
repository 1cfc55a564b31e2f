/** The tests of the command line run what is built: builds it when a source is newer. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

export function setup(): void {
  const built = path.join(root, 'dist/cli/main.js');
  const builtAt = existsSync(built) ? statSync(built).mtimeMs : 0;
  const isNewer = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).some(
    (file) => statSync(path.join(root, 'src', file)).mtimeMs > builtAt,
  );
  if (isNewer)
    execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
}
