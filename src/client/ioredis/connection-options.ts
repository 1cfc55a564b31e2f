import { type InvalidOptionError, UnsupportedError } from '../../errors.js';
import { invalid, join, type Values } from '../../validation/check.js';
import type { IoredisClass, IoredisOptions } from './library.js';

/**
 * Options of ioredis that lead to a server, or shape one connection. All others belong to a client.
 */
export const CONNECTION_OPTIONS: ReadonlySet<string> = new Set([
  ...['host', 'port', 'path', 'family', 'username', 'password', 'tls', 'db', 'connectionName'],
  ...['connectTimeout', 'keepAlive', 'noDelay', 'disableClientInfo', 'clientInfoTag', 'role'],
  ...['sentinels', 'name', 'natMap', 'sentinelUsername', 'sentinelPassword', 'sentinelTLS'],
  ...['enableTLSForSentinelMode', 'readOnly'],
]);

/** The option with which ioredis gets an object in place of a connector. */
class NoConnector {}

const UNCONNECTED = { lazyConnect: true, Connector: NoConnector };

type Parser = new (...args: unknown[]) => { options: IoredisOptions };

/** In place of a host and a port that a URL does not name. */
const NO_HOST = 'no host';
const NO_PORT = -1;

const EXPECTED = 'options of ioredis, or a URL';

/**
 * Returns the options of ioredis in `given`: an object, a URL, a path or `host:port`, parsed by the
 * library itself. Profiles in `tls` are resolved. Throws `InvalidOptionError`.
 */
export function ioredisOptions(Redis: IoredisClass, given: unknown, at: string): IoredisOptions {
  if (typeof given === 'string') return ofText(Redis, given, at);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(at, EXPECTED, given);
  }
  if (typeof (given as { sendCommand?: unknown }).sendCommand === 'function') {
    throw invalid(at, 'options of ioredis, not a client', given);
  }
  const { options } = new (parserOf(Redis))({ ...given, ...UNCONNECTED });
  const entries = Object.keys(given).map((name) => [name, options[name]]);
  const parsed = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  // Not those of the parsing.
  for (const name of ['lazyConnect', 'Connector'] as const) {
    const own = (given as Record<string, unknown>)[name];
    if (own !== undefined) parsed[name] = own;
  }
  return parsed;
}

/** The value of each option that is not given, as far as the library has one. */
export function defaultOptions(Redis: IoredisClass): IoredisOptions {
  return new (parserOf(Redis))(UNCONNECTED).options;
}

/**
 * The class of the library itself. The constructor of an application's subclass may take other
 * arguments, connect, or do more than parse.
 */
function parserOf(Redis: IoredisClass): Parser {
  let parser: object = Redis;
  while (!Object.hasOwn(parser, 'Command')) {
    const parent: object | null = Object.getPrototypeOf(parser);
    if (parent === null) return Redis as unknown as Parser;
    parser = parent;
  }
  return parser as Parser;
}

function ofText(Redis: IoredisClass, given: string, at: string): IoredisOptions {
  if (given.trim() === '') throw invalid(at, EXPECTED, given);
  const parse = parserOf(Redis);
  const defaults = defaultOptions(Redis);
  let options: IoredisOptions;
  try {
    ({ options } = new parse(given, { ...UNCONNECTED, host: NO_HOST, port: NO_PORT }));
  } catch {
    // The error of the library contains the URL, and with it the password.
    throw invalid(at, `${EXPECTED} such as redis://host:6379`, shown(given));
  }
  const { host, port } = options;
  if (host !== undefined && host === /^([a-z][a-z0-9+.-]*):\/\//i.exec(given)?.[1]) {
    throw invalid(
      at,
      'a URL whose scheme the library knows, such as redis: or rediss:',
      shown(given),
    );
  }
  const changed = Object.entries(options).filter(
    ([name, value]) => name !== 'host' && name !== 'port' && value !== defaults[name],
  );
  const others: IoredisOptions = Object.fromEntries(changed);
  if (others.path !== undefined) return others;
  const isHostless = host === NO_HOST;
  return {
    ...others,
    ...(isHostless ? {} : { host }),
    ...(port === NO_PORT ? (isHostless ? {} : { port: defaults.port }) : { port }),
  };
}

/** A text that may contain a password, as an error may show it. */
export function shown(given: unknown): unknown {
  return typeof given === 'string' && !given.includes('://') ? 'a string' : given;
}

const ADDRESS =
  'an address: `host` and `port`, `path`, `sentinels` with `name`, or a URL in place of the object';

/** The error for a database without an address: in ioredis it would be this machine. */
export function withoutAddress(at: string, given: unknown): InvalidOptionError {
  return invalid(at, ADDRESS, shown(given));
}

/**
 * Converts options of ioredis for one server, or for a master behind Sentinel, into a topology. `given`
 * is what stands at `at`. Throws `InvalidOptionError`.
 */
export function topologyOf(options: IoredisOptions, at: string, given: unknown): Values {
  if (options.readOnly === true) {
    throw invalid(join(at, 'readOnly'), 'false, because all commands go to the master', true);
  }
  if (options.role !== undefined && options.role !== 'master') {
    throw invalid(join(at, 'role'), "'master', because all commands go to it", options.role);
  }
  if (options.Connector !== undefined) {
    throw new UnsupportedError(`${at}.Connector: connections are made by the engine`);
  }
  const { sentinels } = options;
  if (sentinels === undefined || sentinels === null) {
    const address = addressIn(options);
    if (Object.keys(address).length === 0) throw withoutAddress(at, given);
    const client = connectionOf(options);
    return { topology: 'client', client: { ...client, socket: { ...client.socket, ...address } } };
  }
  if (!Array.isArray(sentinels)) {
    throw invalid(join(at, 'sentinels'), 'an array of `{ host, port }`', sentinels);
  }
  const { tls, ...others } = options;
  const { sentinelUsername: username, sentinelPassword: password, sentinelTLS } = options;
  const encrypted = options.enableTLSForSentinelMode === true ? tls : undefined;
  const sentinel = present({
    name: options.name,
    sentinelRootNodes: sentinels.map((each: Values) => ({
      host: each.host || '127.0.0.1',
      port: numberOf(each.port || 26_379),
    })),
    nodeClientOptions: connectionOf({ ...others, tls: encrypted }),
    sentinelClientOptions: connectionOf({ username, password, tls: sentinelTLS }),
    nodeAddressMap: options.natMap ?? undefined,
  });
  return { topology: 'sentinel', sentinel };
}

/** The place of a server: what is empty, ioredis does not use either. */
function addressIn({ host, port, path }: IoredisOptions): Values {
  if (path) return { path };
  return present({ host: host || undefined, port: port === '' ? undefined : port });
}

/** A number that is written as a text, as in an environment variable. */
export function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

/** The options of node-redis for a connection, without an address. */
export function connectionOf(options: IoredisOptions): Values & { socket: Values } {
  const { tls, family, keepAlive, noDelay, connectTimeout } = options;
  const encrypted = typeof tls === 'object' && tls !== null ? { ...tls, tls: true } : { tls };
  const socket = present({
    ...(tls ? encrypted : {}),
    family: family || undefined,
    noDelay,
    connectTimeout,
    ...(typeof keepAlive === 'number' && keepAlive > 0
      ? { keepAlive: true, keepAliveInitialDelay: keepAlive }
      : {}),
  });
  const others = present({
    // Empty in a URL such as `redis://:password@host`: the default user.
    username: options.username || undefined,
    password: options.password || undefined,
    database: options.db,
    name: options.connectionName,
    disableClientInfo: options.disableClientInfo,
    clientInfoTag: options.clientInfoTag,
  });
  return { ...others, socket };
}

/** Without names whose value is absent. */
export function present(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !isAbsent(value)));
}

/** ioredis treats null like undefined. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
