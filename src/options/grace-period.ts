import type { GracePeriod } from '../core/grace-period.js';
import { anyObject, invalid, unknownOption } from '../validation/check.js';
import { duration, MAX_TIMER_MS } from '../validation/rules.js';
import { checkOption } from './check.js';
import { DEFAULTS } from './defaults.js';

/** Validates `gracePeriodMs`, which is at `at`. */
export function resolveGracePeriod(value: unknown, at: string): GracePeriod {
  if (typeof value !== 'object' || value === null) {
    const byDefault = DEFAULTS.gracePeriodMs.default;
    const ms = value === undefined ? byDefault : checkOption('gracePeriodMs', value, at);
    return { baseMs: ms as number, maxMs: ms as number };
  }
  const { baseMs, maxMs, ...others } = anyObject(value, at, DEFAULTS.gracePeriodMs.range);
  for (const name of Object.keys(others)) throw unknownOption(at, name, 'one of baseMs, maxMs');
  if (!duration.accepts(baseMs)) throw invalid(`${at}.baseMs`, duration.range, baseMs);
  if (duration.accepts(maxMs) && maxMs >= baseMs) return { baseMs, maxMs };
  throw invalid(`${at}.maxMs`, `milliseconds from baseMs (${baseMs}) to ${MAX_TIMER_MS}`, maxMs);
}
