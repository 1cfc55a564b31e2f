import type { CommandArgument } from '../../core/command-argument.js';
import type { ClientContext } from './client-context.js';
import type { SentAttempt } from './sent-attempt.js';

/** Arguments above this size take time to send, in characters and bytes. */
const LARGE = 16_384;

/**
 * Measures the calls of databases with `slowCallMs`, by the sampled loop clock: from writing a command
 * until its reply begins. Blocking commands, batches, large arguments and announced maintenance do not
 * count.
 */
export function noteDuration(client: ClientContext, attempt: SentAttempt): void {
  const { channel, lane, command, sentAt } = attempt;
  const { slowCalls } = channel.database;
  if (slowCalls === undefined) return;
  const { coordinator, loop } = client;
  const { previousReplyAt, blockEndedAt } = lane;
  const beganAt = lane.noteReply(loop.time);
  if (attempt.generation !== coordinator.route.generation) return;
  const { blockMs } = command.traits;
  const isBatch = command.batch !== undefined && command.batch.kind !== 'single';
  if (blockMs !== undefined || isBatch || loop.time < channel.relaxedUntil) return;
  const times = { sentAt, blockEndedAt, previousReplyAt, beganAt };
  if (!slowCalls.isSlow(times)) {
    slowCalls.recordFast(loop.now);
    return;
  }
  if (isLarge(command.args)) return;
  channel.database.counters.slowCalls += 1;
  slowCalls.recordSlow(times, loop.now);
  if (slowCalls.exceeds(loop.now)) coordinator.health.slowness.suspect(channel.database);
}

/** A command without a reply within its timeout is slow as well. */
export function noteTimeout({ coordinator, loop }: ClientContext, { channel }: SentAttempt): void {
  const { database } = channel;
  const { slowCalls } = database;
  if (slowCalls === undefined) return;
  database.counters.slowCalls += 1;
  slowCalls.recordTimeout(loop.now);
  if (slowCalls.exceeds(loop.now)) coordinator.health.slowness.suspect(database);
}

/** Whether the arguments take time to send. */
export function isLarge(args: readonly CommandArgument[]): boolean {
  let size = 0;
  for (const { length } of args) {
    size += length;
    if (size > LARGE) return true;
  }
  return false;
}
