import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Batch } from '../driver.js';
import type { BatchBoundary } from './batch-boundary.js';
import { answerOf, type Chain, chainOf, type WireBatch } from './chain.js';

/**
 * One command in node-redis's own queue, with node-redis's property names. The queue sets `args` to
 * undefined when it encodes the command for the socket, and calls `resolve` or `reject` once.
 * node-redis calls them while it reads replies: they must not throw, and an error is passed on in a
 * microtask, because handling it may change anything.
 *
 * A settled entry refers to nothing. Each node of node-redis's list of unanswered commands keeps a
 * reference to the next one after its removal. Once a node has reached the old generation of the
 * heap, all later nodes survive with their entries until the list is empty and the heap is collected
 * in full. With 1000 callers and a round trip of 2 ms, a third of all allocated memory survived in
 * this way; now a tenth does.
 */
export abstract class QueueEntry {
  #args: readonly CommandArgument[] | undefined;
  // Read by node-redis; the same for all entries.
  declare readonly abort: undefined;
  declare readonly timeout: undefined;
  declare readonly channelsCounter: undefined;

  constructor(args: readonly CommandArgument[]) {
    this.#args = args;
  }

  /**
   * Read again when the command is encoded: a command that no caller waits for by then is skipped.
   */
  get args(): readonly CommandArgument[] | undefined {
    return this.isOver ? UNENCODABLE : this.#args;
  }

  /** Set by node-redis, always to `undefined`. */
  set args(args: undefined) {
    this.#args = args;
    this.onWritten();
  }

  get isWritten(): boolean {
    return this.#args === undefined;
  }

  /** Taken back: not handed to node-redis, or skipped by it. */
  get withdrawn(): boolean {
    return this.#args === UNENCODABLE;
  }

  /** Returns false if the command was written. */
  withdraw(): boolean {
    if (this.isWritten) return false;
    this.#args = UNENCODABLE;
    return true;
  }

  get chainId(): undefined {
    return undefined;
  }

  set chainId(_cleared: undefined) {}

  /** No caller waits for the command any more. */
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

/** Arguments that can't be encoded: node-redis skips such a command. */
const UNENCODABLE = Object.freeze([undefined]) as unknown as readonly CommandArgument[];

/** Without a mapping node-redis creates an empty one for each reply. */
const NO_MAPPING = {};

/** Converts node-redis's error into the one that the engine receives. */
export type Explain = (error: unknown) => unknown;

export class CommandEntry extends QueueEntry {
  #attempt: Attempt | undefined;

  constructor(
    attempt: Attempt,
    private readonly explain: Explain,
  ) {
    super(attempt.args);
    this.#attempt = attempt;
  }

  protected get isOver(): boolean {
    return this.#attempt === undefined || this.#attempt.over === true;
  }

  get typeMapping(): unknown {
    return this.#attempt?.options?.typeMapping ?? NO_MAPPING;
  }

  resolve(reply: unknown): void {
    this.#end()?.onReply(reply);
  }

  reject(error: unknown): void {
    const attempt = this.#end();
    if (attempt === undefined || this.withdrawn) return;
    queueMicrotask(() => attempt.onError(this.explain(error)));
  }

  protected onWritten(): void {
    if (this.#attempt !== undefined) this.#attempt.written = true;
  }

  #end(): Attempt | undefined {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    return attempt;
  }
}

/**
 * The commands of a batch. They settle together: with EXEC's reply or all replies, or with the
 * first error.
 */
export class BatchEntries {
  readonly entries: readonly QueueEntry[];
  readonly #chain: Chain;
  readonly #results: PromiseSettledResult<unknown>[] = [];
  #unsettled: number;
  /** A prefix of the batch has the same meaning without the rest. */
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
        new BatchEntry(this, index, args, index === telling, typeMapping ?? NO_MAPPING),
    );
  }

  /** Takes back the whole batch or nothing. Returns false if it was written. */
  withdraw(): boolean {
    // Commands are written in order: while the first can be taken back, none was written.
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
    // Handling an error may change anything, and node-redis is reading replies here.
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
  #whole: BatchEntries | undefined;

  constructor(
    whole: BatchEntries,
    private readonly index: number,
    args: readonly CommandArgument[],
    /** Writing this command makes the batch count as written. */
    private readonly tells: boolean,
    readonly typeMapping: unknown,
  ) {
    super(args);
    this.#whole = whole;
  }

  /**
   * A batch that is not divisible is sent to its end: a transaction without its EXEC, or an ASKING
   * without its command, would take in what comes next.
   */
  protected get isOver(): boolean {
    return this.#whole?.isDivisible === true && this.#whole.attempt.over === true;
  }

  resolve(reply: unknown): void {
    this.#end()?.settle(this.index, reply);
  }

  reject(error: unknown): void {
    const whole = this.#end();
    if (!this.isWritten) whole?.passed(this.index);
    if (!this.withdrawn) whole?.fail(this.index, error);
  }

  protected onWritten(): void {
    const whole = this.#whole;
    if (whole === undefined) return;
    whole.passed(this.index);
    if (this.tells) whole.attempt.written = true;
  }

  #end(): BatchEntries | undefined {
    const whole = this.#whole;
    this.#whole = undefined;
    return whole;
  }
}
