// Helpers for scripts that run other programs. Node.js built-ins only.

import { spawn } from 'node:child_process';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

/**
 * Runs a program with its output passed through, and throws unless it exits with 0. Ends it after
 * the timeout.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 */
export async function run(program, args, options = {}) {
  await execute(program, args, 'inherit', options);
}

/**
 * Like `run`, but returns what the program wrote to its standard output.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 */
export function capture(program, args, options = {}) {
  return execute(program, args, 'pipe', options);
}

/**
 * The entry point of a command of an installed package, to be run with this Node.js.
 * @param {string} file path below node_modules
 */
export function installed(file) {
  return path.join(root, 'node_modules', file);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} stdout
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} options
 * @returns {Promise<string>}
 */
function execute(program, args, stdout, { cwd = root, env, timeoutMs = 1_800_000 }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', stdout, 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      shell: process.platform === 'win32' && program === 'npm',
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${path.basename(program)} ${args[0]} ended with ${signal ?? code}`));
    });
  });
}
