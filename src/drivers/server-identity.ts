/**
 * The server process at the other end of a connection, identified by its run id. An identity whose run id is
 * not known, or not reported by the server, only equals itself, because another connection may lead to another
 * server.
 */
export class ServerIdentity {
  runId: string | undefined;
  /** Whether the server has answered, with or without its run id. */
  isKnown = false;

  /** `known` resolves when the server has answered, or will not answer. It never rejects. */
  constructor(readonly known: Promise<void>) {
    known.then(() => {
      this.isKnown = true;
    });
  }

  /** The identity of a server that cannot be asked. */
  static unknown(): ServerIdentity {
    return new ServerIdentity(Promise.resolve());
  }

  equals(other: ServerIdentity): boolean {
    return this === other || (this.runId !== undefined && this.runId === other.runId);
  }
}
