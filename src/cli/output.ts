/** The output of a command: colours and live lines for people, JSON for programs. */
import { createInterface } from 'node:readline/promises';
import { ACTING_MARKS } from '../clean-text.js';
import { type Paint, printable, Terminal, traitsOf } from '../terminal.js';
import { InterruptedError, UsageError } from './exit.js';

export interface OutputOptions {
  /** Whether stdout gets only one JSON document (or one per line). */
  readonly json?: boolean | undefined;
}

export class Output {
  readonly json: boolean;
  readonly terminal: Terminal;

  constructor({ json = false }: OutputOptions = {}) {
    this.json = json;
    // Progress must not get between the lines of a document.
    const stream = json ? process.stderr : process.stdout;
    const isTty = stream.isTTY === true;
    this.terminal = new Terminal(stream, traitsOf(isTty, false, process.env), json);
  }

  get paint(): Paint {
    return this.terminal.paint;
  }

  get columns(): number {
    return this.terminal.columns;
  }

  /** Lines for people; with `json` they are dropped. */
  print(...lines: readonly string[]): void {
    this.terminal.print(...lines);
  }

  /** Shows the line at the bottom, which is redrawn. */
  progress(line: string): void {
    this.terminal.status(line);
  }

  document(value: unknown): void {
    this.terminal.close();
    process.stdout.write(`${escaped(JSON.stringify(value, undefined, 2))}\n`);
  }

  /** Prints one document per line, for continuous output. */
  line(value: unknown): void {
    process.stdout.write(`${escaped(JSON.stringify(value))}\n`);
  }

  /**
   * Asks on the terminal; only `y` and `yes` agree. Without a terminal it throws a `UsageError`
   * that names the option which agrees in advance. Ctrl-C throws an `InterruptedError`, and Ctrl-D
   * means no.
   */
  async confirm(question: readonly string[], option: string): Promise<boolean> {
    if (!canAsk()) {
      throw new UsageError(
        `${question.join(' ')}\nThere is no terminal for this question. Add ${option} to agree.`,
      );
    }
    const answer = await this.#ask(`${question.map(printable).join('\n')} [y/N] `);
    return answer !== undefined && /^y(es)?$/i.test(answer);
  }

  /**
   * Asks for a text on the terminal; `undefined` without a terminal and for Ctrl-D. Ctrl-C throws an
   * `InterruptedError`.
   */
  async ask(question: string): Promise<string | undefined> {
    return canAsk() ? this.#ask(`${question} `) : undefined;
  }

  async #ask(question: string): Promise<string | undefined> {
    this.terminal.close();
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    // By default Node.js rejects the question with a stack trace, or never settles it.
    const isLeft = new Promise<'interrupted' | 'closed'>((resolve) => {
      lines.once('SIGINT', () => resolve('interrupted'));
      lines.once('close', () => resolve('closed'));
    });
    try {
      const asked = lines.question(question);
      asked.catch(() => {});
      const answer = await Promise.race([asked.then((text) => ({ text })), isLeft]);
      if (typeof answer === 'object') return answer.text.trim();
      process.stderr.write('\n');
      if (answer === 'interrupted') throw new InterruptedError();
      return undefined;
    } finally {
      lines.close();
    }
  }
}

function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

const ACTING_IN_JSON = new RegExp(`[\\u007f-\\u009f${ACTING_MARKS}]`, 'g');

/** Escapes characters that JSON permits but that act on a terminal. */
function escaped(json: string): string {
  return json.replace(
    ACTING_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
