import { processState } from '../process-state.js';
import { formsOf, isNoSecret, LONGEST_FORM, type Secret } from './secret-forms.js';

/** Of one owner the newest secrets; a provider that gives another one every hour gives many. */
const MOST_PER_OWNER = 32;
/** Secrets of fewer characters are masked as whole words only. */
const WORD_BELOW = 8;
const MASK = '***';

/** Forms by secret, the oldest first. */
type Book = Map<string, ReadonlySet<string>>;

interface Held {
  /** By owner. A book lives exactly as long as its owner. */
  readonly books: WeakMap<object, Book>;
  readonly living: Set<WeakRef<Book>>;
  /** Of all living books; `undefined`: to be made when a text comes. */
  pattern: RegExp | undefined;
}

const held = processState<Held>('held-secrets@1', () => ({
  books: new WeakMap(),
  living: new Set(),
  pattern: undefined,
}));
const { books, living } = held;
/** Per copy: each book is registered once, by the copy that made it. */
const ended = new FinalizationRegistry<WeakRef<Book>>((reference) => {
  living.delete(reference);
  held.pattern = undefined;
});

/**
 * Has `maskSecrets` mask `secrets` for as long as `owner` is alive. Of each owner the 32 secrets
 * given last are kept, and of a long secret the first 4096 characters.
 */
export function holdSecrets(owner: object, secrets: Iterable<Secret>): void {
  for (const secret of secrets) {
    const { text, username } = secret;
    if (isNoSecret(text)) continue;
    const book = bookOf(owner);
    const key = `${username ?? ''}\n${text}`;
    if (book.has(key)) continue;
    book.set(key, formsOf(secret));
    if (book.size > MOST_PER_OWNER) book.delete(book.keys().next().value as string);
    held.pattern = undefined;
  }
}

/** Returns `text` with every held secret, in any of its forms, replaced by `***`. */
export function maskSecrets(text: string): string {
  if (living.size === 0) return text;
  held.pattern ??= patternOf(living);
  return text.replace(held.pattern, MASK);
}

function bookOf(owner: object): Book {
  let book = books.get(owner);
  if (book === undefined) {
    book = new Map();
    books.set(owner, book);
    const reference = new WeakRef(book);
    living.add(reference);
    ended.register(book, reference);
  }
  return book;
}

/** The longest first, so that no form hides a longer one that begins like it. */
function patternOf(references: Iterable<WeakRef<Book>>): RegExp {
  const forms = new Set<string>();
  for (const reference of references) {
    for (const each of reference.deref()?.values() ?? []) for (const form of each) forms.add(form);
  }
  const sorted = [...forms].sort((one, other) => other.length - one.length);
  return new RegExp(sorted.map(branch).join('|') || '(?!)', 'gu');
}

function branch(form: string): string {
  const escaped = form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  // What follows the beginning of a long secret belongs to it.
  if (form.length >= LONGEST_FORM) return `${escaped}[^\\s"'\`]*`;
  if (form.length >= WORD_BELOW) return escaped;
  return `${boundary('<!', form[0])}${escaped}${boundary('!', form.at(-1))}`;
}

/** The end of a word: `$3` and `abc` are two words in `$3abc`. */
function boundary(look: string, character = ''): string {
  if (/\p{L}/u.test(character)) return `(?${look}\\p{L})`;
  return /\p{N}/u.test(character) ? `(?${look}\\p{N})` : '';
}
