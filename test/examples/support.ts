/** An example as a process of its own, with what is built. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { once, waitFor } from '../kit/index.js';

const root = path.resolve(import.meta.dirname, '../..');
const processes = new Set<ChildProcess>();
const copies = new Set<string>();

export function killExamples(): void {
  for (const child of processes) child.kill('SIGKILL');
  processes.clear();
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  copies.clear();
}

export class Example {
  output = '';
  readonly #child: ChildProcess;

  constructor(file: string, environment: Record<string, string>) {
    const main = copied(file);
    const isTypeScript = main.endsWith('.ts');
    this.#child = spawn(process.execPath, [...(isTypeScript ? ['--import', 'tsx'] : []), main], {
      cwd: root,
      env: {
        ...process.env,
        PORT: '0',
        SHUTDOWN_DELAY_MS: '300',
        ...(isTypeScript
          ? { TSX_TSCONFIG_PATH: path.join(path.dirname(main), 'tsconfig.json') }
          : {}),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    processes.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.output += text;
      });
    }
  }

  /** Where it listens, once it does. */
  url(): Promise<string> {
    return waitFor(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it ended:\n${this.output}`);
        return /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(this.output)?.[0];
      },
      { what: 'the example to listen', timeoutMs: 30_000 },
    );
  }

  /** Stops the process, as a serverless platform does between two invocations. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGTERM; resolves to the exit code, or the signal that had to end it. */
  async terminate(): Promise<number | string | null> {
    const exited = once<[number | null, string | null]>(this.#child, 'exit', 20_000);
    this.#child.kill('SIGTERM');
    const [code, signal] = await exited;
    return code ?? signal;
  }
}

/**
 * A copy without the package of its own that an example is, so that `redis-multidb` is this package.
 * Returns the path of `file` in it.
 */
function copied(file: string): string {
  const copy = mkdtempSync(path.join(root, 'test/examples/.run-'));
  copies.add(copy);
  cpSync(path.join(root, 'examples', path.dirname(file)), copy, {
    recursive: true,
    filter: (source) => !/package(-lock)?\.json$|node_modules/.test(path.relative(root, source)),
  });
  return path.join(copy, path.basename(file));
}
