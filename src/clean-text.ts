/**
 * Text that comes from a server, a library or the operating system, made fit to be shown: one line,
 * without characters that act on a terminal or forge a line of a log, and bounded.
 */

/** The longest cause or message that is kept, in UTF-16 code units. */
export const LONGEST_TEXT = 1000;

/**
 * Line and paragraph separators, and the marks that change the direction of text: for a character
 * class of a regular expression.
 */
export const ACTING_MARKS = '\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';

/** These marks, and control characters (C0, DEL, C1). */
const ACTING = new RegExp(`[\\p{Cc}${ACTING_MARKS}\\ufeff]+`, 'gu');

/**
 * `text` with each run of acting characters replaced by one space, at most `maxLength` code units
 * long. Linear in `maxLength`, however long the text is.
 */
export function cleanText(text: string, maxLength = LONGEST_TEXT): string {
  const kept = text.length > maxLength ? `${text.slice(0, maxLength - 3)}...` : text;
  return kept.replace(ACTING, ' ');
}
