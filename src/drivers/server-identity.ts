import type { Attempt } from './driver.js';

/**
 * The server process at the other end of a connection, by the run id that it has until it ends.
 * As long as that is not known, or when the server does not tell, it equals nothing but itself:
 * another connection may lead to another server.
 */
export class ServerIdentity {
  runId: string | undefined;

  /** `known` resolves when the run id is there, or will not be; it never rejects. */
  private constructor(readonly known: Promise<void>) {}

  /** Of a connection that can't ask. */
  static unknown(): ServerIdentity {
    return new ServerIdentity(Promise.resolve());
  }

  /** Asks over a connection, ahead of what is sent there next. */
  static ask(send: (attempt: Attempt) => void): ServerIdentity {
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
        identity.runId = /^run_id:(\w+)/m.exec(String(reply))?.[1];
        done();
      },
      // Not allowed, or lost.
      onError: () => done(),
    });
    return identity;
  }

  equals(other: ServerIdentity): boolean {
    return this === other || (this.runId !== undefined && this.runId === other.runId);
  }
}
