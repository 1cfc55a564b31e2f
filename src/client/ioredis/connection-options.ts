import { UnsupportedError } from '../../errors.js';
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

/**
 * Returns the options of ioredis in `given`: an object, a URL, a path or `host:port`, parsed by the
 * library itself. Profiles in `tls` are resolved.
 */
export function ioredisOptions(Redis: IoredisClass, given: unknown, at: string): IoredisOptions {
  const parse = Redis as unknown as new (...args: unknown[]) => { options: IoredisOptions };
  const unconnected = { lazyConnect: true, Connector: NoConnector };
  if (typeof given === 'string') {
    const { options } = new parse(given, unconnected);
    const { options: defaults } = new parse(unconnected);
    const entries = Object.entries(options).filter(
      ([name, value]) => name === 'host' || name === 'port' || value !== defaults[name],
    );
    return withoutAddressBesidePath(Object.fromEntries(entries));
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(at, 'options of ioredis, or a URL', given);
  }
  if (typeof (given as { sendCommand?: unknown }).sendCommand === 'function') {
    throw invalid(at, 'options of ioredis, not a client', given);
  }
  const { options } = new parse({ ...given, ...unconnected });
  const entries = Object.keys(given).map((name) => [name, options[name]]);
  const parsed = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  // Not those of the parsing.
  for (const name of ['lazyConnect', 'Connector'] as const) {
    const own = (given as Record<string, unknown>)[name];
    if (own !== undefined) parsed[name] = own;
  }
  return parsed;
}

function withoutAddressBesidePath({ path, host, port, ...others }: IoredisOptions): IoredisOptions {
  return path === undefined ? { ...others, host, port } : { ...others, path };
}

/** Converts options of ioredis for one server, or for a master behind Sentinel, into a topology. */
export function topologyOf(options: IoredisOptions, at: string): Values {
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
    const { host, port, path } = options;
    const address = path === undefined || path === null ? present({ host, port }) : { path };
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
      host: each.host ?? '127.0.0.1',
      port: each.port ?? 26_379,
    })),
    nodeClientOptions: connectionOf({ ...others, tls: encrypted }),
    sentinelClientOptions: connectionOf({ username, password, tls: sentinelTLS }),
    nodeAddressMap: options.natMap ?? undefined,
  });
  return { topology: 'sentinel', sentinel };
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

/** Without names whose value is undefined, or null, which ioredis treats as absent. */
function present(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  );
}
