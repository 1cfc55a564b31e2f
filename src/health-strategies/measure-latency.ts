import type { Probe } from './strategy.js';

/** What a measurement needs of a probe. */
export type MeasuredTarget = Pick<Probe, 'sendCommand' | 'stopwatch'>;

/**
 * Returns the duration of a PING in milliseconds, without the time to open the connection and without
 * stalls of the event loop. Rejects as `sendCommand` does.
 */
export async function measureLatency({ sendCommand, stopwatch }: MeasuredTarget): Promise<number> {
  // Opens the connection if it is not open, and shows that it works.
  await sendCommand(['PING']);
  const elapsed = stopwatch();
  await sendCommand(['PING']);
  return elapsed();
}
