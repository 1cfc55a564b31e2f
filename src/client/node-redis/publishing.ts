import { isMultiDbError } from '../../errors.js';

type Publish = (this: unknown, ...args: unknown[]) => Promise<unknown>;

const NAMES = ['publish', 'PUBLISH', 'sPublish', 'SPUBLISH'] as const;

/**
 * `publish` and `sPublish` whose failure ends no process: programs and libraries publish without
 * looking at the promise, and Node.js ends a process for a rejection that nobody looks at. Pub/sub
 * delivers at most once anyway, so an outage is no reason for that. Who looks at the promise gets the
 * error as ever; an error reply (`NOPERM`) that nobody looks at stays an unhandled rejection.
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
