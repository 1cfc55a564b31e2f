/**
 * The server process at the other end of a connection, by the run id that it has until it ends.
 * As long as that is not known, or when the server does not tell, it equals nothing but itself:
 * another connection may lead to another server.
 */
export class ServerIdentity {
  runId: string | undefined;
  /** The server has told it, or that it does not tell. */
  isKnown = false;

  /** `known` resolves when the run id is there, or will not be; it never rejects. */
  constructor(readonly known: Promise<void>) {
    known.then(() => {
      this.isKnown = true;
    });
  }

  /** Of a connection that can't ask. */
  static unknown(): ServerIdentity {
    return new ServerIdentity(Promise.resolve());
  }

  equals(other: ServerIdentity): boolean {
    return this === other || (this.runId !== undefined && this.runId === other.runId);
  }
}
