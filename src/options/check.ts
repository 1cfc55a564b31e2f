import type { InvalidOptionError } from '../errors.js';
import {
  anyObject,
  invalid,
  join,
  LONGEST_NAME,
  unknownOption,
  type Values,
} from '../validation/check.js';
import { DEFAULTS, type OptionName } from './defaults.js';
import type { OptionEntry } from './option-entry.js';

/** Prefix of a group of options in the table of defaults. */
export type Section =
  | ''
  | 'databases[]'
  | 'databases[].pool'
  | 'commandRetry'
  | 'commandRetry.budget'
  | 'failureDetector'
  | 'hedging'
  | 'healthCheck';

/** node-redis options that are often put one level too high. */
const CLIENT_OPTIONS = [
  'url',
  'socket',
  'username',
  'password',
  'credentialsProvider',
  'database',
  'name',
  'RESP',
  'modules',
  'scripts',
  'functions',
  'keyPrefix',
  'commandOptions',
];

/** An object whose names are all options of `section`; `at` is its path, '' for the root. */
export function optionsObject(value: unknown, section: Section, at: string): Values {
  const values = anyObject(value, at === '' ? 'options' : at);
  const known = namesIn(section);
  for (const [name, value] of Object.entries(values)) {
    if (known.includes(name)) continue;
    throw unknownName(at, name, suggestion(name, value, section, known), known);
  }
  return values;
}

/** The error for a name that is none of `known`; `meant` is the one that was probably meant. */
export function unknownName(
  at: string,
  name: string,
  meant: string | undefined,
  known: readonly string[],
): InvalidOptionError {
  const expected = meant === undefined ? `one of ${known.join(', ')}` : `did you mean ${meant}`;
  return unknownOption(at, name, expected);
}

/** The validated value of one option in `values`, or its default. */
export function read<K extends OptionName>(
  values: Values,
  option: K,
  at: string,
): (typeof DEFAULTS)[K]['default'] {
  const name = option.slice(option.lastIndexOf('.') + 1);
  const value = values[name];
  return value === undefined
    ? DEFAULTS[option].default
    : checkOption(option, value, join(at, name));
}

/**
 * Returns `value` if the option accepts it; throws `InvalidOptionError` otherwise. For values that
 * are passed to a method, such as a new weight.
 */
export function checkOption<K extends OptionName>(
  option: K,
  value: unknown,
  at: string = option,
): (typeof DEFAULTS)[K]['default'] {
  const { rule, range }: OptionEntry<(typeof DEFAULTS)[K]['default']> = DEFAULTS[option] as never;
  if (!rule.accepts(value)) throw invalid(at, range, value);
  return value;
}

/** `commandRetry` and `databases` in the root; `weight` in `databases[]`. */
export function namesIn(section: Section): readonly string[] {
  const names = new Set<string>();
  for (const option of Object.keys(DEFAULTS)) {
    const [first = ''] = option.split('.');
    if (section === '') names.add(first.replace('[]', ''));
    else if (option.startsWith(`${section}.`)) {
      names.add(option.slice(section.length + 1).split('.')[0] as string);
    }
  }
  return [...names];
}

/** The probably intended option: one of another place, or one with a similar spelling. */
export function suggestion(
  name: string,
  value: unknown,
  section: Section,
  known: readonly string[],
): string | undefined {
  // The databases, and not the number of one.
  if (section === '' && name === 'database' && Array.isArray(value)) return 'databases';
  if ((section === '' || section === 'databases[]') && CLIENT_OPTIONS.includes(name)) {
    return section === '' ? `client.${name} or databases[].client.${name}` : `client.${name}`;
  }
  const elsewhere = Object.keys(DEFAULTS).find((option) => {
    return option.endsWith(`.${name}`) || option === name;
  });
  return elsewhere ?? nearestName(name, known);
}

/** The one of `known` whose spelling is similar; `undefined` if there is none. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const candidates = known.map((other) => ({ other, distance: distanceOf(name, other) }));
  candidates.sort((a, b) => a.distance - b.distance);
  const best = candidates[0];
  const tolerated = Math.max(2, Math.floor(name.length / 4));
  return best !== undefined && best.distance <= tolerated ? best.other : undefined;
}

/** Levenshtein distance, ignoring case. */
export function distanceOf(a: string, b: string): number {
  const from = a.toLowerCase();
  const to = b.toLowerCase();
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[to.length] ?? 0;
}
