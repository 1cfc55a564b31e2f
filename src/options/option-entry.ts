import { type Rule, shape } from '../validation/rules.js';

/** One option: its default, its documentation, and what it accepts. */
export interface OptionEntry<T> {
  /** The value that holds without the option. */
  readonly default: T;
  /** What the option does. */
  readonly meaning: string;
  /** The values that are accepted, in words. */
  readonly range: string;
  /** What validation asks. @internal */
  readonly rule: Rule<T>;
  /** The default as the documentation shows it; `undefined` to show the value itself. */
  readonly shownDefault: string | undefined;
}

export function option<T>(value: T, rule: Rule<T>, meaning: string, shownDefault?: string) {
  const entry: OptionEntry<T> = { default: value, meaning, range: rule.range, rule, shownDefault };
  return Object.freeze(entry);
}

/** An option without a default value; `shownDefault` documents the behaviour without it. */
export function shaped(range: string, meaning: string, shownDefault = '') {
  return option<undefined>(undefined, shape(range), meaning, shownDefault);
}
