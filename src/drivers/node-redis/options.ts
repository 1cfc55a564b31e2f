import type { LookupFunction } from 'node:net';
import * as library from '@redis/client';
import { connectionCredentials } from './credentials.js';
import type { ConnectContext } from './diagnosed-error.js';
import { type ConnectionNames, NamesInUse } from './names-in-use.js';

/** node-redis options of one database, as far as the driver reads them. */
export interface NodeRedisOptions {
  readonly url?: string;
  readonly RESP?: 2 | 3;
  readonly maintNotifications?: 'disabled' | 'enabled' | 'auto';
  readonly disableClientInfo?: boolean;
  readonly clientSideCache?: unknown;
  readonly emitInvalidate?: boolean;
  /** Milliseconds. */
  readonly maintRelaxedCommandTimeout?: number;
  readonly socket?: {
    readonly host?: string;
    readonly port?: number;
    readonly path?: string;
    readonly tls?: boolean;
    readonly connectTimeout?: number;
    readonly socketTimeout?: number;
    readonly reconnectStrategy?: unknown;
    readonly lookup?: LookupFunction;
  };
  /** Not the user's but the driver's: the host names of its database. */
  readonly names?: ConnectionNames;
}

export type ClientOptions = NonNullable<Parameters<typeof library.createClient>[0]>;

/** Keys of `client` that shape the API: they belong to the facade, not to a connection. */
export const API_SHAPING_OPTIONS = [
  ...(['modules', 'scripts', 'functions', 'keyPrefix'] as const),
  ...(['clientSideCache', 'emitInvalidate'] as const),
] as const;

export interface ConnectionSetting {
  readonly options: ClientOptions;
  /** Aborts the socket in whatever state it is, in every version of node-redis. */
  readonly abort: AbortController;
  /** It is ready and leads there; `undefined`: it can't be seen. */
  connectedTo(address: string | undefined): void;
  /** For the diagnosis of a connection that can't be made. */
  readonly context: ConnectContext;
}

/**
 * Options for one connection: a fresh copy, because `createClient` changes the object that it
 * gets. The engine's clock replaces every timer of node-redis, and the engine reconnects.
 */
export function connectionOptions(
  user: NodeRedisOptions,
  reconnectStrategy: (retries: number, cause: Error) => false,
): ConnectionSetting {
  const abort = new AbortController();
  const options: Record<string, unknown> = { ...user };
  for (const key of API_SHAPING_OPTIONS) delete options[key];
  delete options.pingInterval;
  delete options.commandsQueueMaxLength;
  delete options.names;
  const { socketTimeout: _socketTimeout, ...socket } = { ...user.socket, ...unixSocket(options) };
  const { names = new NamesInUse() } = user;
  const { lookup, connectedTo } = names.hook(socket.lookup, abort.signal);
  options.socket = {
    ...socket,
    lookup,
    connectTimeout: 0,
    reconnectStrategy,
    signal: abort.signal,
  };
  if (options.credentialsProvider !== undefined) {
    options.credentialsProvider = connectionCredentials(options.credentialsProvider, abort.signal);
  }
  options.commandOptions = { timeout: 0 };
  options.disableOfflineQueue = true;
  // node-redis would swap sockets below us, and end the process when the new address refuses;
  // `maintenance.ts` follows the announcements instead.
  options.maintNotifications = 'disabled';
  const context = { tls: usesTls(user), wasConnected: names.wasConnected() };
  return { options: options as ClientOptions, abort, connectedTo, context };
}

/** Whether connections with these options are encrypted. */
export function usesTls({ url, socket }: NodeRedisOptions): boolean {
  return socket?.tls === true || url?.startsWith('rediss:') === true;
}

/** The version of the protocol that a client with these options speaks. */
export function respOf({ RESP }: { readonly RESP?: unknown }): unknown {
  return RESP ?? (library as { DEFAULT_RESP?: number }).DEFAULT_RESP ?? 2;
}

/** Version 5 knows no `unix:` URL: it is taken apart here for both. */
function unixSocket(options: Record<string, unknown>): { path?: string } {
  const { url } = options;
  if (typeof url !== 'string' || !url.startsWith('unix:')) return {};
  delete options.url;
  const { username, password, pathname, searchParams } = new URL(
    url
      .replace('unix:', 'http:')
      .replace(/^http:\/\/\//, 'http://x/')
      .replace(/@\//, '@x/'),
  );
  if (username !== '') options.username = decodeURIComponent(username);
  if (password !== '') options.password = decodeURIComponent(password);
  const database = searchParams.get('db');
  if (database !== null) options.database = Number(database);
  return { path: decodeURIComponent(pathname) };
}

/** The user's delay before a reconnect, if a usable one was given. */
export function reconnectDelay(
  strategy: unknown,
  retries: number,
  cause: Error,
): number | undefined {
  let delay = strategy;
  if (typeof strategy === 'function') {
    try {
      delay = strategy(retries, cause);
    } catch {
      return undefined;
    }
  }
  return typeof delay === 'number' && delay >= 0 && delay < 2 ** 31 ? delay : undefined;
}
