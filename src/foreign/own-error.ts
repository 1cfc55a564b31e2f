import { isError } from '../is-error.js';
import { processState } from '../process-state.js';

const own = processState('own-errors@1', () => new WeakSet<Error>());

/**
 * An error in words of this library, which passes `foreignError` unchanged: a password that is
 * `answer` must not be masked in "no answer within 1000 ms". Foreign texts in `message`, and the
 * `cause`, have to be a `foreignText` and a `foreignError` already.
 */
export function ownError(message: string, options?: { readonly cause?: Error | undefined }): Error {
  const error = options?.cause === undefined ? new Error(message) : new Error(message, options);
  own.add(error);
  return error;
}

export function isOwnError(value: unknown): value is Error {
  return isError(value) && own.has(value);
}
