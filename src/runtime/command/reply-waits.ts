import { isLarge } from './call-durations.js';
import type { ClientContext } from './client-context.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';

/**
 * Measures how long the replies of a database with adaptive limits are awaited, at each tick of the
 * loop clock: there is no work per command. A reply that is there at the next tick is not measured,
 * because probes show how fast the database is.
 */
export function observeReplies(channel: InFlightConnection, client: ClientContext): void {
  if (channel.database.responseTimes === undefined) return;
  observe(channel, client);
  for (const lane of channel.lanes) observe(lane, client);
}

function observe(lane: AttemptQueue, { loop, coordinator }: ClientContext): void {
  const { responseTimes } = lane.channel.database;
  const wait = lane.observeWait(loop.time, isMeasured);
  if (wait === undefined || loop.time < lane.channel.relaxedUntil) return;
  if (wait.isRoundTrip) responseTimes?.addRoundTrip(wait.ms, coordinator.now);
  else responseTimes?.addPause(wait.ms, coordinator.now);
}

/** Blocking commands, batches and large arguments take their time. */
function isMeasured({ command: { traits, batch, args } }: SentAttempt): boolean {
  const isBatch = batch !== undefined && batch.kind !== 'single';
  return traits.blockMs === undefined && !isBatch && !isLarge(args);
}
