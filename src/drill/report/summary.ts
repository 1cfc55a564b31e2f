import { type Paint, padEnd, padStart, wrap } from '../../cli/terminal.js';
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

const MARGIN = '  ';

/** The table of faults and the promises, as lines for the terminal. */
export function summary(result: RunResult, paint: Paint, columns: number): string[] {
  const broken = result.promises.filter(({ violations }) => violations.length > 0).length;
  const { traffic, texts } = result;
  const commands = counted(traffic.reads + traffic.writes, 'command');
  return [
    '',
    ...table(result.steps, paint),
    '',
    ...promises(result, paint, columns),
    '',
    `${MARGIN}${commands} in ${moment(result.durationMs)}. ${
      result.ok
        ? paint('green', `${sentence(texts.kept)}.`)
        : paint('red', `${broken} of ${result.promises.length} ${texts.counted} ${texts.failed}.`)
    }`,
  ];
}

function table(steps: readonly StepResult[], paint: Paint): string[] {
  const head = ['', 'fault', 'next', 'switch', 'first reply', 'readers', 'writers', 'repeated'];
  const rows = steps.map((step, index) => [
    String(index + 1),
    step.title,
    name(step.expected),
    duration(step.switchedAfterMs),
    duration(step.servedAfterMs),
    errorCell(step.readerErrors, paint, 'red'),
    errorCell(step.writerErrors, paint, 'yellow'),
    step.repeated === 0 ? '0' : paint('red', count(step.repeated)),
  ]);
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.replace(ANSI, '').length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    MARGIN +
    cells.map((cell, at) => (at < 3 ? padEnd : padStart)(cell, widths[at] ?? 0)).join('  ');
  const rule = MARGIN + paint('dim', '─'.repeat(widths.reduce((sum, each) => sum + each + 2, -2)));
  const kinds = steps.flatMap(notes).map((text) => MARGIN + paint('dim', text));
  return [paint('dim', line(head)), rule, ...rows.map(line), rule, ...kinds];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
const ANSI = /\u001b\[\d+m/g;

function errorCell(errors: ErrorCounts, paint: Paint, style: 'red' | 'yellow'): string {
  const sum = total(errors);
  return sum === 0 ? '0' : paint(style, count(sum));
}

/** What the errors of a step were. */
function notes({ readerErrors, writerErrors, unavailable }: StepResult, index: number): string[] {
  const parts = [
    ['readers', errorList(readerErrors)],
    ['writers, outcome unknown', errorList(writerErrors)],
    ['both, as all are down', errorList(unavailable)],
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
