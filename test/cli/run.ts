/** Runs the built command line as a process, as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Where it runs; what it writes lands there. */
export const directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const { REDIS_SERVER, PATH = '', TMPDIR } = process.env;
    this.child = spawn(process.execPath, [main, ...args], {
      cwd: directory,
      env: {
        PATH,
        ...(REDIS_SERVER ? { REDIS_SERVER } : {}),
        ...(TMPDIR ? { TMPDIR } : {}),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  return new Running(args, env);
}

export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return start(args, env).ended;
}
