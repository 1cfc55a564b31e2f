/** Numbers and counts as people read them, the same in the terminal and in the report. */
import type { ErrorCounts } from './model.js';

/** `12 345`, with narrow no-break spaces. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `1 error`, `12 345 errors`; `several` where an s is not enough: `1 reply`, `2 replies`. */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${count(value)} ${Math.round(value) === 1 ? one : several}`;
}

/** `0.31 ms`, `4.2 ms`, `812 ms`, `5.1 s`; `–` when it is not known. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Moment of the run: `12.4 s`. */
export function moment(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function total(errors: ErrorCounts): number {
  return Object.values(errors).reduce((sum, each) => sum + each, 0);
}

/** `12 CONNECTION_LOST, 3 COMMAND_TIMEOUT`, the most frequent first; empty without errors. */
export function errorList(errors: ErrorCounts): string {
  return Object.entries(errors)
    .sort((a, b) => b[1] - a[1])
    .map(([kind, times]) => `${count(times)} ${kind}`)
    .join(', ');
}

/** `no database` stands for none. */
export function name(database: string | undefined): string {
  return database ?? 'no database';
}

/** How many violations of one kind are spelled out. */
const SHOWN = 5;

/** The first violations, and how many more there are. */
export function shortened(violations: readonly string[]): string[] {
  if (violations.length <= SHOWN) return [...violations];
  const more = `and ${count(violations.length - SHOWN)} more`;
  return [...violations.slice(0, SHOWN), more];
}

/** With a capital at its beginning. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
