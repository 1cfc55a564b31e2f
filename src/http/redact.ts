import { cleanText } from '../clean-text.js';

/**
 * Redaction of texts that leave the process: no credentials, no full URLs, no control characters,
 * bounded length.
 */

const MAX_LENGTH = 1000;
/** A text is cut again after credentials were taken out, which are found by what follows them. */
const LONGEST_LOOK = 16_384;
/** A password may contain every character but white space. */
const WITH_SCHEME = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)(\S+)/gi;
const URL_LIKE = /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'`<>]+/gi;
const TOKEN = /[^\s"'`<>()[\]{},;=]+/g;
/** Who published a steering document, in the words of this library. */
const AUTHOR_NEXT = /\bversion \d{1,16} by $/;
const LONGEST_AUTHOR_LEAD = 30;
/** `user@host` or a mail address: no password. */
const PERSON = /^[\w.+-]{1,100}@[\w.-]{1,100}$/;
const ADDRESS = /^([\w.-]+|\[[\da-f:.%]+\])(:\d+)?$/i;

/**
 * `text` with every URL shortened to its `host:port` and everything in front of an `@` left out, at
 * most 1000 characters long. Linear. Secrets without an `@` were masked where a foreign text entered
 * (`foreignText`): in words of this library there are none.
 */
export function redact(text: string): string {
  const clean = cleanText(text, LONGEST_LOOK)
    .replace(WITH_SCHEME, (_, scheme, rest) => scheme + rest.slice(rest.lastIndexOf('@') + 1))
    .replace(URL_LIKE, addressOf)
    .replace(TOKEN, (token, at: number, whole: string) => {
      const lead = whole.slice(Math.max(0, at - LONGEST_AUTHOR_LEAD), at);
      if (PERSON.test(token) && AUTHOR_NEXT.test(lead)) return token;
      return token.slice(token.lastIndexOf('@') + 1);
    });
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH - 3)}...` : clean;
}

/** Who published a document: `user@host` stays as it is. */
export function redactAuthor(by: string): string {
  return PERSON.test(by) ? by : redact(by);
}

/** The address in a URL; anything else is not shown, because it may be a password. */
function addressOf(url: string): string {
  const afterScheme = url.slice(url.indexOf('://') + 3);
  const authority = afterScheme.slice(afterScheme.lastIndexOf('@') + 1);
  const address = authority.split(/[/?#]/, 1)[0]?.replace(/[,;:.)]{1,10}$/, '') ?? '';
  return ADDRESS.test(address) ? address : '[address]';
}
