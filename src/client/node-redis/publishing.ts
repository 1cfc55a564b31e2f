import { isMultiDbError } from '../../errors.js';

type Publish = (this: unknown, ...args: unknown[]) => Promise<unknown>;

const NAMES = ['publish', 'PUBLISH', 'sPublish', 'SPUBLISH'] as const;

/**
 * `publish` and `sPublish` whose failure does not end the process. Programs and libraries publish
 * without handling the promise, and Node.js ends a process after an unhandled rejection. Pub/sub
 * delivers at most once anyway, so an outage is no reason for that. A caller that handles the
 * promise gets the error; an unhandled error reply (`NOPERM`) stays an unhandled rejection.
 */
export function publishingMembers(client: object): Record<string, Publish> {
  const members: Record<string, Publish> = {};
  for (const name of NAMES) {
    const original = (client as Record<string, Publish>)[name] as Publish;
    members[name] = function (...args) {
      const published: Promise<unknown> = original
        .apply(this, args)
        .then(undefined, (error: unknown) => {
          if (isMultiDbError(error)) published.catch(() => {});
          throw error;
        });
      return published;
    };
  }
  return members;
}
