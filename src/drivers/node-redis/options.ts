import type { LookupFunction } from 'node:net';
import * as library from '@redis/client';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Endpoint } from '../driver.js';
import { connectionCredentials } from './credentials.js';
import type { ConnectContext } from './diagnosed-error.js';
import { type ConnectionNames, NamesInUse } from './names-in-use.js';

/** The node-redis options of one database that the driver reads. */
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
  /** Set by the driver, not by the user: the host names of its database. */
  readonly names?: ConnectionNames;
}

/** Returns options of a connection to `address`; neither argument is changed. */
export function withAddress(
  options: object,
  { host, port }: Endpoint,
  over: NodeRedisOptions = {},
): NodeRedisOptions {
  const { socket, ...others } = options as NodeRedisOptions;
  return { ...others, ...over, socket: { ...socket, host, port } };
}

export type ClientOptions = NonNullable<Parameters<typeof library.createClient>[0]>;

/** Keys of `client` that shape the API: they belong to the facade, not to a connection. */
export const API_SHAPING_OPTIONS = [
  ...(['modules', 'scripts', 'functions', 'keyPrefix'] as const),
  ...(['clientSideCache', 'emitInvalidate'] as const),
] as const;

export interface ConnectionSetting {
  readonly options: ClientOptions;
  /** Aborts the socket in any state, in every version of node-redis. */
  readonly abort: AbortController;
  /**
   * Called when the connection is ready. `address`: where it leads; `undefined` if that is unknown.
   */
  connectedTo(address: string | undefined): void;
  /** For the diagnosis of a connection that fails. */
  readonly context: ConnectContext;
}

/**
 * Returns options for one connection. They are a fresh copy, because `createClient` changes the
 * object that it gets. The engine's clock replaces every timer of node-redis, and the engine
 * reconnects.
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
  // node-redis would swap sockets below the engine, and end the process when the new address
  // refuses; `maintenance.ts` handles the announcements instead.
  options.maintNotifications = 'disabled';
  const context = { tls: usesTls(user), wasConnected: names.wasConnected() };
  return { options: options as ClientOptions, abort, connectedTo, context };
}

/** Whether connections with these options are encrypted. */
export function usesTls({ url, socket }: NodeRedisOptions): boolean {
  return socket?.tls === true || url?.startsWith('rediss:') === true;
}

/** The protocol version that a client with these options speaks. */
export function respOf({ RESP }: { readonly RESP?: unknown }): unknown {
  return RESP ?? (library as { DEFAULT_RESP?: number }).DEFAULT_RESP ?? 2;
}

/** Version 5 does not support `unix:` URLs, so they are parsed here for both versions. */
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

/**
 * The delay before a reconnect by the user's strategy, in milliseconds; `undefined` if it gives no
 * usable one.
 */
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
  return typeof delay === 'number' && delay >= 0 && delay <= MAX_TIMER_MS ? delay : undefined;
}
