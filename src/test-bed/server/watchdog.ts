/**
 * Makes child processes and temporary directories die with this process, however it dies.
 *
 * On a normal exit or an uncaught error the `exit` handler kills and removes synchronously. A process
 * ended by a signal (Ctrl-C, a test runner that kills its workers) runs no handler, so a small shell in a
 * session of its own holds the other end of a pipe: at its end of file it does the same. No signal handler
 * is installed, so signals keep their meaning for whoever uses the kit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

/** Directories are only ever removed if their last part begins with this (six random characters follow). */
export const TEMP_PREFIX = 'redis-multidb-test-';

const SCRIPT = `
alive=
while read -r op what; do
  if [ "$op" = add ]; then alive="$alive $what"; continue; fi
  rest=
  for item in $alive; do [ "$item" = "$what" ] || rest="$rest $item"; done
  alive=$rest
done
for item in $alive; do case "$item" in /*) ;; *) kill -9 "$item" 2>/dev/null ;; esac; done
for item in $alive; do case "$item" in /*/${TEMP_PREFIX}??????) rm -rf -- "$item" ;; esac; done
`;

interface State {
  readonly pids: Set<number>;
  readonly dirs: Set<string>;
  readonly shell: ChildProcess;
}

const KEY = Symbol.for('redis-multidb.test-kit.watchdog');
const shared = globalThis as { [KEY]?: State };

export function watchProcess(pid: number): void {
  state().pids.add(pid);
  tell('add', pid);
}

export function unwatchProcess(pid: number): void {
  if (state().pids.delete(pid)) tell('del', pid);
}

export function watchDirectory(dir: string): void {
  state().dirs.add(dir);
  tell('add', dir);
}

export function unwatchDirectory(dir: string): void {
  if (state().dirs.delete(dir)) tell('del', dir);
}

function tell(op: 'add' | 'del', what: number | string): void {
  state().shell.stdin?.write(`${op} ${what}\n`);
}

function state(): State {
  shared[KEY] ??= begin();
  return shared[KEY];
}

function begin(): State {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.on('error', ignore);
  shell.stdin.on('error', ignore);
  (shell.stdin as unknown as { unref(): void }).unref();
  const begun: State = { pids: new Set(), dirs: new Set(), shell };
  process.on('exit', () => {
    for (const pid of begun.pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    for (const dir of begun.dirs) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  return begun;
}

function ignore(): void {}
