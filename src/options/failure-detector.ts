import type { FailureDetectorOptions } from '../core/failure-detector.js';
import { invalid, join, type Values } from '../validation/check.js';
import { optionsObject, read } from './check.js';
import { DEFAULTS } from './defaults.js';
import { compileSelector } from './selector.js';

const SECTION = 'failureDetector';

/**
 * `own` overrides `shared`, which overrides the defaults, option by option.
 *
 * In a `count` window the default of `minNumOfFailures` is the share `failureRateThreshold` of
 * `slidingWindowSize` (10 of 100), because the general default of 1000 could never be reached. A
 * number above the size of the window is rejected for the same reason.
 */
export function resolveFailureDetector(
  own: unknown,
  at: string,
  shared?: Values,
): FailureDetectorOptions {
  const parts: Record<string, unknown> = {};
  for (const given of [shared, own]) {
    if (given === undefined) continue;
    for (const [name, value] of Object.entries(optionsObject(given, SECTION, at))) {
      if (value !== undefined) parts[name] = value;
    }
  }

  const slidingWindowType = read(parts, 'failureDetector.slidingWindowType', at);
  const slidingWindowSize = read(parts, 'failureDetector.slidingWindowSize', at);
  const failureRateThreshold = read(parts, 'failureDetector.failureRateThreshold', at);
  let minNumOfFailures = read(parts, 'failureDetector.minNumOfFailures', at);
  if (slidingWindowType === 'count') {
    if (parts.minNumOfFailures === undefined) {
      minNumOfFailures = Math.ceil((slidingWindowSize * failureRateThreshold) / 100);
    } else if (minNumOfFailures > slidingWindowSize) {
      const expected = `at most slidingWindowSize (${slidingWindowSize}) in a count window`;
      throw invalid(join(at, 'minNumOfFailures'), expected, minNumOfFailures);
    }
  }
  return {
    slidingWindowType,
    slidingWindowSizeMs: read(parts, 'failureDetector.slidingWindowSizeMs', at),
    slidingWindowSize,
    minNumOfFailures,
    failureRateThreshold,
    slowCallMs: read(parts, 'failureDetector.slowCallMs', at),
    slowCallRateThreshold: read(parts, 'failureDetector.slowCallRateThreshold', at),
    minNumOfSlowCalls: read(parts, 'failureDetector.minNumOfSlowCalls', at),
    detector: detectorOf(parts.detector, at),
    includedErrors: selector(parts, 'includedErrors', at),
    ignoredErrors: selector(parts, 'ignoredErrors', at),
  };
}

function detectorOf(given: unknown, at: string): FailureDetectorOptions['detector'] {
  if (given === undefined || typeof given === 'function') {
    return given as FailureDetectorOptions['detector'];
  }
  throw invalid(join(at, 'detector'), DEFAULTS['failureDetector.detector'].range, given);
}

function selector(parts: Values, name: string, at: string) {
  const value = parts[name];
  return value === undefined ? undefined : compileSelector(value, join(at, name));
}
