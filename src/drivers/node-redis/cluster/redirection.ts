import * as library from '@redis/client';

/** Version 5 has no such error: it rejects with the last redirection. */
const { MaxCommandRedirectionsError } = library as {
  readonly MaxCommandRedirectionsError?: new (cause?: Error) => Error;
};

/** `MOVED` and `ASK` prove that the node did not execute what it was sent. */
export function isRedirection(error: unknown): error is Error {
  return error instanceof Error && /^(MOVED|ASK) /.test(error.message);
}

export function isMoved(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('MOVED ');
}

/** More than `maxCommandRedirections`: nothing was executed, and no node says that it would be. */
export function isRedirectedTooOften(error: unknown): boolean {
  return MaxCommandRedirectionsError !== undefined && error instanceof MaxCommandRedirectionsError;
}

/** The error for it, as this version of node-redis has it. */
export function redirectedTooOften(last: Error): Error {
  return MaxCommandRedirectionsError === undefined ? last : new MaxCommandRedirectionsError(last);
}
