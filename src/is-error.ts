const ERROR_TAGS: ReadonlySet<string> = new Set(['[object Error]', '[object DOMException]']);

/**
 * Whether a value is an error, also one of another realm. Jest gives each test file an `Error` of its
 * own, which the errors of Node.js (a refused connection) are no instances of.
 */
export function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  if (typeof value !== 'object' || value === null) return false;
  return ERROR_TAGS.has(Object.prototype.toString.call(value));
}
