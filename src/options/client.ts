import { isDeepStrictEqual } from 'node:util';
import { anyObject, invalid, join, type Values } from '../validation/check.js';
import { durationOrNone, flag, type Rule } from '../validation/rules.js';
import { checkCache } from './client-cache.js';
import { rejectUnknownNames } from './client-names.js';
import { checkCommandOptions } from './command-options.js';
import { copyOptions } from './copy.js';

/** Validation of the options of the client library, as far as the engine depends on them. */
export type ClientOptions = Record<string, unknown>;

/** Options that shape the API and the replies, with one value for the whole group. */
const SHAPING = [
  ...(['RESP', 'modules', 'scripts', 'functions', 'keyPrefix', 'commandOptions'] as const),
  ...(['clientSideCache', 'emitInvalidate'] as const),
] as const;

/** Options that a URL also contains and overrides: node-redis gives the URL precedence. */
const IN_URL = ['username', 'password', 'credentialsProvider', 'database'] as const;
const ADDRESS = ['host', 'port', 'path'] as const;

/** A validated deep copy of the options at `at`, without names whose value is undefined. */
export function checkClient(value: unknown, at: string): ClientOptions {
  if (value === undefined) return {};
  const given = anyObject(value, at, 'an object with node-redis options');
  if (typeof given.sendCommand === 'function') {
    throw invalid(at, 'an object with node-redis options, not a client', value);
  }
  rejectUnknownNames(given, 'client', at);
  checkCache(given.clientSideCache, join(at, 'clientSideCache'));
  checkCommandOptions(given.commandOptions, join(at, 'commandOptions'));
  if (given.url !== undefined) parseUrl(given.url, join(at, 'url'));
  if (given.socket !== undefined) {
    const socket = anyObject(given.socket, join(at, 'socket'));
    if (socket.reconnectStrategy === false) {
      const expected = 'a strategy; the client never gives up a database';
      throw invalid(join(at, 'socket.reconnectStrategy'), expected, false);
    }
    rejectUnknownNames(socket, 'socket', join(at, 'socket'));
    checkConnectTimeout(socket.connectTimeout, join(at, 'socket.connectTimeout'));
    return copyOptions({ ...given, socket: checkTls(socket, join(at, 'socket')) });
  }
  return copyOptions({ ...given });
}

function checkConnectTimeout(value: unknown, at: string): void {
  const isDuration = durationOrNone.accepts(value);
  if (value === undefined || isDuration) return;
  throw invalid(at, 'milliseconds from 0 (no limit) to 2^31-1', value);
}

/**
 * node-redis treats every value except `true` as "no TLS", and reads TLS options only with it. Here
 * an object means TLS with these options, and any other value is rejected, so that a mistake never
 * sends a password in plain text.
 */
function checkTls({ tls, ...socket }: Values, at: string): Values {
  const isObject = typeof tls === 'object' && tls !== null && !Array.isArray(tls);
  if (tls !== undefined && typeof tls !== 'boolean' && !isObject) {
    throw invalid(join(at, 'tls'), 'true, false, or an object with options of TLS', tls);
  }
  const { tls: _inner, ...options } = (isObject ? tls : {}) as Values;
  const checked = { ...socket, ...options };
  for (const [name, rule] of Object.entries(TLS_RULES)) {
    const value = checked[name as keyof typeof checked];
    if (value !== undefined && !rule.accepts(value))
      throw invalid(join(at, name), rule.range, value);
  }
  return { ...checked, ...(tls === undefined ? {} : { tls: isObject || tls }) };
}

/** Options of TLS that weaken it when their type is wrong. */
const TLS_RULES: Readonly<Record<string, Rule<unknown>>> = {
  rejectUnauthorized: flag,
  checkServerIdentity: {
    range: 'a function',
    accepts: (value): value is unknown => typeof value === 'function',
  },
};

/**
 * The options of one database: `own` overrides `shared`, `socket` option by option. Both come from
 * `checkClient`; the result is a deep copy.
 *
 * Options with which node-redis would reach another server than `own` names are rejected or
 * dropped: in node-redis a URL overrides everything else, and a `path` overrides `host` and `port`.
 */
export function mergeClient(own: ClientOptions, shared: ClientOptions, at: string): ClientOptions {
  rejectShaping(own, shared, at);
  rejectBesideSharedUrl(own, shared, at);

  const inherited = { ...shared };
  if (own.credentialsProvider !== undefined) {
    delete inherited.username;
    delete inherited.password;
  } else if (own.username !== undefined || own.password !== undefined) {
    delete inherited.credentialsProvider;
  }
  const merged: ClientOptions = { ...inherited, ...own };
  if (own.socket !== undefined || shared.socket !== undefined) {
    merged.socket = mergeSocket(own, shared);
  }
  rejectBesideUrl(merged, at);
  return copyOptions(merged);
}

/** The address of the client without credentials: `host:port`, or the path of a Unix socket. */
export function addressOf(client: ClientOptions): string {
  if (client.url !== undefined) return parseUrl(client.url, 'url').address;
  const { path, host, port } = (client.socket ?? {}) as Record<string, unknown>;
  if (path !== undefined) return String(path);
  const shown = typeof host === 'string' && host.includes(':') ? `[${host}]` : host;
  return `${shown ?? 'localhost'}:${port ?? 6379}`;
}

/** `client` without its address, for nodes whose addresses are discovered. */
export function withoutAddress(client: ClientOptions): ClientOptions {
  const { url: _url, socket, ...others } = client;
  if (socket === undefined) return others;
  const { host: _host, port: _port, path: _path, ...rest } = socket as Values;
  return { ...others, socket: rest };
}

/** Rejects options that shape the API, because they have one value for the whole group. */
export function rejectShaping(own: ClientOptions, shared: ClientOptions, at: string): void {
  for (const name of SHAPING) {
    if (own[name] === undefined || isDeepStrictEqual(own[name], shared[name])) continue;
    const expected = 'this option only in the top-level `client`, because it shapes the API';
    throw invalid(join(at, name), expected, own[name]);
  }
}

function rejectBesideSharedUrl(own: ClientOptions, shared: ClientOptions, at: string): void {
  if (shared.url === undefined || own.url !== undefined) return;
  const socket = (own.socket ?? {}) as Values;
  const beside =
    ADDRESS.find((name) => socket[name] !== undefined) ??
    IN_URL.find((name) => own[name] !== undefined);
  if (beside === undefined) return;
  const name = (ADDRESS as readonly string[]).includes(beside) ? `socket.${beside}` : beside;
  const expected =
    'a `url` for this database, because the `url` of the top-level `client` would override it';
  throw invalid(join(at, name), expected, socket[beside] ?? own[beside]);
}

function mergeSocket(own: ClientOptions, shared: ClientOptions): ClientOptions {
  const ownSocket = (own.socket ?? {}) as ClientOptions;
  const inherited = { ...(shared.socket as ClientOptions | undefined) };
  const tcp = ownSocket.host !== undefined || ownSocket.port !== undefined;
  if (own.url !== undefined || ownSocket.path !== undefined) {
    delete inherited.host;
    delete inherited.port;
  }
  if (own.url !== undefined || tcp) delete inherited.path;
  return { ...inherited, ...ownSocket };
}

/** For `tls` node-redis would throw, with the whole URL in the message. */
function rejectBesideUrl(client: ClientOptions, at: string): void {
  if (client.url === undefined) return;
  const { path, tls } = (client.socket ?? {}) as ClientOptions;
  if (path !== undefined) throw invalid(join(at, 'socket.path'), 'nothing beside `url`', path);
  const url = parseUrl(client.url, join(at, 'url'));
  if (tls !== undefined && tls !== url.tls) {
    throw invalid(join(at, 'socket.tls'), `${url.tls}, as the \`url\` says`, tls);
  }
}

/** Of a URL with a host, or after the credentials. */
const BAD_PORT =
  /^rediss?:\/\/(?:.*@)?[^@/?#:]+:(?:\d{6,}|6553[6-9]|655[4-9]\d|65[6-9]\d\d|6[6-9]\d{3}|[7-9]\d{4})(?:[/?#]|$)/i;

/**
 * The address of a URL, and whether it uses TLS. If the URL is invalid, nothing after the scheme is
 * shown.
 */
function parseUrl(value: unknown, at: string): { address: string; tls: boolean } {
  const wrong = () => {
    const expected = 'a URL such as redis://host:6379, rediss://host:6379 or unix:///path';
    const scheme = typeof value === 'string' && /^[a-z]{1,30}:\/\//i.exec(value)?.[0];
    const isText = typeof value === 'string' && value !== '';
    return invalid(at, expected, isText ? `${scheme || ''}***` : value);
  };
  if (typeof value !== 'string') throw wrong();
  if (value.startsWith('unix:')) {
    const path = /^unix:\/\/(?:[^@/]*@)?(\/[^?#]+)/.exec(value)?.[1];
    if (path === undefined || !isDecodable(value)) throw wrong();
    return { address: path, tls: false };
  }
  if (!URL.canParse(value) && BAD_PORT.test(value)) {
    throw invalid(at, 'a URL whose port is at most 65535', '***');
  }
  // Without the slashes a URL has no host: it would lead to this machine.
  if (!/^rediss?:\/\//i.test(value) || !URL.canParse(value)) throw wrong();
  const { protocol, hostname, port, pathname, username, password } = new URL(value);
  // node-redis would throw at each connection.
  if (!/^(\/\d{0,9})?$/.test(pathname) || !isDecodable(username + password)) throw wrong();
  if (hostname === '') throw wrong();
  if (hostname.includes(',')) {
    const expected =
      'a URL with one host; createMultiDbClient() takes several as its only argument';
    throw invalid(at, expected, '***');
  }
  return { address: `${hostname}:${port || 6379}`, tls: protocol === 'rediss:' };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
