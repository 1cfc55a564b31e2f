import { inspect } from 'node:util';

/** A secret, and the name that it belongs to. */
export interface Secret {
  readonly text: string;
  readonly username?: string | undefined;
}

/** A form that is longer is looked for by its beginning. */
export const LONGEST_FORM = 4096;

/**
 * A secret in every form in which a text may show it: as it is, in a URL, in JSON, quoted as Redis
 * and Node.js quote, on one line, and in base64 with and without its user.
 */
export function formsOf({ text, username }: Secret): ReadonlySet<string> {
  const forms = new Set<string>();
  if (isNoSecret(text)) return forms;
  for (const plain of new Set([text, decoded(text)])) {
    const encoded = urlForms(plain);
    const quoted = [JSON.stringify(plain).slice(1, -1), inspect(plain).slice(1, -1)];
    for (const form of [plain, ...encoded, ...quoted, redisQuoted(plain), oneLine(plain)])
      forms.add(form);
    const names = new Set(['', 'default', username ?? '']);
    for (const pair of [plain, ...[...names].map((name) => `${name}:${plain}`)]) {
      const bytes = Buffer.from(pair);
      forms.add(bytes.toString('base64').replace(/=+$/, '')).add(bytes.toString('base64url'));
    }
  }
  const bounded = [...forms].map((form) => form.slice(0, LONGEST_FORM));
  return new Set(bounded.filter((form) => !isNoSecret(form)));
}

/** Nothing, and what a mask consists of. */
export function isNoSecret(text: string): boolean {
  return /^[\s*]*$/.test(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function urlForms(text: string): string[] {
  const url = new URL('redis://host');
  url.password = text;
  return [url.password, component(text)].flatMap((form) => [
    form,
    form.replace(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase()),
  ]);
}

function component(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half a surrogate pair can't be encoded.
    return text;
  }
}

const REDIS_ESCAPES = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/** As MONITOR, SLOWLOG and some errors write an argument. */
function redisQuoted(text: string): string {
  let quoted = '';
  for (const byte of Buffer.from(text)) {
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    const plain = isPrintable
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`;
    quoted += REDIS_ESCAPES.get(byte) ?? plain;
  }
  return quoted;
}

/** A server replaces line breaks in the text of an error. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}
