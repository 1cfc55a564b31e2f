import type { Attempt, Batch, CommandArgument } from '../driver.js';
import type { SignalSender } from './signal-sender.js';
import { BatchWatch, type WriteWatch } from './write-watch.js';

/**
 * Sends commands back to back on one connection, none of another caller between them. The
 * attempt settles once all have: with EXEC's reply or all replies, or with the first error.
 *
 * A transaction counts as written only when its EXEC was: the server discards one that it did not
 * see the end of. A pipeline counts as written with its first command.
 */
export function sendBatch(sender: SignalSender, attempt: Attempt, batch: Batch): void {
  const chainId = Symbol(batch.kind);
  const typeMapping = attempt.options?.typeMapping;
  const unnoticed = silent(attempt);
  const multi = batch.kind === 'multi';

  const watches: WriteWatch[] = [];
  const send = (args: readonly CommandArgument[], noticing: Attempt) => {
    const mapping = noticing === attempt && multi ? undefined : typeMapping;
    const { watch, reply } = sender.sendWatched(args, noticing, { chainId, typeMapping: mapping });
    watches.push(watch);
    return reply;
  };

  const sent: Promise<unknown>[] = [];
  if (multi) sent.push(send(['MULTI'], unnoticed));
  batch.commands.forEach((args, index) => {
    sent.push(send(args, !multi && index === 0 ? attempt : unnoticed));
  });
  if (multi) sent.push(send(['EXEC'], attempt));

  const handle = new BatchWatch(watches);
  attempt.handle = handle;

  Promise.allSettled(sent).then((results) => {
    if (handle.withdrawn) return;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) attempt.onError(failed.reason);
    else {
      const replies = results.map((result) => (result as PromiseFulfilledResult<unknown>).value);
      attempt.onReply(multi ? replies.at(-1) : replies);
    }
  });
}

/** An attempt whose writing nobody asks about. */
function silent(attempt: Attempt): Attempt {
  return {
    args: attempt.args,
    batch: undefined,
    options: undefined,
    written: false,
    handle: undefined,
    onReply: () => {},
    onError: () => {},
  };
}
