// Makes sure that a redis-server is on the PATH. The tests and the demo start servers of their own
// on free ports; no server that runs already is touched. Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';

const OLDEST = [6, 2];

const HOW_TO_GET_IT = `redis-server ${OLDEST.join('.')} or newer is needed on the PATH.
  macOS:           brew install redis
  Fedora, RHEL:    sudo dnf install redis   (or valkey-compat-redis)
  Debian, Ubuntu:  sudo apt-get install redis-server
  others:          https://redis.io/docs/latest/operate/oss_and_stack/install/`;

/** The version of the redis-server on the PATH, e.g. `7.0.15`; undefined if there is none. */
export function redisVersion() {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /\bv=(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/** @param {string | undefined} version */
function isNewEnough(version) {
  if (version === undefined) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** Returns the version found or installed. Throws, with advice, when there is none to be had. */
export function ensureRedis() {
  let version = redisVersion();
  if (version === undefined && aptInstall('redis-server')) version = redisVersion();
  if (version !== undefined && isNewEnough(version)) return version;
  throw new Error(`${HOW_TO_GET_IT}\nFound: ${version ?? 'none'}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(`redis-server ${ensureRedis()}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
