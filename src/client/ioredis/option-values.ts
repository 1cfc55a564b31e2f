import { invalid, join, type Values } from '../../validation/check.js';
import { durationOrNone, port as portRule } from '../../validation/rules.js';
import { isAbsent, numberOf } from './connection-options.js';
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
  if (!isAbsent(port) && !portRule.accepts(port)) {
    throw invalid(join(at, 'port'), portRule.range, written.port);
  }
  if (!isAbsent(db) && !(Number.isSafeInteger(db) && (db as number) >= 0)) {
    throw invalid(join(at, 'db'), 'the number of a database, 0 or more', written.db);
  }
  if (!isAbsent(commandTimeout)) {
    const limitMs = numberOf(commandTimeout);
    if (!durationOrNone.accepts(limitMs)) {
      throw invalid(join(at, 'commandTimeout'), durationOrNone.range, commandTimeout);
    }
    checked.commandTimeout = limitMs;
  }
  return checked;
}
