import { cleanText, LONGEST_TEXT } from '../clean-text.js';
import { maskSecrets } from './held-secrets.js';
import { LONGEST_FORM } from './secret-forms.js';

/** Nothing beyond is looked at: a server may send an error of any length. */
const LONGEST_LOOK = 4 * LONGEST_FORM;

/** A server that does not know a command repeats its arguments, and so the password of HELLO. */
const ARGUMENTS = /\bwith\s{1,9}(?:the\s{1,9})?arg(?:ument)?s\b/i;

/**
 * A text that a server, a library or the operating system wrote, as it may enter ours: without
 * repeated arguments of commands, with secrets masked, on one line without control characters, and
 * at most `maxLength` characters long. Idempotent; the time is bounded however long `text` is.
 */
export function foreignText(text: string, maxLength = LONGEST_TEXT): string {
  const isLong = text.length > LONGEST_LOOK;
  const masked = maskSecrets(withoutArguments(isLong ? text.slice(0, LONGEST_LOOK) : text));
  // Half a secret may stand at the end of what was looked at.
  const safe = isLong ? `${masked.slice(0, -LONGEST_FORM)}...` : masked;
  return cleanText(safe, maxLength);
}

function withoutArguments(text: string): string {
  const at = text.search(ARGUMENTS);
  return at < 0 ? text : text.slice(0, at).trimEnd().replace(/[,;]$/, '');
}
