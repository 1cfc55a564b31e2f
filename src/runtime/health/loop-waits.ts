import type { Clock, Timer } from '../../clock.js';
import type { LoopClock } from '../../loop-clock.js';
import { orAborted } from './or-aborted.js';

/**
 * Returns a function that returns the milliseconds since this call, without those during which the
 * event loop was blocked. Loop time is as coarse as its ticks, so that it only limits what the clock
 * shows.
 */
export function stopwatch(clock: Clock, loop: LoopClock): () => number {
  const [from, loopFrom] = [clock.now(), loop.time];
  return () => Math.min(clock.now() - from, loop.time - loopFrom + 2 * loop.tickMs);
}

/** Resolves after `ms` of loop time; rejects when `signal` aborts. */
export function wait(loop: LoopClock, ms: number, signal: AbortSignal): Promise<void> {
  let timer: Timer | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = loop.after(ms, resolve);
  });
  const waited = orAborted(waiting, signal).finally(() => timer?.cancel());
  // A strategy that does not await the promise must not end the process.
  waited.catch(() => {});
  return waited;
}
