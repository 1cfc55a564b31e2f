import { nearestName } from '../../options/check.js';
import { processState } from '../../process-state.js';
import { anyObject, join, plainName, unknownOption, type Values } from '../../validation/check.js';
import { CONNECTION_OPTIONS, isAbsent } from './connection-options.js';
import { INEFFECTIVE } from './ineffective-options.js';
import type { IoredisOptions } from './library.js';

/** Options of a client in ioredis 5 and 6 and in iovalkey, apart from those in other tables. */
const CLIENT_OPTIONS = [
  ...['commandTimeout', 'keyPrefix', 'lazyConnect', 'maxRetriesPerRequest', 'protocol'],
  ...['replyMapping', 'stringNumbers', 'enableAutoPipelining', 'autoPipeliningIgnoredCommands'],
  ...['scripts', 'himportFieldsets', 'showFriendlyErrorStack', 'monitor', 'offlineQueue'],
  ...['commandQueue', 'Connector', 'disconnectTimeout', 'blockingTimeoutGrace'],
  ...['sentinelMaxConnections', 'preferredSlaves', 'allowUsernameInURI'],
];

export const IOREDIS_OPTIONS: readonly string[] = [
  ...CONNECTION_OPTIONS,
  ...CLIENT_OPTIONS,
  ...Object.keys(INEFFECTIVE),
];

/** Options of BullMQ and @fastify/redis, which take them in one object with those of ioredis. */
const OF_WRAPPERS = ['skipVersionCheck', 'skipWaitingForReady', 'namespace', 'closeClient'];

/** Credentials and TLS of sentinels, which belong to all of them. */
const BESIDE_SENTINELS: ReadonlyMap<string, string> = new Map([
  ['username', 'sentinelUsername beside sentinels'],
  ['password', 'sentinelPassword beside sentinels'],
  ['tls', 'sentinelTLS beside sentinels'],
]);

/** An option of other libraries, and what ioredis has in its place. */
interface Foreign {
  /** In words, or the option that takes the same value. */
  readonly meant: string;
  /** The value chooses a server, and not only a database or a user there. */
  readonly isPlace?: boolean;
}

/**
 * Options of other libraries that choose a server, a database or a user. ioredis ignores them, so that
 * commands would go to another place: `localhost`, for instance.
 */
export const OF_OTHER_LIBRARIES: ReadonlyMap<string, Foreign> = new Map<string, Foreign>([
  ['url', { meant: 'a URL in place of the object', isPlace: true }],
  ['uri', { meant: 'a URL in place of the object', isPlace: true }],
  ['socket', { meant: 'host, port, path and tls beside each other', isPlace: true }],
  ['hostname', { meant: 'host', isPlace: true }],
  ['database', { meant: 'db' }],
  ['dbIndex', { meant: 'db' }],
  ['user', { meant: 'username' }],
  ['pass', { meant: 'password' }],
  ['auth_pass', { meant: 'password' }],
  ['auth', { meant: 'password' }],
]);

const OF_OTHER_SENTINELS: ReadonlyMap<string, Foreign> = new Map<string, Foreign>([
  ['url', { meant: 'host and port', isPlace: true }],
  ['uri', { meant: 'host and port', isPlace: true }],
  ['socket', { meant: 'host and port', isPlace: true }],
  ['hostname', { meant: 'host', isPlace: true }],
  ['ip', { meant: 'host', isPlace: true }],
]);

/** The names that may stand in one place. */
interface Names {
  readonly known: readonly string[];
  /** Not known to ioredis, and no reason for a warning. */
  readonly silent: readonly string[];
  readonly foreign: ReadonlyMap<string, Foreign>;
  /** What is meant by other names, in words. */
  readonly meant: ReadonlyMap<string, string>;
}

const OF_IOREDIS: Names = {
  known: IOREDIS_OPTIONS,
  silent: OF_WRAPPERS,
  foreign: OF_OTHER_LIBRARIES,
  meant: new Map(),
};

const OF_A_SENTINEL: Names = {
  known: ['host', 'port', 'family'],
  silent: [],
  foreign: OF_OTHER_SENTINELS,
  meant: BESIDE_SENTINELS,
};

/** Without the option, a server uses these. */
const DEFAULT_PLACE: Readonly<Record<string, unknown>> = { db: 0, username: 'default' };

/**
 * Warns about each name that ioredis does not know, once per process. Throws `InvalidOptionError` for
 * one that would choose another server, database or user in another library. `inherited` are options
 * that `given` overrides.
 */
export function checkNames(
  given: IoredisOptions,
  at: string,
  inherited: IoredisOptions = {},
): void {
  checkAgainst(OF_IOREDIS, given, at, inherited);
  if (!Array.isArray(given.sentinels)) return;
  for (const [index, each] of given.sentinels.entries()) {
    const path = `${join(at, 'sentinels')}[${index}]`;
    const sentinel = anyObject(each, path, 'an object with `host` and `port`');
    checkAgainst(OF_A_SENTINEL, sentinel, path, {});
  }
}

function checkAgainst(
  { known, silent, foreign, meant }: Names,
  given: IoredisOptions,
  at: string,
  inherited: IoredisOptions,
): void {
  for (const [name, value] of Object.entries(given)) {
    if (isAbsent(value) || known.includes(name) || silent.includes(name)) continue;
    const other = foreign.get(name);
    if (other !== undefined && !isHarmless(name, value, other, given, inherited)) {
      throw unknownOption(at, name, `did you mean ${other.meant}`);
    }
    warnAbout(name, at, other?.meant ?? meant.get(name) ?? nearestName(name, known));
  }
}

/** Whether commands go to the same place although ioredis ignores the option. */
function isHarmless(
  name: string,
  value: unknown,
  { meant, isPlace }: Foreign,
  given: IoredisOptions,
  inherited: IoredisOptions,
): boolean {
  if (value === '' || value === false) return true;
  if (!isPlace) {
    // Credentials in one object are no value of an option.
    if (typeof value === 'object') return false;
    const inForce = [given[meant], inherited[meant], DEFAULT_PLACE[meant]];
    return String(value) === String(inForce.find((each) => !isAbsent(each) && each !== ''));
  }
  if (name === 'socket' && typeof value === 'object') {
    const own = value as Values;
    return ['host', 'port', 'path', 'tls'].every((each) => !own[each] || Boolean(given[each]));
  }
  return Boolean(given.host || given.path || given.sentinels);
}

const said = processState('unknown-ioredis-options@1', () => new Set<string>());

/** Names that come from data must not fill the memory. */
const MOST_WARNINGS = 100;

function warnAbout(name: string, at: string, meant: string | undefined): void {
  const plain = plainName(name);
  if (said.has(plain) || said.size >= MOST_WARNINGS) return;
  said.add(plain);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  process.emitWarning(`unknown ioredis option ${join(at, plain)}${hint}`, {
    type: 'RedisMultiDbWarning',
    code: 'REDIS_MULTIDB_IOREDIS_OPTION',
  });
}
