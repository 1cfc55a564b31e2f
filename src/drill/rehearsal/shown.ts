import { DEFAULTS, type OptionName } from '../../options/defaults.js';
import type { Setting } from '../report/model.js';

/** Options that are always shown, because they decide how fast a silent server is left. */
const ALWAYS: readonly OptionName[] = [
  'suspectAfterMs',
  'healthCheck.timeoutMs',
  'commandTimeoutMs',
];

/** Options that differ from their defaults, and those that matter anyway, with both values. */
export function shownSettings(options: Readonly<Record<string, unknown>>): Setting[] {
  const given = new Map(flat(options));
  for (const name of ALWAYS) if (!given.has(name)) given.set(name, DEFAULTS[name].default);
  return (Object.keys(DEFAULTS) as OptionName[]).flatMap((name) => {
    const value = given.get(name);
    const byDefault = DEFAULTS[name].default;
    if (value === undefined || (value === byDefault && !ALWAYS.includes(name))) return [];
    return [{ name, value: String(value), defaultValue: String(byDefault ?? 'not set') }];
  });
}

/** Texts, numbers and flags, by their paths; of several health checks the first. */
function flat(values: Readonly<Record<string, unknown>>, at = ''): [string, unknown][] {
  return Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    if (at === '' && (name === 'databases' || name === 'client')) return [];
    const first = Array.isArray(value) ? value[0] : value;
    if (typeof first === 'object' && first !== null) {
      return at === '' ? flat(first as Record<string, unknown>, `${name}.`) : [];
    }
    return typeof first === 'function' ? [] : [[`${at}${name}`, first]];
  });
}
