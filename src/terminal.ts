import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';
import { ACTING_MARKS } from './clean-text.js';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Style = keyof typeof CODES;

/** Colours text, or does not. */
export type Paint = (style: Style, text: string) => string;

export const noPaint: Paint = (_, text) => text;
export const paint: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;

export interface TerminalTraits {
  /** Lines can be drawn over. */
  readonly live: boolean;
  readonly colours: boolean;
}

/** https://no-color.org: any value but an empty one turns colours off. */
export function traitsOf(
  isTty: boolean,
  plain: boolean,
  env: Readonly<Record<string, string | undefined>>,
): TerminalTraits {
  const live = isTty && !plain && env.TERM !== 'dumb';
  return { live, colours: live && !env.NO_COLOR };
}

const ESCAPE = '\u001b';
const COLOUR_OR_TEXT = new RegExp(`${ESCAPE}\\[[\\d;]*m|[^${ESCAPE}]+|${ESCAPE}`, 'gu');
const graphemes = new Intl.Segmenter();
/** Marks that combine with another character, and format characters such as a zero-width space. */
const TAKES_NO_COLUMN = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]/u;

/** Columns of one grapheme: what its first character takes, two for pictures. */
function columnsOf(grapheme: string): number {
  if (TAKES_NO_COLUMN.test(grapheme)) return 0;
  const isPicture = grapheme.includes('\ufe0f') || /^\p{Regional_Indicator}{2}/u.test(grapheme);
  return isPicture ? 2 : eastAsianWidth(grapheme.codePointAt(0) ?? 0);
}

/** Columns that the text takes, without its colours. */
export function width(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    columns += columnsOf(segment);
  }
  return columns;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - width(text))) + text;
}

/** Breaks at spaces, so that no line is longer than `columns` unless a word is. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || width(last) + 1 + width(word) > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** As much of the text as fits, its colours kept and ended. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let room = columns - 1;
  let shown = '';
  for (const part of text.match(COLOUR_OR_TEXT) ?? []) {
    if (part.startsWith(ESCAPE)) {
      shown += part;
      continue;
    }
    for (const { segment } of graphemes.segment(part)) {
      room -= columnsOf(segment);
      if (room < 0) break;
      shown += segment;
    }
  }
  return `${shown}…`;
}

/** As many of `parts` as fit into `columns`, from the left, with `gap` between them. */
export function fitting(parts: readonly string[], columns: number, gap = '  '): string {
  let line = '';
  for (const part of parts) {
    const next = line === '' ? part : `${line}${gap}${part}`;
    if (width(next) > columns) break;
    line = next;
  }
  return line;
}

const COLOUR_OR_ACTING = new RegExp(`${ESCAPE}\\[[\\d;]*m|[\\p{Cc}${ACTING_MARKS}]`, 'gu');

/**
 * Returns `text` without control sequences except colours, so that a text of a server or a file cannot change
 * the title, the clipboard, the cursor or other lines of the terminal.
 */
export function printable(text: string): string {
  return text.replace(COLOUR_OR_ACTING, (found) => (found.length > 1 ? found : ' '));
}

/** The same for a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

const CLEAR_LINE = '\r\u001b[2K';
const CLEAR_REST = '\u001b[K';
const CLEAR_SCREEN = '\u001b[2J\u001b[H';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** Lines that stay, and at the bottom one that is drawn over and over. */
export class Terminal {
  #status = '';
  #cursorHidden = false;
  #ended = false;
  #frameLines = 0;
  #frameColumns: number | undefined;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    readonly traits: TerminalTraits,
    /** Lines that stay are dropped. */
    private readonly quiet = false,
  ) {}

  get columns(): number {
    // A pipe has no width.
    return (this.traits.live && this.stream.columns) || 100;
  }

  get paint(): Paint {
    return this.traits.colours ? paint : noPaint;
  }

  print(...lines: readonly string[]): void {
    if (this.#ended || this.quiet) return;
    const text = lines.map((line) => `${printable(line).trimEnd()}\n`).join('');
    if (this.#status === '') this.stream.write(text);
    else this.stream.write(`${CLEAR_LINE}${text}${this.#status}`);
  }

  /** Replaces the line at the bottom. Does nothing where lines can't be drawn over. */
  status(line: string): void {
    if (!this.traits.live || this.#ended) return;
    this.#status = printable(line);
    this.stream.write(`${this.#cursorHidden ? '' : HIDE_CURSOR}${CLEAR_LINE}${this.#status}`);
    this.#cursorHidden = true;
  }

  /**
   * Draws lines over those that it drew before, each cut to the width: a line that the terminal
   * breaks, or one that has left the screen, could not be drawn over. Line by line, so that nothing
   * is dark in between.
   */
  frame(lines: readonly string[]): void {
    if (!this.traits.live || this.#ended) return;
    const { columns, rows = 0 } = this.stream;
    // A terminal whose size changed has moved the earlier lines: start again on a clear screen.
    const isMoved = this.#frameLines > 0 && this.#frameColumns !== columns;
    const start = isMoved ? CLEAR_SCREEN : '\r';
    const up = this.#frameLines > 0 && !isMoved ? `\u001b[${this.#frameLines}A` : '';
    // The cursor needs the line below.
    const shown = rows > 1 ? lines.slice(0, rows - 1) : lines;
    const text = shown
      .map((line) => `${cut(printable(line), columns || 100)}${CLEAR_REST}\n`)
      .join('');
    this.stream.write(`${this.#cursorHidden ? '' : HIDE_CURSOR}${start}${up}${text}\u001b[J`);
    this.#cursorHidden = true;
    this.#frameLines = shown.length;
    this.#frameColumns = columns;
  }

  /** Told when the size changes; returns what stops that. */
  onResize(listener: () => void): () => void {
    this.stream.on('resize', listener);
    return () => this.stream.off('resize', listener);
  }

  /** Takes the line at the bottom away and gives the cursor back. Idempotent. */
  close(): void {
    if (this.#cursorHidden) this.stream.write(`${CLEAR_LINE}${SHOW_CURSOR}`);
    this.#cursorHidden = false;
    this.#status = '';
    this.#frameLines = 0;
  }

  /** As `close()`, and nothing is printed any more. */
  end(): void {
    this.close();
    this.#ended = true;
  }
}
