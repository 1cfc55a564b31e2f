import type { SubscriptionKind } from '../core/subscription-kind.js';
import type { ConnectionSettings } from './connection-settings.js';

/** Never called before `openSubscriber` has returned, nor after `destroy`. */
export interface SubscriberListener {
  /** The settings of the client; absent for connections that belong to no client. */
  readonly settings?: ConnectionSettings | undefined;
  /** Authenticated and able to subscribe. */
  onReady(): void;
  /** The connection was lost, with all its subscriptions. Called once, and last. */
  onLost(error: Error): void;
  /**
   * A message, once for each subscription that it matches. `name` is the subscribed channel or pattern. Must
   * not throw. `__redis__:invalidate` delivers null or an array.
   */
  onMessage(
    kind: SubscriptionKind,
    name: string,
    message: Buffer | Buffer[] | null,
    channel: Buffer,
  ): void;
  /** The server ended a subscription because its slot has moved. */
  onRevoked(kind: SubscriptionKind, name: string): void;
}

/**
 * A connection for subscriptions to a database. It starts to open when it is created, never reconnects and
 * repeats nothing. The engine makes at most one call at a time for each name.
 */
export interface Subscriber {
  /** Ready, and not lost. */
  readonly ready: boolean;
  /** Increases with every byte received; only compared. */
  readonly bytesReceived: number;
  /**
   * Only while `ready`; `names` is not empty. Resolves when the server has confirmed all names; the messages of
   * a name are reported from its confirmation on. Rejects with the refusal of the server, or with the error
   * that ended the connection. After a refusal of several names it is unknown which of them are subscribed; the
   * engine then asks for fewer at a time.
   */
  subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void>;
  /** Like `subscribe`. */
  unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void>;
  /** Pings every server behind the connection; `bytesReceived` increases when one answers. */
  ping(): Promise<void>;
  /** Ends the connection at once. Idempotent; `onLost` is not called. */
  destroy(error: Error): void;
  ref(): void;
  unref(): void;
}
