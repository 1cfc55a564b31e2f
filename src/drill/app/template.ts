/** The command line of an application, with placeholders for databases and ports. */

import { cleanText } from '../../clean-text.js';
import { redact } from '../../http/redact.js';

/** Values of the placeholders `{name}`. */
export type Places = ReadonlyMap<string, string>;

/**
 * Splits as a shell does, without being one: words at spaces, quotes, and a backslash before a
 * character. Undefined when a quote is not closed.
 */
export function words(text: string): string[] | undefined {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quote === "'" && character !== "'") word += character;
    else if (character === '\\' && at + 1 < text.length) word = (word ?? '') + text[++at];
    else if (character === quote) quote = '';
    else if (quote !== '') word += character;
    else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '') return undefined;
  return word === undefined ? found : [...found, word];
}

const PLACE = /\{([^{}\s]+)\}/g;

/** Fills in known placeholders; others stay as they are. */
export function filled(text: string, places: Places): string {
  return text.replace(PLACE, (whole, name: string) => places.get(name) ?? whole);
}

/** `EAST_URL` for `east`, `US_EAST_1_URL` for `us-east-1`. */
export function variableOf(id: string): string {
  return `${id.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()}_URL`;
}

const SECRET_ARGUMENT =
  /((?:pass(?:word|wd|phrase)?|pwd|token|secret|key|auth(?:orization)?)["']?)([=:]\s*|\s+)(["']?)[^\s"']+/gi;

/** A command line for a report: no URL, no value that looks like a secret by its name. */
export function shownCommand(text: string): string {
  return cleanText(redact(text.replace(SECRET_ARGUMENT, '$1$2$3***')));
}

/** The URL of a request for a report: of its query only names and numbers. */
export function shownUrl(url: string): string {
  const [path = '', query] = url.split(/\?(.*)/s, 2);
  if (query === undefined) return cleanText(path);
  const shown = query.replace(/=([^&]*)/g, (whole, value) =>
    /^(\d|\{\w+\})*$/.test(value) ? whole : '=***',
  );
  return cleanText(`${path}?${shown}`);
}
