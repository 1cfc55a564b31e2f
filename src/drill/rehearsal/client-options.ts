/** The options of a client that reaches its databases through proxies, with their own credentials and TLS. */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { systemClock } from '../../clock.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { ValidatedOptions } from '../../options/validate.js';
import type { ProxyTarget } from '../../test-bed/proxy/fault-proxy.js';

type Values = Record<string, unknown>;

/** The address of one database, extracted from node-redis's options, and the remaining options. */
export interface Reached {
  readonly target: ProxyTarget;
  readonly tls: boolean;
  /** Without `url`, `socket.host`, `socket.port` and `socket.path`. */
  readonly client: Values;
}

/** Options that shape an application's API; the drill's load has its own API. */
const SHAPING = [
  'modules',
  'scripts',
  'functions',
  'keyPrefix',
  'commandOptions',
  'clientSideCache',
];

/** `client` are the options of a database of topology `client` or `pool`, as validated. */
export function reach({ client: given }: ResolvedDatabase): Reached {
  const { url, socket: ownSocket, ...client } = given as Values & { url?: string };
  for (const name of [...SHAPING, 'emitInvalidate']) delete client[name];
  const { host, port, path, ...socket } = (ownSocket ?? {}) as Values;
  const target = url === undefined ? targetOf(host, port, path) : fromUrl(url, client);
  const tls = socket.tls === true || url?.startsWith('rediss:') === true;
  return { target, tls, client: { ...client, socket: tls ? secured(socket, target) : socket } };
}

function targetOf(host: unknown, port: unknown, path: unknown): ProxyTarget {
  if (path !== undefined) return { path: String(path) };
  return { host: String(host ?? 'localhost'), port: Number(port ?? 6379) };
}

/** Values in the URL override other options, as in node-redis. */
function fromUrl(url: string, client: Values): ProxyTarget {
  const isPath = url.startsWith('unix:');
  const parsed = new URL(
    isPath
      ? url
          .replace(/^unix:\/\/(?=\/)/, 'http://x')
          .replace(/^unix:/, 'http:')
          .replace('@/', '@x/')
      : url,
  );
  const { username, password, hostname, port, pathname, searchParams } = parsed;
  if (username !== '') client.username = decodeURIComponent(username);
  if (password !== '') client.password = decodeURIComponent(password);
  const database = isPath ? (searchParams.get('db') ?? '') : pathname.slice(1);
  if (database !== '') client.database = Number(database);
  if (isPath) return { path: decodeURIComponent(pathname) };
  return { host: hostname.replace(/^\[|\]$/g, '') || 'localhost', port: Number(port || 6379) };
}

/**
 * Sets the server name: the certificate is the server's, not the proxy's, and its name is verified.
 */
function secured(socket: Values, target: ProxyTarget): Values {
  const host = 'host' in target && target.host !== undefined ? target.host : 'localhost';
  const name = String(socket.servername ?? host);
  return {
    ...socket,
    tls: true,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(name, certificate),
  };
}

/**
 * Returns the given options with the databases behind the proxies; `resolved` is the validated
 * form.
 */
export function throughProxies(
  { options, resolved }: { readonly options: Values; readonly resolved: ValidatedOptions },
  places: readonly { readonly id: string; readonly options: Values }[],
): Values {
  const { client: shared, databases: given, ...rest } = options;
  const { RESP } = (shared ?? {}) as { RESP?: unknown };
  const databases = places.map((place) => {
    const index = resolved.databases.findIndex(({ id }) => id === place.id);
    const own = (given as Values[])[index] ?? {};
    const { healthCheck, failureDetector, gracePeriodMs, failbackCheckIntervalMs } = own;
    return {
      ...place.options,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(failureDetector === undefined ? {} : { failureDetector }),
      ...(gracePeriodMs === undefined ? {} : { gracePeriodMs }),
      ...(failbackCheckIntervalMs === undefined ? {} : { failbackCheckIntervalMs }),
    };
  });
  return { ...rest, ...(RESP === undefined ? {} : { client: { RESP } }), databases };
}

/** Options that only affect how long a failback takes; with long ones a drill would mostly wait. */
const SHORTENED = {
  gracePeriodMs: 3000,
  failbackCheckIntervalMs: 1000,
  delayInBetweenFailoverAttemptsMs: 1000,
} as const;

/** Returns the given options, limited to these values; `resolved` is the validated form. */
export function shortened(options: Values, resolved: ValidatedOptions): Values {
  const current: Readonly<Record<keyof typeof SHORTENED, number>> = {
    ...resolved,
    gracePeriodMs: longestGraceMs(resolved),
    failbackCheckIntervalMs: longestFailbackMs(resolved),
  };
  const changed = Object.entries(SHORTENED).filter(
    ([name, ms]) => current[name as keyof typeof SHORTENED] > ms,
  );
  const databases = (options.databases as Values[]).map((database) => {
    const own = { ...database };
    for (const [name] of changed) delete own[name];
    return own;
  });
  return { ...options, ...Object.fromEntries(changed), databases };
}

/** The longest time between two failback checks of a database. */
export function longestFailbackMs({ databases }: ValidatedOptions): number {
  return Math.max(...databases.map(({ failbackCheckIntervalMs }) => failbackCheckIntervalMs));
}

/** The longest grace period that any database can have. */
export function longestGraceMs({ databases }: ValidatedOptions): number {
  return Math.max(...databases.map(({ gracePeriod }) => gracePeriod.maxMs));
}

/** The shortest grace period that any database can have. */
export function shortestGraceMs({ databases }: ValidatedOptions): number {
  return Math.min(...databases.map(({ gracePeriod }) => gracePeriod.baseMs));
}

/** Returns a function that returns the milliseconds since this call. */
export function stopwatch(): () => number {
  const origin = systemClock.now();
  return () => systemClock.now() - origin;
}
