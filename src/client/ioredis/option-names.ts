import { distanceOf } from '../../options/check.js';
import { processState } from '../../process-state.js';
import { LONGEST_NAME, plainName, unknownOption } from '../../validation/check.js';
import { CONNECTION_OPTIONS } from './connection-options.js';
import { INEFFECTIVE } from './ineffective-options.js';

/** Options of a client in ioredis 5 and 6 and in iovalkey, apart from those in other tables. */
const CLIENT_OPTIONS = [
  ...['commandTimeout', 'keyPrefix', 'lazyConnect', 'maxRetriesPerRequest', 'protocol'],
  ...['replyMapping', 'stringNumbers', 'enableAutoPipelining', 'autoPipeliningIgnoredCommands'],
  ...['scripts', 'himportFieldsets', 'showFriendlyErrorStack', 'monitor', 'offlineQueue'],
  ...['commandQueue', 'Connector', 'disconnectTimeout', 'blockingTimeoutGrace'],
  ...['sentinelMaxConnections', 'preferredSlaves', 'allowUsernameInURI'],
];

const KNOWN: readonly string[] = [
  ...CONNECTION_OPTIONS,
  ...CLIENT_OPTIONS,
  ...Object.keys(INEFFECTIVE),
];

/**
 * Options of other libraries that choose a server, a database or a user, and what ioredis has in their
 * place. ioredis ignores them, so that commands would go to another place: `localhost`, for instance.
 */
const OF_OTHER_LIBRARIES: ReadonlyMap<string, string> = new Map([
  ['url', 'a URL in place of the object'],
  ['uri', 'a URL in place of the object'],
  ['socket', 'host, port, path and tls beside each other'],
  ['database', 'db'],
  ['user', 'username'],
  ['pass', 'password'],
  ['auth_pass', 'password'],
]);

const said = processState('unknown-ioredis-options@1', () => new Set<string>());

/**
 * Warns about each name that ioredis does not know, once per process. Throws `InvalidOptionError` for
 * one that would choose another server, database or user in another library.
 */
export function checkNames(given: object, at: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || KNOWN.includes(name)) continue;
    const other = OF_OTHER_LIBRARIES.get(name);
    if (other !== undefined) throw unknownOption(at, name, `did you mean ${other}`);
    const plain = plainName(name);
    if (said.has(plain) || said.size >= MOST_WARNINGS) continue;
    said.add(plain);
    const meant = similarTo(name);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    process.emitWarning(`ioredis has no option ${plain}${hint}`, {
      type: 'RedisMultiDbWarning',
      code: 'REDIS_MULTIDB_IOREDIS_OPTION',
    });
  }
}

/** Names that come from data must not fill the memory. */
const MOST_WARNINGS = 100;

function similarTo(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const tolerated = Math.max(2, Math.floor(name.length / 4));
  const [nearest] = KNOWN.map((known) => ({ known, distance: distanceOf(name, known) })).sort(
    (one, two) => one.distance - two.distance,
  );
  return nearest !== undefined && nearest.distance <= tolerated ? nearest.known : undefined;
}
