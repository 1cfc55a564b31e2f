/** Numbers, durations and lists from the command line. */
import { InvalidArgumentError } from 'commander';
import { MAX_TIMER_MS } from '../validation/rules.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Parses a duration of more than 0: `500`, `500ms`, `30s`, `10m`, `1h`. */
export function milliseconds(text: string): number {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (ms >= 1 && ms <= MAX_TIMER_MS) return ms;
  throw new InvalidArgumentError('Expected a duration such as 500, 500ms, 30s, 10m or 1h.');
}

/** Writes a duration as `milliseconds()` reads it: `500ms`, `30s`, `1m`. */
export function durationArgument(ms: number): string {
  const [unit, factor] = Object.entries(UNITS)
    .reverse()
    .find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / factor}${unit}`;
}

export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
