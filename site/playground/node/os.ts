/** What the engine uses of `node:os`, for the browser. */

export function hostname(): string {
  return 'browser';
}
