/** Values and names that were given, as an error may show them: it may end up in a log. */
import { cleanText } from './clean-text.js';

const LONGEST_RECEIVED = 60;
const LONGEST_PATH = 300;
/** Options whose value is a secret, or may be one. */
const SECRET_OPTION = /(password|passphrase|secret|token|credentials|key|pfx)$/i;

/**
 * What was given for `option`: itself when it is a number, a boolean, null, undefined or a short
 * text without credentials, otherwise what it is in words.
 */
export function shownValue(value: unknown, option = ''): unknown {
  const isEmpty = value === undefined || value === null || value === '';
  if (!isEmpty && typeof value !== 'object' && SECRET_OPTION.test(option)) return '***';
  switch (typeof value) {
    case 'string':
      return cleanText(withoutCredentials(value), LONGEST_RECEIVED);
    case 'function':
      return `a function${value.name ? ` (${cleanText(value.name, LONGEST_RECEIVED)})` : ''}`;
    case 'object':
      if (value === null) return value;
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
    case 'symbol':
    case 'bigint':
      // JSON knows neither.
      return `a ${typeof value}`;
    default:
      return value;
  }
}

/** The path of an option. The names in it may have been given as well. */
export function shownPath(path: string): string {
  return cleanText(path, LONGEST_PATH);
}

/**
 * A text without what may be a password: what stands in front of an `@`, and of a URL without one
 * everything after the scheme, because `redis://:password` is a URL whose host was forgotten.
 */
export function withoutCredentials(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]{0,30}:\/\//i.exec(text)?.[0];
  const at = text.lastIndexOf('@');
  if (at >= 0) return `${scheme ?? ''}***@${text.slice(at + 1)}`;
  return scheme === undefined ? text : `${scheme}***`;
}
