import { invalid, join, type Values } from '../../validation/check.js';
import { durationOrNone } from '../../validation/rules.js';
import { numberOf } from './connection-options.js';
import type { IoredisOptions } from './library.js';

/**
 * `parsed` without values that ioredis does not use, and with numbers in place of texts. `given` is what
 * the library has parsed. Throws `InvalidOptionError` for values that no server would accept.
 */
export function checkValues(parsed: IoredisOptions, given: unknown, at: string): IoredisOptions {
  const written = (typeof given === 'object' ? given : parsed) as Values;
  const checked: Record<string, unknown> = { ...parsed };
  // From an environment variable that is not set. ioredis stays in database 0.
  if (written.db === '') delete checked.db;
  const { port, db, commandTimeout } = checked;
  if (isGiven(port) && !isInteger(port, 1, 65_535)) {
    throw invalid(join(at, 'port'), 'an integer from 1 to 65535', written.port);
  }
  if (isGiven(db) && !isInteger(db, 0, Number.MAX_SAFE_INTEGER)) {
    throw invalid(join(at, 'db'), 'the number of a database, 0 or more', written.db);
  }
  if (isGiven(commandTimeout)) {
    const limitMs = numberOf(commandTimeout);
    if (!durationOrNone.accepts(limitMs)) {
      throw invalid(join(at, 'commandTimeout'), durationOrNone.range, commandTimeout);
    }
    checked.commandTimeout = limitMs;
  }
  return checked;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
