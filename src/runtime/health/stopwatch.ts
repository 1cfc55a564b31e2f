import type { Clock } from '../../clock.js';
import type { LoopClock } from '../../loop-clock.js';

/**
 * Returns a function that returns the milliseconds since this call, without those during which the
 * event loop was blocked. Loop time is as coarse as its ticks, so that it only limits what the clock
 * shows.
 */
export function stopwatch(clock: Clock, loop: LoopClock): () => number {
  const [from, loopFrom] = [clock.now(), loop.time];
  return () => Math.min(clock.now() - from, loop.time - loopFrom + 2 * loop.tickMs);
}
