import { cleanText } from '../clean-text.js';
import { InvalidOptionError } from '../errors.js';
import { withoutCredentials } from '../received-value.js';

export type Values = Readonly<Record<string, unknown>>;

/** Of a name that is no option this much is shown, and compared with the names that there are. */
export const LONGEST_NAME = 60;

/** The error for a value that is not what the option expects. */
export function invalid(at: string, expected: string, received: unknown): InvalidOptionError {
  return new InvalidOptionError(at, expected, received);
}

/** The error for a name that is no option. A URL may have been given in place of a name. */
export function unknownOption(at: string, name: string, expected: string): InvalidOptionError {
  const plain = plainName(name);
  return invalid(join(at, plain), `a known option (${expected})`, plain);
}

/** A name that was given, as an error may show it. */
export function plainName(name: string): string {
  return cleanText(withoutCredentials(name), LONGEST_NAME);
}

export function anyObject(value: unknown, at: string, expected = 'an object'): Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    // A connection string of any kind may hold a password.
    throw invalid(at, expected, typeof value === 'string' ? 'a string' : value);
  }
  return value as Values;
}

export function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
