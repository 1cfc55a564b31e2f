import type { Attempt, Batch, CommandArgument } from '../driver.js';

/**
 * One command in node-redis's own queue of commands, whose names these are. The queue takes
 * `args` away in the moment in which it encodes the command for the socket, and calls `resolve` or
 * `reject` once. They are called while node-redis reads what arrived: they must not throw, and an
 * error is handed on a moment later, since it may lead to anything.
 */
export abstract class QueueEntry {
  #args: readonly CommandArgument[] | undefined;
  // Read by node-redis, and the same for all.
  declare readonly abort: undefined;
  declare readonly timeout: undefined;
  declare readonly channelsCounter: undefined;

  constructor(args: readonly CommandArgument[]) {
    this.#args = args;
  }

  get args(): readonly CommandArgument[] | undefined {
    return this.#args;
  }

  /** Set by node-redis, to `undefined`. */
  set args(args: undefined) {
    this.#args = args;
    this.onWritten();
  }

  get isWritten(): boolean {
    return this.#args === undefined;
  }

  /** Taken back: not to be handed to node-redis, and skipped by it if it was. */
  get withdrawn(): boolean {
    return this.#args === UNENCODABLE;
  }

  /** False: it is written. */
  withdraw(): boolean {
    if (this.isWritten) return false;
    this.#args = UNENCODABLE;
    return true;
  }

  get chainId(): undefined {
    return undefined;
  }

  set chainId(_cleared: undefined) {}

  abstract get typeMapping(): unknown;
  abstract resolve(reply: unknown): void;
  abstract reject(error: unknown): void;
  protected abstract onWritten(): void;
}

Object.assign(QueueEntry.prototype, {
  abort: undefined,
  timeout: undefined,
  channelsCounter: undefined,
});

/** node-redis skips what it can't encode. */
const UNENCODABLE = Object.freeze([undefined]) as unknown as readonly CommandArgument[];

/** Turns node-redis's error into the one that the engine is told. */
export type Explain = (error: unknown) => unknown;

export class CommandEntry extends QueueEntry {
  constructor(
    private readonly attempt: Attempt,
    private readonly explain: Explain,
  ) {
    super(attempt.args);
  }

  get typeMapping(): unknown {
    return this.attempt.options?.typeMapping;
  }

  resolve(reply: unknown): void {
    this.attempt.onReply(reply);
  }

  reject(error: unknown): void {
    if (this.withdrawn) return;
    queueMicrotask(() => this.attempt.onError(this.explain(error)));
  }

  protected onWritten(): void {
    this.attempt.written = true;
  }
}

/**
 * The commands of a batch, which settle together: with EXEC's reply or all replies, or with the
 * first error.
 *
 * A transaction counts as written only when its EXEC was: the server discards one that it did not
 * see the end of. A pipeline counts as written with its first command.
 */
export class BatchEntries {
  readonly entries: readonly QueueEntry[];
  readonly #replies: unknown[] = [];
  #unsettled: number;
  #firstError: { readonly index: number; readonly error: unknown } | undefined;

  constructor(
    readonly attempt: Attempt,
    private readonly batch: Batch,
    private readonly explain: Explain,
  ) {
    const isMulti = batch.kind === 'multi';
    const commands = isMulti ? [['MULTI'], ...batch.commands, ['EXEC']] : batch.commands;
    const telling = isMulti ? commands.length - 1 : 0;
    const typeMapping = attempt.options?.typeMapping;
    this.#unsettled = commands.length;
    this.entries = commands.map((args, index) => {
      const isExec = isMulti && index === telling;
      // As node-redis does, EXEC's reply is not mapped.
      return new BatchEntry(this, index, args, index === telling, isExec ? undefined : typeMapping);
    });
  }

  /** Whole or not at all. */
  withdraw(): boolean {
    // Written in order: as long as the first can be taken back, none was.
    if (this.entries[0]?.isWritten !== false) return false;
    for (const entry of this.entries) entry.withdraw();
    return true;
  }

  settle(index: number, reply: unknown): void {
    this.#replies[index] = reply;
    this.#count();
  }

  fail(index: number, error: unknown): void {
    if (this.#firstError === undefined || index < this.#firstError.index) {
      this.#firstError = { index, error };
    }
    this.#count();
  }

  #count(): void {
    this.#unsettled -= 1;
    if (this.#unsettled > 0) return;
    const failed = this.#firstError;
    if (failed !== undefined) {
      queueMicrotask(() => this.attempt.onError(this.explain(failed.error)));
    } else {
      this.attempt.onReply(this.batch.kind === 'multi' ? this.#replies.at(-1) : this.#replies);
    }
  }
}

class BatchEntry extends QueueEntry {
  constructor(
    private readonly whole: BatchEntries,
    private readonly index: number,
    args: readonly CommandArgument[],
    /** Its writing is the batch's. */
    private readonly tells: boolean,
    readonly typeMapping: unknown,
  ) {
    super(args);
  }

  resolve(reply: unknown): void {
    this.whole.settle(this.index, reply);
  }

  reject(error: unknown): void {
    if (!this.withdrawn) this.whole.fail(this.index, error);
  }

  protected onWritten(): void {
    if (this.tells) this.whole.attempt.written = true;
  }
}
