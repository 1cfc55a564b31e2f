/** What the connection that a watch belongs to tells it. */
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
 * Stands in for an `AbortSignal` and thereby knows whether a command was written: node-redis
 * removes its listener exactly when it encodes the command for the socket. Errors don't tell:
 * written and unwritten commands are rejected with the same one.
 *
 * A removal during our own withdrawal, or after the connection has ended, was not a writing.
 */
export class WriteWatch {
  readonly aborted = false;
  withdrawn = false;
  #listener: (() => void) | undefined;

  constructor(
    private readonly connection: Ending,
    private readonly attempt: { written: boolean },
    /** What node-redis was given to encode, if it can't be asked to forget the command. */
    private readonly encoded?: unknown[] | undefined,
  ) {}

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
    if (!this.withdrawn && !this.connection.ended) this.attempt.written = true;
  }

  /** Takes the command out of node-redis's queue. False: it was written, or is gone already. */
  withdraw(): boolean {
    const listener = this.#listener;
    if (listener === undefined || this.connection.ended) return false;
    this.withdrawn = true;
    this.#listener = undefined;
    // What can't be encoded is skipped.
    if (this.encoded !== undefined) this.encoded.splice(0, this.encoded.length, undefined);
    else listener();
    return true;
  }
}

/** The watches of commands that go out back to back: they are taken back together or not at all. */
export class BatchWatch {
  withdrawn = false;

  constructor(private readonly watches: readonly WriteWatch[]) {}

  withdraw(): boolean {
    // Written in order: as long as the first can be taken back, none was.
    if (this.watches[0]?.withdraw() !== true) return false;
    this.withdrawn = true;
    for (const watch of this.watches.slice(1)) watch.withdraw();
    return true;
  }
}
