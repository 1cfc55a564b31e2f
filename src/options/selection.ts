import { invalid, type Values } from '../validation/check.js';
import { DEFAULTS } from './defaults.js';

/** A database that could be chosen, as a `selection` function sees it. Frozen. */
export interface SelectionCandidate {
  /** The id of the database. */
  readonly id: string;
  /** The weight that counts; all candidates have the same. */
  readonly weight: number;
  /** Whether the database is active now. */
  readonly active: boolean;
  /** The median of its latest probes in milliseconds; undefined: not known yet. */
  readonly latencyMs: number | undefined;
  /** Number of failures in the sliding window. */
  readonly failures: number;
  /** Number of all outcomes in the sliding window. */
  readonly total: number;
}

/**
 * Returns the id of one of the candidates, which are two or more of equal weight, in order of
 * configuration; `undefined`: the active one stays if it is among them, otherwise the first one is
 * chosen. Synchronous and without side effects. An exception or another value counts as `undefined`,
 * and is reported by the event `error`.
 */
export type SelectionFunction = (candidates: readonly SelectionCandidate[]) => string | undefined;

/** How a database is chosen among those of equal weight. */
export type SelectionSetting = 'first' | 'lowest-latency' | SelectionFunction;

/** Validates `selection` in `values`. */
export function resolveSelection({ selection }: Values): SelectionSetting {
  const { default: byDefault, range } = DEFAULTS.selection;
  if (selection === undefined) return byDefault;
  const isKnown = selection === 'first' || selection === 'lowest-latency';
  if (isKnown || typeof selection === 'function') return selection as SelectionSetting;
  throw invalid('selection', range, selection);
}
