import type { Attempt, Batch } from '../driver.js';
import { answerOf, chainOf } from './chain.js';
import type { SignalSender } from './signal-sender.js';
import { BatchWatch, type WriteWatch } from './write-watch.js';

/**
 * Sends commands back to back on one connection, none of another caller between them. The
 * attempt settles once all have: with EXEC's reply or all replies, or with the first error.
 */
export function sendBatch(sender: SignalSender, attempt: Attempt, batch: Batch): void {
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
