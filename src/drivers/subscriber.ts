import type { SubscriptionKind } from '../core/subscription-kind.js';

/** Never called before `openSubscriber` has returned, nor after `destroy`. */
export interface SubscriberListener {
  /** Authenticated and able to subscribe. */
  onReady(): void;
  /** Gone, with all its subscriptions. Told once; nothing else is told after it. */
  onLost(error: Error): void;
  /**
   * A message, once for each subscription that it matches. `name` is what was subscribed to: the
   * channel, or the pattern. Must not throw. `__redis__:invalidate` delivers null or an array.
   */
  onMessage(
    kind: SubscriptionKind,
    name: string,
    message: Buffer | Buffer[] | null,
    channel: Buffer,
  ): void;
  /** The server has ended a subscription by itself: a slot has moved. */
  onRevoked(kind: SubscriptionKind, name: string): void;
}

/**
 * One path for subscriptions to a database. Starts opening when it is made, never reconnects and
 * repeats nothing. For a name that has a call in progress the engine makes no other call.
 */
export interface Subscriber {
  /** Ready, and not lost. */
  readonly ready: boolean;
  /** Grows with what arrives; only compared. */
  readonly bytesReceived: number;
  /**
   * Only while `ready`; `names` is not empty. Resolves when the server has confirmed all of them;
   * their messages are told from each one's confirmation on. Rejects with the server's refusal
   * (which of several names are subscribed is not known then; the engine asks for fewer at a time),
   * or with what ended the connection.
   */
  subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void>;
  /** As `subscribe`. */
  unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void>;
  /** Asks every server behind it for a sign of life; `bytesReceived` grows when one answers. */
  ping(): Promise<void>;
  /** Ends it at once. Idempotent; `onLost` is not called. */
  destroy(error: Error): void;
  ref(): void;
  unref(): void;
}
