// Finds and ends processes that tests have left behind. Node.js built-ins only.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A process that ends by itself when its test run does gets this long. */
const GRACE_MS = 3000;

/**
 * Kills every process whose command line or working directory names the directory, and returns a
 * line about each.
 * @param {string} directory the temporary directory of one test run
 */
export async function killLeftovers(directory) {
  const deadline = performance.now() + GRACE_MS;
  let leftovers = processesIn(directory);
  while (leftovers.length > 0 && performance.now() < deadline) {
    await setTimeout(100);
    leftovers = processesIn(directory);
  }
  return leftovers.map(({ pid, description }) => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself since.
    }
    return `${pid} ${description}`;
  });
}

/** @param {string} directory */
function processesIn(directory) {
  return processes().filter(
    ({ pid, description }) => pid !== process.pid && description.includes(directory),
  );
}

/** @returns {{ pid: number, description: string }[]} */
function processes() {
  if (existsSync('/proc/self/cmdline')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => ({ pid: Number(name), description: describe(name) }));
  }
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [, pid, description = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), description }];
  });
}

/** @param {string} pid */
function describe(pid) {
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return `${commandLine} (in ${readlinkSync(`/proc/${pid}/cwd`)})`;
  } catch {
    return ''; // ended meanwhile, a kernel thread, or of another user
  }
}
