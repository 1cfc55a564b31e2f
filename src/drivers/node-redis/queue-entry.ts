import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Batch } from '../driver.js';
import type { BatchBoundary } from './batch-boundary.js';
import { answerOf, type Chain, chainOf, type WireBatch } from './chain.js';

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

  /** Read once more as it is encoded: what nobody waits for by then is skipped. */
  get args(): readonly CommandArgument[] | undefined {
    return this.isOver ? UNENCODABLE : this.#args;
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

  /** Nobody waits for it any more. */
  protected abstract get isOver(): boolean;
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

  protected get isOver(): boolean {
    return this.attempt.over === true;
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
 */
export class BatchEntries {
  readonly entries: readonly QueueEntry[];
  readonly #chain: Chain;
  readonly #results: PromiseSettledResult<unknown>[] = [];
  #unsettled: number;
  /** Its commands mean the same without those behind them. */
  readonly isDivisible: boolean;

  constructor(
    readonly attempt: Attempt,
    batch: Batch,
    private readonly explain: Explain,
    private readonly boundary: BatchBoundary,
  ) {
    this.#chain = chainOf(batch, attempt.options?.typeMapping);
    this.isDivisible = batch.kind === 'pipeline' && !(batch as WireBatch).asking;
    const { commands, telling } = this.#chain;
    this.#unsettled = commands.length;
    this.entries = commands.map(
      ({ args, typeMapping }, index) =>
        new BatchEntry(this, index, args, index === telling, typeMapping),
    );
  }

  /** Whole or not at all. */
  withdraw(): boolean {
    // Written in order: as long as the first can be taken back, none was.
    if (this.entries[0]?.isWritten !== false) return false;
    for (const entry of this.entries) entry.withdraw();
    return true;
  }

  /** The command at `index` has been encoded or skipped. */
  passed(index: number): void {
    this.boundary.note(index, this.entries.length);
  }

  settle(index: number, value: unknown): void {
    this.#results[index] = { status: 'fulfilled', value };
    this.#count();
  }

  fail(index: number, reason: unknown): void {
    this.#results[index] = { status: 'rejected', reason };
    this.#count();
  }

  #count(): void {
    this.#unsettled -= 1;
    if (this.#unsettled > 0) return;
    if (this.#results.every((result) => result.status === 'fulfilled')) this.#tell();
    // An error may lead to anything, while node-redis reads.
    else queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    let reply: unknown;
    try {
      const explained = this.#results.map((result) =>
        result.status === 'rejected' ? { ...result, reason: this.explain(result.reason) } : result,
      );
      reply = answerOf(this.#chain, explained);
    } catch (error) {
      this.attempt.onError(error);
      return;
    }
    this.attempt.onReply(reply);
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

  /** Without its EXEC a transaction would take in what comes next; so would ASKING. */
  protected get isOver(): boolean {
    return this.whole.isDivisible && this.whole.attempt.over === true;
  }

  resolve(reply: unknown): void {
    this.whole.settle(this.index, reply);
  }

  reject(error: unknown): void {
    if (!this.isWritten) this.whole.passed(this.index);
    if (!this.withdrawn) this.whole.fail(this.index, error);
  }

  protected onWritten(): void {
    this.whole.passed(this.index);
    if (this.tells) this.whole.attempt.written = true;
  }
}
