import type { Attempt } from './driver.js';
import { ServerIdentity } from './server-identity.js';

/** Asks for the run id over a connection, ahead of what is sent there next. */
export function askServerIdentity(send: (attempt: Attempt) => void): ServerIdentity {
  let done = () => {};
  const identity = new ServerIdentity(
    new Promise((resolve) => {
      done = resolve;
    }),
  );
  send({
    args: ['INFO', 'server'],
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    onReply: (reply) => {
      identity.runId = runIdIn(reply);
      done();
    },
    // Not allowed, or lost.
    onError: () => done(),
  });
  return identity;
}

/** The run id in a reply to INFO. */
export function runIdIn(reply: unknown): string | undefined {
  return /^run_id:(\w+)/m.exec(String(reply))?.[1];
}
