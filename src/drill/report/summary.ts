import { type Paint, padEnd, padStart, width, wrap } from '../../terminal.js';
import {
  count,
  counted,
  duration,
  errorList,
  moment,
  name,
  sentence,
  shortened,
  total,
} from './format.js';
import type { ErrorCounts, RunResult, StepResult } from './model.js';
import { type LoadWords, wordsOf } from './words.js';

const MARGIN = '  ';

/** The table of faults and the promises, as lines for the terminal. */
export function summary(result: RunResult, paint: Paint, columns: number): string[] {
  const broken = result.promises.filter(({ violations }) => violations.length > 0).length;
  const { traffic, texts } = result;
  const sent = counted(traffic.reads + traffic.writes, wordsOf(texts).one);
  return [
    '',
    ...table(result, paint, columns),
    '',
    ...promises(result, paint, columns),
    '',
    `${MARGIN}${sent} in ${moment(result.durationMs)}. ${
      result.ok
        ? paint('green', `${sentence(texts.kept)}.`)
        : paint('red', `${broken} of ${result.promises.length} ${texts.counted} ${texts.failed}.`)
    }`,
  ];
}

/** One column of the table. */
interface Column {
  readonly head: string;
  /** Where there is little room; empty: the column is left out. */
  readonly short?: string;
  readonly pad: typeof padEnd;
  readonly cell: (step: StepResult, index: number, paint: Paint) => string;
}

function columnsOf({ firstReply, reply, readers, writers, audited }: LoadWords): Column[] {
  return [
    { head: '', pad: padEnd, cell: (_, index) => String(index + 1) },
    { head: 'fault', pad: padEnd, cell: ({ title }) => title },
    { head: 'next', short: '', pad: padEnd, cell: ({ expected }) => name(expected) },
    { head: 'switch', pad: padStart, cell: ({ switchedAfterMs }) => duration(switchedAfterMs) },
    {
      head: firstReply,
      short: reply,
      pad: padStart,
      cell: ({ servedAfterMs }) => duration(servedAfterMs),
    },
    {
      head: readers,
      pad: padStart,
      cell: ({ readerErrors }, _, paint) => errorCell(readerErrors, paint, 'red'),
    },
    {
      head: writers,
      pad: padStart,
      cell: ({ writerErrors }, _, paint) => errorCell(writerErrors, paint, 'yellow'),
    },
    ...(audited ? [REPEATED] : []),
  ];
}

const REPEATED: Column = {
  head: 'repeated',
  short: 'twice',
  pad: padStart,
  cell: ({ repeated }, _, paint) => (repeated === 0 ? '0' : paint('red', count(repeated))),
};

function table({ steps, texts }: RunResult, paint: Paint, columns: number): string[] {
  const words = wordsOf(texts);
  const all = columnsOf(words);
  const wide = tableOf(all, steps, paint, words);
  if (Math.max(...wide.map(width)) <= columns) return wide;
  const shown = all.filter(({ short }) => short !== '');
  return tableOf(
    shown.map((column) => ({ ...column, head: column.short ?? column.head })),
    steps,
    paint,
    words,
  );
}

function tableOf(
  shown: readonly Column[],
  steps: readonly StepResult[],
  paint: Paint,
  words: LoadWords,
): string[] {
  const head = shown.map((column) => column.head);
  const rows = steps.map((step, index) => shown.map(({ cell }) => cell(step, index, paint)));
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => width(row[at] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    MARGIN + cells.map((cell, at) => (shown[at]?.pad ?? padEnd)(cell, widths[at] ?? 0)).join('  ');
  const rule = MARGIN + paint('dim', '─'.repeat(widths.reduce((sum, each) => sum + each + 2, -2)));
  const kinds = steps
    .flatMap((step, index) => notes(step, index, words))
    .map((text) => MARGIN + paint('dim', text));
  return [paint('dim', line(head)), rule, ...rows.map(line), rule, ...kinds];
}

function errorCell(errors: ErrorCounts, paint: Paint, style: 'red' | 'yellow'): string {
  const sum = total(errors);
  return sum === 0 ? '0' : paint(style, count(sum));
}

/** What the errors of a step were. */
function notes(
  { readerErrors, writerErrors, unavailable }: StepResult,
  index: number,
  words: LoadWords,
): string[] {
  const parts = [
    [words.reader, errorList(readerErrors)],
    [words.audited ? `${words.writer}, outcome unknown` : words.writer, errorList(writerErrors)],
    ['as all are down', errorList(unavailable)],
  ].filter(([, errors]) => errors !== '');
  return parts.map(([who, errors]) => `${index + 1}  ${who}: ${errors}`);
}

function promises(result: RunResult, paint: Paint, columns: number): string[] {
  const longest = Math.max(...result.promises.map(({ promise }) => promise.length));
  const oneLine = columns >= longest + 50;
  return result.promises.flatMap(({ promise, evidence, violations }) => {
    const kept = violations.length === 0;
    const mark = kept ? paint('green', '✓') : paint('red', '✗');
    const proof = paint('dim', evidence);
    const first = `${MARGIN}${mark}  ${oneLine ? padEnd(promise, longest) : promise}`;
    const rest = shortened(violations).flatMap((text) =>
      wrap(text, Math.max(40, columns - 10)).map((each) => paint('red', `       ${each}`)),
    );
    return oneLine ? [`${first}   ${proof}`, ...rest] : [first, `     ${proof}`, ...rest];
  });
}
