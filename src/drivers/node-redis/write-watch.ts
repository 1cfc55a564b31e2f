/** The state of a connection that a watch needs. */
interface Ending {
  readonly ended: boolean;
}

/** The options with which a command is handed to node-redis. */
export interface SendCommandOptions {
  readonly abortSignal: WriteWatch;
  readonly typeMapping?: unknown;
  readonly asap?: boolean | undefined;
  readonly chainId?: symbol;
}

/**
 * Takes the place of an `AbortSignal` to learn whether a command was written: node-redis removes
 * its listener exactly when it encodes the command for the socket. Errors don't tell, because
 * written and unwritten commands are rejected with the same one.
 *
 * A removal during a withdrawal, or after the connection has ended, does not count as writing.
 */
export class WriteWatch {
  readonly aborted = false;
  withdrawn = false;
  #listener: (() => void) | undefined;

  constructor(
    private readonly connection: Ending,
    private readonly attempt: { written: boolean },
    /** The arguments that node-redis will encode, if it can't be asked to remove the command. */
    private readonly encoded?: unknown[] | undefined,
  ) {}

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
    if (!this.withdrawn && !this.connection.ended) this.attempt.written = true;
  }

  /**
   * Takes the command out of node-redis's queue. Returns false if it was written, or is gone
   * already.
   */
  withdraw(): boolean {
    const listener = this.#listener;
    if (listener === undefined || this.connection.ended) return false;
    this.withdrawn = true;
    this.#listener = undefined;
    // node-redis skips a command that it can't encode.
    if (this.encoded !== undefined) this.encoded.splice(0, this.encoded.length, undefined);
    else listener();
    return true;
  }
}

/**
 * The watches of commands that are sent back to back: they are taken back together or not at all.
 */
export class BatchWatch {
  withdrawn = false;

  constructor(private readonly watches: readonly WriteWatch[]) {}

  withdraw(): boolean {
    // Commands are written in order: while the first can be taken back, none was written.
    if (this.watches[0]?.withdraw() !== true) return false;
    this.withdrawn = true;
    for (const watch of this.watches.slice(1)) watch.withdraw();
    return true;
  }
}
