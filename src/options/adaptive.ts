import type { AdaptiveBounds } from '../core/response-times.js';
import { DEFAULTS } from './defaults.js';

/** Upper bounds of what `'adaptive'` derives: the defaults. Milliseconds. */
export const ADAPTIVE_BOUNDS: AdaptiveBounds = Object.freeze({
  suspectAfterMs: DEFAULTS.suspectAfterMs.default as number,
  timeoutMs: DEFAULTS['healthCheck.timeoutMs'].default as number,
});
