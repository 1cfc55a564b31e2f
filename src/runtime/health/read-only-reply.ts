import { isError } from '../../is-error.js';

/** Whether a server refused a write because it is a replica. */
export function isReadOnlyReply(error: unknown): boolean {
  return isError(error) && /^READONLY /.test(error.message);
}
