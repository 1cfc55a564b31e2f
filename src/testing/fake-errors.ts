import { CLASS_BRAND, isInstance } from '../class-brand.js';
import type { Driver } from '../drivers/driver.js';

/** Base of the errors below. Holds for those of another copy of this package as well. */
class FakeError extends Error {
  /** @internal */
  static readonly [CLASS_BRAND]: string = 'FakeError';

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this, and is the one asked.
    return isInstance(value, this);
  }
}

/** An error reply of a fake database: the server answered. */
export class FakeErrorReply extends FakeError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'FakeErrorReply';
  override readonly name = 'FakeErrorReply';
}

/** The error of an aborted command. */
export class FakeAbortError extends FakeError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'FakeAbortError';
  override readonly name = 'AbortError';

  constructor() {
    super('The command was aborted');
  }
}

/** The error of a broken connection, as the network reports it. */
export class FakeNetworkError extends FakeError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'FakeNetworkError';
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
export class FakeConflictError extends FakeError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'FakeConflictError';
  override readonly name = 'FakeConflictError';

  constructor() {
    super('One (or more) of the watched keys has been changed');
  }
}

/** How drivers of simulated databases judge these errors. */
export const FAKE_ERROR_JUDGEMENT: Pick<Driver, 'classify' | 'isCut' | 'abortError'> = {
  classify: (error) => {
    if (error instanceof FakeErrorReply) return 'reply';
    if (error instanceof FakeNetworkError) return 'connection';
    return error instanceof FakeAbortError ? 'caller' : undefined;
  },
  isCut: (error) => error instanceof FakeNetworkError && error.code === 'ECONNRESET',
  abortError: () => new FakeAbortError(),
};
