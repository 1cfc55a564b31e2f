import { LONGEST_TEXT } from '../clean-text.js';
import { isMultiDbError } from '../errors.js';
import { isError } from '../is-error.js';
import { processState } from '../process-state.js';
import { foreignText } from './foreign-text.js';
import { isOwnError } from './own-error.js';

/** Longer chains of causes, and more errors in an `AggregateError`, are cut. */
const DEEPEST = 5;
const MOST_ERRORS = 5;
const MOST_FRAMES = 50;
/** What stands in a stack before the message: the name, and a code. */
const LONGEST_HEAD = 200;

/**
 * What was thrown outside of this library, as an error that may be kept and shown: each of its
 * texts is a `foreignText`, and it holds nothing but texts, numbers and its causes. That is the
 * error itself where it is like that already, otherwise a copy of the same class. Errors of this
 * library (`MultiDbError`, `ownError`) are returned as they are.
 */
export function foreignError(thrown: unknown): Error {
  try {
    return harmless(thrown, 0);
  } catch {
    return new Error('an error that cannot be read');
  }
}

/**
 * Beside the errors rather than on them: these are words of this library, in which no secret can
 * stand, and a word that is masked because a password is the same word would tell the password.
 */
const diagnoses = processState('diagnoses@1', () => new WeakMap<object, string>());

/** `error`, of which `words` of this library say what it means. */
export function withDiagnosis<E extends Error>(error: E, words: string): E {
  diagnoses.set(error, words);
  return error;
}

/** What `error` was found to mean. */
export function diagnosisOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null ? diagnoses.get(error) : undefined;
}

/** Returns the message of a thrown value, or its diagnosis, as a `foreignText`. */
export function foreignReason(thrown: unknown): string {
  const error = foreignError(thrown);
  // A refused connection to a name with several addresses is an AggregateError without a message.
  const first = (error as Partial<AggregateError>).errors?.[0];
  const diagnosis = diagnosisOf(error);
  if (diagnosis !== undefined) return diagnosis;
  return error.message || (isError(first) ? first.message : '') || error.name;
}

function harmless(thrown: unknown, depth: number): Error {
  if (isMultiDbError(thrown) || isOwnError(thrown)) return thrown;
  if (!isError(thrown)) return new Error(foreignText(textOf(thrown)));
  if (thrown instanceof DOMException) {
    return foreignText(thrown.message) === thrown.message ? thrown : ofDom(thrown);
  }
  const fields = new Map<string, unknown>();
  let isFit = true;
  for (const name of Object.getOwnPropertyNames(thrown)) {
    const value = Reflect.get(thrown, name) as unknown;
    const kept = fieldOf(thrown, name, value, depth);
    if (kept !== undefined) fields.set(name, kept);
    if (!isSame(kept, value)) isFit = false;
  }
  return isFit && Object.getOwnPropertySymbols(thrown).every((key) => isHarmless(thrown, key))
    ? thrown
    : copyOf(thrown, fields);
}

function fieldOf(error: Error, name: string, value: unknown, depth: number): unknown {
  switch (name) {
    case 'stack':
      return typeof value === 'string' ? foreignStack(error, value) : undefined;
    case 'cause':
      if (value === undefined || depth >= DEEPEST) return undefined;
      return harmless(value, depth + 1);
    case 'errors':
      if (!Array.isArray(value) || depth >= DEEPEST) return undefined;
      return value.slice(0, MOST_ERRORS).map((each) => harmless(each, depth + 1));
  }
  if (typeof value === 'string') return foreignText(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** The message as it is now, and the lines that name functions. */
function foreignStack({ name, message }: Error, stack: string): string {
  const at = message === '' ? stack.search(/\n|$/) : stack.indexOf(message);
  // Of a message that was changed later it is not known where the frames begin.
  if (at < 0 || at > LONGEST_HEAD) return `${foreignText(name)}: ${foreignText(message)}`;
  const from = at + message.length;
  const frames = stack.slice(from, from + MOST_FRAMES * LONGEST_TEXT).split('\n');
  const shown = frames.filter((line) => /^ {4}at /.test(line)).slice(0, MOST_FRAMES);
  const head = foreignText(stack.slice(0, at)) + foreignText(message);
  return [head, ...shown.map((line) => foreignText(line))].join('\n');
}

function isSame(kept: unknown, value: unknown): boolean {
  if (!Array.isArray(kept) || !Array.isArray(value)) return kept === value;
  return kept.length === value.length && kept.every((each, index) => each === value[index]);
}

/** Node.js marks errors with symbols; what a program hangs on one by a symbol is not known. */
function isHarmless(error: Error, key: symbol): boolean {
  const value = Reflect.get(error, key) as unknown;
  return typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'string';
}

/** Its message and name belong to no copy. */
function ofDom({ name, message }: DOMException): Error {
  return Object.assign(new Error(foreignText(message)), { name: foreignText(name) });
}

function copyOf(error: Error, fields: ReadonlyMap<string, unknown>): Error {
  const copy = new Error();
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
  for (const name of ['stack', 'message']) Reflect.deleteProperty(copy, name);
  for (const [name, value] of fields) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, name);
    Object.defineProperty(copy, name, { value, enumerable, writable: true, configurable: true });
  }
  // node-redis's errors of replies have none.
  if (!fields.has('stack'))
    Object.defineProperty(copy, 'stack', { value: undefined, writable: true, configurable: true });
  return copy;
}

/** Of anything: also of what can't be made a string. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'a value that is not an Error';
  }
}
