// Another revision of this project, built in a temporary worktree, to be measured beside this one.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../scripts/run.mjs';

/**
 * Builds `revision` and returns its dist/. Everything is removed when the process ends. The packages
 * are those of this working tree, so that only our own code differs.
 * @param {string} revision anything that git can resolve
 */
export function buildRevision(revision) {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const commit = git('rev-parse', '--verify', `${revision}^{commit}`).trim();
  const parent = mkdtempSync(path.join(tmpdir(), 'redis-multidb-base-'));
  const directory = path.join(parent, 'tree');
  process.once('exit', () => {
    try {
      git('worktree', 'remove', '--force', directory);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  });
  git('worktree', 'add', '--quiet', '--detach', directory, commit);
  symlinkSync(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: directory, stdio: 'inherit' });
  return path.join(directory, 'dist');
}
