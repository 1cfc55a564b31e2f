/** Runs the built command line on a terminal: a pseudo terminal of util-linux's `script`. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { waitFor } from '../kit/index.js';
import { directory } from './run.js';

const main = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Why there is no terminal to be had; undefined where there is one. */
export const noTerminal = (() => {
  const { stdout, error } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  if (error === undefined && /util-linux/.test(stdout)) return undefined;
  return "no `script` of util-linux here, which gives a process a terminal (Debian's bsdutils)";
})();

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export class OnTerminal {
  /** All that was written to it, with its control characters. */
  output = '';
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], { columns = 100, rows = 30, env = {} } = {}) {
    const command = [process.execPath, main, ...args].map(quoted).join(' ');
    // The name of the terminal comes first, so that its size can be changed from here.
    const script = `tty; stty cols ${columns} rows ${rows}; exec ${command}`;
    const { PATH = '', REDIS_SERVER } = process.env;
    this.#child = spawn('script', ['-qefc', script, '/dev/null'], {
      cwd: directory,
      env: {
        PATH,
        TERM: 'xterm',
        SHELL: '/bin/sh',
        ...(REDIS_SERVER ? { REDIS_SERVER } : {}),
        ...env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('data', (chunk) => {
      this.output += chunk;
    });
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** As if its window were closed. */
  close(): void {
    this.#child.kill('SIGTERM');
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  async shows(text: RegExp, what = String(text)): Promise<void> {
    await waitFor(() => text.test(this.output), { what, timeoutMs: 15_000 });
  }

  resize(columns: number): void {
    const [, device = ''] = /^(\/dev\/\S+)/.exec(this.output) ?? [];
    execFileSync('stty', ['-F', device, 'cols', String(columns)]);
  }
}

/** What stands on a terminal of this width after `output`: the sequences that are used here alone. */
export function screen(output: string, columns: number, rows = 30): string[] {
  const lines: string[][] = [[]];
  let [row, column] = [0, 0];
  const down = () => {
    row += 1;
    while (lines.length <= row) lines.push([]);
  };
  const control = '\u001b';
  const pattern = new RegExp(`${control}\\[(\\??[\\d;]*)([A-Za-z])|[^${control}]`, 'gu');
  for (const [text, parameter = '', kind] of output.matchAll(pattern)) {
    const count = Number(parameter || 1);
    // Only what is on the screen can be reached.
    const top = Math.max(0, lines.length - rows);
    if (kind === 'A') row = Math.max(top, row - count);
    else if (kind === 'H') [row, column] = [top, 0];
    else if (kind === 'K') (lines[row] as string[]).length = parameter === '2' ? 0 : column;
    else if (kind === 'J') {
      if (parameter === '2') for (let at = top; at < lines.length; at += 1) lines[at] = [];
      else {
        lines.length = row + 1;
        (lines[row] as string[]).length = Math.min(column, (lines[row] as string[]).length);
      }
    } else if (text === '\r') column = 0;
    else if (text === '\n') down();
    else if (kind === undefined) {
      if (column >= columns) {
        column = 0;
        down();
      }
      const line = lines[row] as string[];
      while (line.length < column) line.push(' ');
      line[column] = text;
      column += 1;
    }
  }
  return lines.map((line) => line.join('').trimEnd());
}
