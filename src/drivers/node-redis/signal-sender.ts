import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Batch } from '../driver.js';
import type { BatchBoundary } from './batch-boundary.js';
import { answerOf, chainOf, isPlain } from './chain.js';
import type { InnerClient } from './inner-client.js';
import type { Explain } from './queue-entry.js';
import { BatchWatch, type SendCommandOptions, WriteWatch } from './write-watch.js';

/**
 * Sends with node-redis's own `sendCommand`, with an object in place of the abort signal that knows
 * whether the command was written. Slower than `Outbox`; used for versions of node-redis with
 * another kind of queue.
 */
export class SignalSender {
  /** An aborted command can be removed from node-redis's queue: later versions of 6. */
  readonly #forgets: boolean;

  constructor(
    private readonly client: InnerClient,
    private readonly connection: { readonly ended: boolean },
    private readonly explain: Explain,
    readonly boundary: BatchBoundary,
  ) {
    this.#forgets = 'chainInExecution' in client._getQueue();
  }

  send(attempt: Attempt): void {
    if (attempt.batch !== undefined && !isPlain(attempt.batch)) {
      sendBatch(this, attempt, attempt.batch);
      return;
    }
    const encoded = this.#encodable(attempt.args);
    const watch = new WriteWatch(this.connection, attempt, encoded);
    attempt.handle = watch;
    // A new literal each time: node-redis copies the object, which is slow (2 us) if it is reused
    // and changed.
    const given = attempt.options;
    const options =
      given?.typeMapping === undefined && given?.asap === undefined
        ? { abortSignal: watch }
        : {
            abortSignal: watch,
            typeMapping: given.typeMapping,
            asap: given.asap && !this.boundary.isInside,
          };
    this.client.sendCommand((encoded ?? attempt.args) as string[], options as object).then(
      (reply) => attempt.onReply(reply),
      (error) => {
        if (!watch.withdrawn) attempt.onError(this.explain(error));
      },
    );
  }

  withdraw(attempt: Attempt): boolean {
    const { handle } = attempt;
    return (handle instanceof WriteWatch || handle instanceof BatchWatch) && handle.withdraw();
  }

  /** Sends one command of a batch. */
  sendWatched(
    args: readonly CommandArgument[],
    noticing: { written: boolean },
    options: Omit<SendCommandOptions, 'abortSignal'>,
  ): { readonly watch: WriteWatch; readonly reply: Promise<unknown> } {
    const encoded = this.#encodable(args);
    const watch = new WriteWatch(this.connection, noticing, encoded);
    return { watch, reply: this.#reply(encoded ?? args, { ...options, abortSignal: watch }) };
  }

  async #reply(args: readonly unknown[], options: SendCommandOptions): Promise<unknown> {
    try {
      return await this.client.sendCommand(args as string[], options as object);
    } catch (error) {
      throw this.explain(error);
    }
  }

  /**
   * Returns a copy of the arguments that may be overwritten, where node-redis must not be asked to
   * remove a command: two removals from version 5's queue in one turn break the queue permanently.
   */
  #encodable(args: readonly CommandArgument[]): unknown[] | undefined {
    return this.#forgets ? undefined : [...args];
  }
}

/**
 * Sends commands back to back on one connection, with no other caller's command between them. The
 * attempt settles once all commands have: with EXEC's reply or all replies, or with the first
 * error.
 */
function sendBatch(sender: SignalSender, attempt: Attempt, batch: Batch): void {
  const chain = chainOf(batch, attempt.options?.typeMapping);
  const chainId = Symbol(batch.kind);
  const watches: WriteWatch[] = [];
  const sent = chain.commands.map(({ args, typeMapping }, index) => {
    const noticing = {
      set written(_: boolean) {
        sender.boundary.note(index, chain.commands.length);
        if (index === chain.telling) attempt.written = true;
      },
    };
    const { watch, reply } = sender.sendWatched(args, noticing, { chainId, typeMapping });
    watches.push(watch);
    return reply;
  });

  const handle = new BatchWatch(watches);
  attempt.handle = handle;

  Promise.allSettled(sent)
    .then((results) => answerOf(chain, results))
    .then(
      (reply) => {
        if (!handle.withdrawn) attempt.onReply(reply);
      },
      (error) => {
        if (!handle.withdrawn) attempt.onError(error);
      },
    );
}
