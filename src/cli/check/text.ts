/** Formats the report of `check` as text. */
import { type Paint, padEnd, type Style, wrap } from '../../terminal.js';
import type { CheckReport, DatabaseReport, Finding, Level } from './report.js';

const MARKS: Readonly<Record<Level, readonly [string, Style]>> = {
  ok: ['✓', 'green'],
  note: ['·', 'cyan'],
  warning: ['!', 'yellow'],
  problem: ['✗', 'red'],
  skipped: ['–', 'dim'],
};
/** Width of the column of checks. Option names are longer and get a line of their own. */
const CHECK_COLUMNS = 15;
const INDENT = 4;

export function checkText(report: CheckReport, paint: Paint, columns: number): string[] {
  const width = Math.min(columns, 110);
  const list = (findings: readonly Finding[]) =>
    findings.flatMap((each) => line(each, paint, width));
  const part = (title: string, findings: readonly Finding[]) =>
    findings.length === 0 ? [] : ['', `  ${paint('bold', title)}`, ...list(findings)];
  return [
    ...report.databases.flatMap((database) => [
      '',
      heading(database, paint),
      ...list(database.findings),
    ]),
    ...part('between them', report.between),
    ...part('options', report.options),
    '',
    `  ${verdict(report, paint)}`,
    '',
  ];
}

function heading({ id, address, topology, weight }: DatabaseReport, paint: Paint): string {
  const parts = [
    ...(id === address ? [] : [address]),
    ...(topology === 'client' ? [] : [topology]),
    `weight ${weight}`,
  ];
  return `  ${paint('bold', id)}  ${paint('dim', parts.join(' · '))}`;
}

function line({ check, level, text }: Finding, paint: Paint, width: number): string[] {
  const [mark, style] = MARKS[level];
  const indent = ' '.repeat(INDENT);
  const room = Math.max(30, width - INDENT - 3 - CHECK_COLUMNS);
  const shown = level === 'skipped' ? (each: string) => paint('dim', each) : (each: string) => each;
  const head = `${indent}${paint(style, mark)}  `;
  const lines = wrap(text, room).map(shown);
  const rest = (each: string) => `${indent}${' '.repeat(3 + CHECK_COLUMNS)}${each}`;
  const [first = '', ...others] = lines;
  if (check.length >= CHECK_COLUMNS) return [`${head}${paint('dim', check)}`, ...lines.map(rest)];
  return [`${head}${paint('dim', padEnd(check, CHECK_COLUMNS))}${first}`, ...others.map(rest)];
}

function verdict({ ok, counts }: CheckReport, paint: Paint): string {
  const { problem, warning, note, skipped } = counts;
  const several = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
  const parts = [several(problem, 'problem'), several(warning, 'warning'), several(note, 'note')];
  const text = skipped > 0 ? [...parts, `${skipped} skipped`] : parts;
  const words = text.join(', ');
  return ok
    ? `${paint('green', problem + warning === 0 ? 'Fine' : 'Works')}: ${words}.`
    : `${paint('red', 'Not fine')}: ${words}.`;
}
