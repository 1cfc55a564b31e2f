import type { Random } from '../clock.js';

/** Waits between tries that double. Both in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Share of a wait that is random. */
const JITTER = 0.2;

/** The wait that follows `waits` others in a row: twice as long each time, up to `longestMs`. */
export function backoffMs({ firstMs, longestMs }: Backoff, waits: number): number {
  return Math.min(firstMs * 2 ** waits, longestMs);
}

/** Up to a fifth less than `ms`, so that many who wait for the same thing do not try in step. */
export function withJitter(ms: number, random: Random): number {
  return ms * (1 - JITTER * random());
}
