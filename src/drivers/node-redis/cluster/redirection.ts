import * as library from '@redis/client';
import { isError } from '../../../is-error.js';

/** Version 5 has no such error class: it rejects with the last redirection. */
const { MaxCommandRedirectionsError } = library as {
  readonly MaxCommandRedirectionsError?: new (cause?: Error) => Error;
};

/** `MOVED` and `ASK` prove that the node did not execute what it was sent. */
export function isRedirection(error: unknown): error is Error {
  return isError(error) && /^(MOVED|ASK) /.test(error.message);
}

export function isMoved(error: unknown): error is Error {
  return isError(error) && error.message.startsWith('MOVED ');
}

/** More than `maxCommandRedirections` redirections: no node executed the command. */
export function isRedirectedTooOften(error: unknown): boolean {
  return MaxCommandRedirectionsError !== undefined && error instanceof MaxCommandRedirectionsError;
}

/** The error for too many redirections in the installed version of node-redis. */
export function redirectedTooOften(last: Error): Error {
  return MaxCommandRedirectionsError === undefined ? last : new MaxCommandRedirectionsError(last);
}
