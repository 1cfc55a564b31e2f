/** An error reply of a fake database: the server answered. */
export class FakeErrorReply extends Error {
  override readonly name = 'FakeErrorReply';
}

/** The error of an aborted command. */
export class FakeAbortError extends Error {
  override readonly name = 'AbortError';

  constructor() {
    super('The command was aborted');
  }
}

/** The error of a broken connection, as the network reports it. */
export class FakeNetworkError extends Error {
  override readonly name = 'FakeNetworkError';

  constructor(
    /** The code that the operating system would report. */
    readonly code: 'ECONNREFUSED' | 'ECONNRESET',
    address: string,
  ) {
    super(code === 'ECONNREFUSED' ? `connect ${code} ${address}` : `read ${code} from ${address}`);
  }
}

/** A key that a transaction watches was written by another one. */
export class FakeConflictError extends Error {
  override readonly name = 'FakeConflictError';

  constructor() {
    super('One (or more) of the watched keys has been changed');
  }
}
