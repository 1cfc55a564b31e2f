import { anyObject, invalid, unknownOption, type Values } from '../validation/check.js';
import type { Rule } from '../validation/rules.js';

/**
 * Reads the options object of one strategy. Errors name the option as `LagAwareStrategy.restUrl`,
 * what it accepts, and what it was given.
 */
export class StrategyOptions {
  readonly #values: Values;

  /** Throws `InvalidOptionError` unless `given` is `undefined` or an object with known names. */
  constructor(
    given: unknown,
    private readonly at: string,
    known: readonly string[],
    /** Of these an error does not show what was given. */
    private readonly secret: readonly string[] = [],
  ) {
    this.#values = given === undefined ? {} : anyObject(given, at);
    for (const name of Object.keys(this.#values)) {
      if (known.includes(name)) continue;
      throw unknownOption(at, name, `one of ${known.join(', ')}`);
    }
  }

  /** The value, when `rule` accepts it; `byDefault` when it is `undefined`. */
  read<T, D extends T | undefined>(name: string, rule: Rule<T>, byDefault: D): T | D {
    const value = this.#values[name];
    if (value === undefined) return byDefault;
    if (!rule.accepts(value)) throw this.invalid(name, rule.range);
    return value;
  }

  /** As it was given, for values that need a closer look. */
  get(name: string): unknown {
    return this.#values[name];
  }

  invalid(name: string, expected: string): Error {
    const received = this.#values[name];
    const isShown = !this.secret.includes(name) || received === undefined || received === '';
    const shown = isShown || typeof received === 'object' ? received : '***';
    return invalid(`${this.at}.${name}`, expected, shown);
  }
}
