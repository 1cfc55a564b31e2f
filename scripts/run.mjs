// Helpers for scripts that run other programs. Node.js built-ins only.

import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [timeoutMs]
 * @property {(text: string) => void} [write] takes what the program writes, instead of passing it through
 * @property {boolean} [lowPriority] other programs get the processor first
 */

/**
 * Runs a program with its output passed through, and throws unless it exits with 0. Ends it after
 * the timeout.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export async function run(program, args, options = {}) {
  const { write } = options;
  const output = write === undefined ? 'inherit' : 'pipe';
  await execute(program, args, { stdout: output, stderr: output, write }, options);
}

/**
 * Like `run`, but returns what the program wrote to its standard output.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export async function capture(program, args, options = {}) {
  let output = '';
  const write = (/** @type {string} */ text) => {
    output += text;
  };
  await execute(program, args, { stdout: 'pipe', stderr: 'inherit', write }, options);
  return output;
}

/**
 * The entry point of a command of an installed package, to be run with this Node.js.
 * @param {string} file path below node_modules
 */
export function installed(file) {
  return path.join(root, 'node_modules', file);
}

/**
 * @typedef {object} Output
 * @property {'inherit' | 'pipe'} stdout
 * @property {'inherit' | 'pipe'} stderr
 * @property {((text: string) => void) | undefined} write takes what is piped
 */

/**
 * @param {string} program
 * @param {string[]} args
 * @param {Output} output
 * @param {RunOptions} options
 * @returns {Promise<void>}
 */
function execute(
  program,
  args,
  { stdout, stderr, write = () => {} },
  { cwd = root, env, timeoutMs = 1_800_000, lowPriority = false },
) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', stdout, stderr],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      shell: process.platform === 'win32' && program === 'npm',
    });
    if (lowPriority && child.pid !== undefined) {
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    }
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', write);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${path.basename(program)} ${args[0]} ended with ${signal ?? code}`));
    });
  });
}
