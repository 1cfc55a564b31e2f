import { anyObject, invalid, unknownOption, type Values } from '../validation/check.js';
import { duration } from '../validation/rules.js';

/** The options of a source; throws `InvalidOptionError` for names that are none of `known`. */
export function sourceOptions(given: unknown, known: readonly string[], at: string): Values {
  const values = anyObject(given, at);
  for (const name of Object.keys(values)) {
    if (!known.includes(name)) throw unknownOption('', name, `one of ${known.join(', ')}`);
  }
  return values;
}

export function requiredText(value: unknown, at: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(at, 'a non-empty string', value);
}

export function optionalText(value: unknown, at: string): string | undefined {
  return value === undefined ? undefined : requiredText(value, at);
}

export function milliseconds(value: unknown, at: string, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (duration.accepts(value)) return value;
  throw invalid(at, duration.range, value);
}

/** Between 80 and 120 percent, so that a fleet does not read at the same moment. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.8 + 0.4 * random());
}
