// Makes node_modules match package-lock.json, so that `npm test` and `npm run demo` work in a fresh
// clone. Runs before any dependency exists: Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');

/** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * The packages of a lock file by their path; empty if there is none.
 * @param {string} file
 * @returns {Record<string, LockedPackage>}
 */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** Whether every package that the lock file demands is installed in its locked version. */
export function dependenciesMatchLock() {
  const installed = lockedPackages('node_modules/.package-lock.json');
  return Object.entries(lockedPackages('package-lock.json')).every(([location, wanted]) => {
    // '' is the project itself; optional ones are binaries of other platforms.
    if (location === '' || wanted.optional || wanted.devOptional) return true;
    return installed[location]?.version === wanted.version && existsSync(path.join(root, location));
  });
}

/** Runs `npm ci` unless the installed packages match the lock file. Throws when that fails. */
export function ensureDeps() {
  if (dependenciesMatchLock()) return;
  console.log('Installing the locked dependencies (npm ci) ...');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // Installed for development whatever NODE_ENV says.
    env: { ...process.env, NODE_ENV: 'development' },
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) throw new Error(`npm ci failed (exit ${npm.status ?? npm.error})`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureDeps();
