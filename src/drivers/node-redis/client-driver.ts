import {
  AbortError,
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  ErrorReply,
  ReconnectStrategyError,
  SocketClosedUnexpectedlyError,
  SocketTimeoutError,
  TimeoutError,
  WatchError,
} from '@redis/client';
import type { DriverErrorKind } from '../../core/driver-error-kind.js';
import { addressOf, type ClientOptions } from '../../options/client.js';
import type {
  Connection,
  ConnectionListener,
  Driver,
  DriverTime,
  ProbeConnection,
} from '../driver.js';
import type { Subscriber, SubscriberListener } from '../subscriber.js';
import { NodeRedisConnection } from './client-connection.js';
import { NodeRedisSubscriber } from './client-subscriber.js';
import { isCut } from './diagnosed-error.js';
import { inspectPort } from './inspect-port.js';
import { NamesInUse } from './names-in-use.js';
import { type NodeRedisOptions, reconnectDelay } from './options.js';
import { openProbeConnection } from './probe-connection.js';
import { BrokenStreamError } from './stream-guard.js';

/** node-redis's own default. */
const CONNECT_TIMEOUT_MS = 5000;

const CONNECTION_ERRORS = [
  BrokenStreamError,
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  ReconnectStrategyError,
  SocketClosedUnexpectedlyError,
  SocketTimeoutError,
  TimeoutError,
];

/**
 * Errors for an argument that can't be encoded: it has the wrong type, or is longer than a string
 * may be.
 */
const CALLER_ERRORS = [AbortError, TypeError, RangeError];

/** Driver for one standalone server, through `@redis/client` 5 or 6. */
export class NodeRedisDriver implements Driver {
  readonly address: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly connectTimeoutMs: number;
  readonly names = new NamesInUse();
  private readonly options: NodeRedisOptions;

  constructor(options: NodeRedisOptions) {
    this.options = { ...options, names: this.names };
    this.address = addressOf(options as ClientOptions);
    const isPath = this.address.startsWith('/');
    const colon = this.address.lastIndexOf(':');
    this.host = isPath ? this.address : this.address.slice(0, colon).replace(/^\[|\]$/g, '');
    this.port = isPath ? undefined : Number(this.address.slice(colon + 1));
    const { connectTimeout = CONNECT_TIMEOUT_MS } = options.socket ?? {};
    // 0 means no timeout, as in node-redis.
    this.connectTimeoutMs = connectTimeout || Number.POSITIVE_INFINITY;
  }

  openConnection(listener: ConnectionListener, _time: DriverTime): Connection {
    return new NodeRedisConnection(this.options, listener);
  }

  readonly openIsolated: Driver['openIsolated'] = (listener) =>
    new NodeRedisConnection(this.options, listener);

  openSubscriber(listener: SubscriberListener): Subscriber {
    return new NodeRedisSubscriber(this.options, listener);
  }

  openProbe(signal: AbortSignal): Promise<ProbeConnection> {
    return openProbeConnection(this.options, signal);
  }

  /** A server that receives CLIENT SETINFO tolerates commands that it does not know. */
  get mayBeSentinel(): boolean {
    return this.options.disableClientInfo !== true;
  }

  readonly inspectPort: Driver['inspectPort'] = (signal) =>
    inspectPort({ host: this.host, port: this.port }, this.options, signal);

  reconnectDelay(retries: number, cause: Error): number | undefined {
    return reconnectDelay(this.options.socket?.reconnectStrategy, retries, cause);
  }

  classify(error: unknown): DriverErrorKind | undefined {
    if (error instanceof ErrorReply || error instanceof WatchError) return 'reply';
    if (CONNECTION_ERRORS.some((kind) => error instanceof kind)) return 'connection';
    return CALLER_ERRORS.some((kind) => error instanceof kind) ? 'caller' : undefined;
  }

  isCut(error: unknown): boolean {
    return isCut(error);
  }

  abortError(): Error {
    return new AbortError();
  }
}
