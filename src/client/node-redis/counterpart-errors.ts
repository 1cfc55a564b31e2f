import {
  ClientOfflineError,
  DisconnectsClientError,
  ClientClosedError as NodeRedisClosedError,
  SocketClosedUnexpectedlyError,
  TimeoutError,
} from '@redis/client';
import { ClientClosedError, isMultiDbError, type MultiDbErrorCode } from '../../errors.js';

type ErrorClass = abstract new (...args: never[]) => Error;

/** node-redis's class for the same event, by our code. */
const COUNTERPARTS: Partial<Record<MultiDbErrorCode, ErrorClass>> = {
  CLIENT_CLOSED: NodeRedisClosedError,
  COMMAND_TIMEOUT: TimeoutError,
  ACQUIRE_TIMEOUT: TimeoutError,
  CONNECTION_LOST: SocketClosedUnexpectedlyError,
  TEMPORARILY_UNAVAILABLE: ClientOfflineError,
  PERMANENTLY_UNAVAILABLE: ClientOfflineError,
};

/** By our prototype, then by node-redis's class. */
const prototypes = new WeakMap<object, Map<ErrorClass, object>>();

/**
 * Makes an error of this package `instanceof` node-redis's class for the same event as well: of
 * the copy of `@redis/client` that the facade is made with. Its own properties stay as they are,
 * and it stays `instanceof` our classes (`MultiDbError[Symbol.hasInstance]`). Returns any other
 * error unchanged.
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
    // What our class has, `constructor` among it, over what node-redis's class has.
    prototype = Object.create(
      counterpart.prototype,
      Object.getOwnPropertyDescriptors(own),
    ) as object;
    known.set(counterpart, prototype);
  }
  Object.setPrototypeOf(error, prototype);
  return error;
}

/** The same for what a promise rejects with. */
export async function rejectingWithCounterpart<T>(promise: PromiseLike<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw withCounterpart(error);
  }
}
