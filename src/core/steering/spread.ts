import type { Steering } from './document.js';

/**
 * The place of an instance in [0, 1): the same for the same id, and evenly distributed over ids
 * (FNV-1a over UTF-16 code units, then the finalizer of MurmurHash3).
 */
export function placeOf(instanceId: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < instanceId.length; index += 1) {
    const unit = instanceId.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** When an instance moves, in milliseconds after the document was published, and its hold. */
export interface Turn {
  readonly moveAfterMs: number;
  /** How long it watches its own errors after the move; 0: not at all. */
  readonly holdMs: number;
}

/** Linear in the number of stages, of which there are few. */
export function turnOf(stages: Steering['stages'], place: number): Turn {
  let startMs = 0;
  let from = 0;
  for (const { share, overMs, holdMs } of stages) {
    if (place < share) {
      return { moveAfterMs: startMs + (overMs * (place - from)) / (share - from), holdMs };
    }
    startMs += overMs + holdMs;
    from = share;
  }
  return { moveAfterMs: startMs, holdMs: 0 };
}

/** From the first move to the last, in milliseconds. */
export function spreadMs(stages: Steering['stages']): number {
  const last = stages.at(-1)?.holdMs ?? 0;
  return stages.reduce((sum, { overMs, holdMs }) => sum + overMs + holdMs, -last);
}
