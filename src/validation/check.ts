import { InvalidOptionError } from '../errors.js';

export type Values = Readonly<Record<string, unknown>>;

/** The error for a value that is not what the option expects; hides what a URL may carry. */
export function invalid(at: string, expected: string, received: unknown): InvalidOptionError {
  return new InvalidOptionError(at, expected, withoutCredentials(received));
}

/** `user:password@` in front of a host, whatever stands in it. */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('@')) return value;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0] ?? '';
  return `${scheme}***@${value.slice(value.lastIndexOf('@') + 1)}`;
}

export function anyObject(value: unknown, at: string, expected = 'an object'): Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(at, expected, value);
  }
  return value as Values;
}

export function join(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`;
}
