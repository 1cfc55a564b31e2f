import type { Secret } from './secret-forms.js';

const SECRET_HEADER = /auth|cookie|credential|key|pass|secret|session|signature|token/i;

/** The secrets in the value of a header of a request: all of it, and its parts. */
export function secretsInHeader(name: string, value: string): Secret[] {
  if (!SECRET_HEADER.test(name) || value === '') return [];
  if (/cookie/i.test(name)) {
    return [value, ...value.split(';').map((part) => part.slice(part.indexOf('=') + 1))].map(
      (text) => ({ text: text.trim() }),
    );
  }
  const [, scheme = '', credentials] = /^(\S+)[ \t]+(\S.*)$/.exec(value) ?? [];
  if (credentials === undefined) return [{ text: value }];
  const secrets = [{ text: value }, { text: credentials }];
  if (scheme.toLowerCase() !== 'basic') return secrets;
  const pair = Buffer.from(credentials, 'base64').toString();
  const colon = pair.indexOf(':');
  const password = { text: pair.slice(colon + 1), username: pair.slice(0, Math.max(0, colon)) };
  return [...secrets, password];
}
