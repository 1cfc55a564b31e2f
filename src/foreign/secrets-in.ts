import type { Secret } from './secret-forms.js';

const SECRET_NAME = /(password|passphrase|secret|token|authorization)$/i;
/** Everything between the scheme and the last `@`, as far as it is a password. */
const USER_INFO = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i;
const DEEPEST = 6;

/** The secrets that stand in options: by their names, and in URLs. */
export function secretsIn(options: unknown, depth = 0): Secret[] {
  if (typeof options === 'string') return secretsInUrl(options);
  if (options instanceof URL) return secretsInUrl(options.href);
  if (typeof options !== 'object' || options === null || depth > DEEPEST) return [];
  if (Buffer.isBuffer(options)) return [];
  const { username } = options as { readonly username?: unknown };
  return Object.entries(options).flatMap(([name, value]) => {
    const isSecret =
      SECRET_NAME.test(name) && (typeof value === 'string' || Buffer.isBuffer(value));
    if (!isSecret) return secretsIn(value, depth + 1);
    return [{ text: String(value), username: typeof username === 'string' ? username : undefined }];
  });
}

function secretsInUrl(text: string): Secret[] {
  const found = USER_INFO.exec(text)?.[1];
  if (found === undefined) return [];
  const colon = found.indexOf(':');
  if (colon < 0) return [];
  return [{ text: found.slice(colon + 1), username: found.slice(0, colon) }];
}
