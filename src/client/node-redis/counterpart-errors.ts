import {
  ClientOfflineError,
  DisconnectsClientError,
  ClientClosedError as NodeRedisClosedError,
  SocketClosedUnexpectedlyError,
  TimeoutError,
} from '@redis/client';
import { ClientClosedError, isMultiDbError, type MultiDbErrorCode } from '../../errors.js';

type ErrorClass = abstract new (...args: never[]) => Error;

/** Class of node-redis for the same event, by `code`. */
const COUNTERPARTS: Partial<Record<MultiDbErrorCode, ErrorClass>> = {
  CLIENT_CLOSED: NodeRedisClosedError,
  COMMAND_TIMEOUT: TimeoutError,
  ACQUIRE_TIMEOUT: TimeoutError,
  CONNECTION_LOST: SocketClosedUnexpectedlyError,
  TEMPORARILY_UNAVAILABLE: ClientOfflineError,
  PERMANENTLY_UNAVAILABLE: ClientOfflineError,
};

/** Per copy, as prototypes are. By the prototype of this package, then by the class of node-redis. */
const prototypes = new WeakMap<object, Map<ErrorClass, object>>();

/**
 * Makes an error of this package an instance of node-redis's class for the same event, of the copy
 * of `@redis/client` that the facade uses. Its properties do not change, and it stays an instance
 * of its own classes (`MultiDbError[Symbol.hasInstance]`). Other errors are returned unchanged.
 */
export function withCounterpart<E>(error: E): E {
  if (!isMultiDbError(error)) return error;
  const counterpart =
    error instanceof ClientClosedError && error.wasPending
      ? DisconnectsClientError
      : COUNTERPARTS[error.code];
  if (counterpart === undefined || error instanceof counterpart) return error;
  const own = Object.getPrototypeOf(error) as object;
  let known = prototypes.get(own);
  if (known === undefined) {
    known = new Map();
    prototypes.set(own, known);
  }
  let prototype = known.get(counterpart);
  if (prototype === undefined) {
    // Members of this package's class, including `constructor`, take precedence over those of
    // node-redis's class.
    prototype = Object.create(
      counterpart.prototype,
      Object.getOwnPropertyDescriptors(own),
    ) as object;
    known.set(counterpart, prototype);
  }
  Object.setPrototypeOf(error, prototype);
  return error;
}

/** The same for rejections of a promise. */
export async function rejectingWithCounterpart<T>(promise: PromiseLike<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw withCounterpart(error);
  }
}
