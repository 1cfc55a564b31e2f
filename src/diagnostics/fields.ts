import { isError } from '../is-error.js';

/** The fields of an event's payload; a payload that is not an object of its own gets a name. */
export function fieldsOf(payload: unknown): object {
  if (payload === undefined) return {};
  if (isError(payload)) return { error: payload };
  const isKey = payload === null || typeof payload !== 'object' || Buffer.isBuffer(payload);
  return isKey ? { key: payload } : payload;
}
