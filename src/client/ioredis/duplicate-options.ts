import { isDeepStrictEqual } from 'node:util';
import { anyObject, invalid } from '../../validation/check.js';
import type { IoredisOptions } from './library.js';
import { checkNames, OF_OTHER_LIBRARIES } from './option-names.js';

/** Options that lead to a server: the databases belong to the group. */
const OF_THE_GROUP = [
  ...['host', 'port', 'path', 'family', 'username', 'password', 'tls', 'db'],
  ...['sentinels', 'name', 'role', 'sentinelUsername', 'sentinelPassword', 'natMap'],
  ...['protocol', 'replyMapping', 'readOnly'],
];

/**
 * The options of a duplicate: `overrides` over those of the original. Throws `InvalidOptionError` for
 * an option that would lead to another server, database or user; equal values are accepted, because
 * libraries pass the options of a client on.
 */
export function duplicateOptions(
  original: IoredisOptions,
  inForce: IoredisOptions,
  overrides: unknown,
): IoredisOptions {
  const given = overrides === undefined ? {} : anyObject(overrides, 'duplicate');
  checkNames(given, 'duplicate', inForce);
  const options: Record<string, unknown> = { ...original };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || name === 'Connector' || OF_OTHER_LIBRARIES.has(name)) continue;
    if (OF_THE_GROUP.includes(name)) {
      if (value === null || isDeepStrictEqual(value, inForce[name])) continue;
      const expected = 'the value of the original: a duplicate uses the databases of its group';
      throw invalid(`duplicate.${name}`, expected, value);
    }
    options[name] = value;
  }
  return options;
}
