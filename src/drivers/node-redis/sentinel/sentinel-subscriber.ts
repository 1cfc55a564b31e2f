import type { SubscriptionKind } from '../../../core/subscription-kind.js';
import type { Subscriber, SubscriberListener } from '../../subscriber.js';
import { NodeRedisSubscriber } from '../client-subscriber.js';
import type { NodeRedisOptions } from '../options.js';
import { type Address, sameAddress } from './address.js';

/** How a subscriber finds and reaches the master. */
export interface SubscriberPath {
  find(signal: AbortSignal): Promise<Address>;
  optionsOf(master: Address): NodeRedisOptions;
  onEnd(subscriber: SentinelSubscriber): void;
}

/** Subscriptions on the master that the Sentinels report; lost when they report another one. */
export class SentinelSubscriber implements Subscriber {
  readonly #abort = new AbortController();
  #master: Address | undefined;
  #inner: NodeRedisSubscriber | undefined;
  #ended: Error | undefined;
  #isReferenced = true;

  constructor(
    private readonly path: SubscriberPath,
    private readonly listener: SubscriberListener,
  ) {
    path
      .find(this.#abort.signal)
      .then((master) => {
        if (this.#ended === undefined) this.#open(master);
      })
      .catch((error: Error) => this.#lose(error));
  }

  get ready(): boolean {
    return this.#inner?.ready ?? false;
  }

  get bytesReceived(): number {
    return this.#inner?.bytesReceived ?? 0;
  }

  subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    return this.#inner?.subscribe(kind, names) ?? this.#notReady();
  }

  unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    return this.#inner?.unsubscribe(kind, names) ?? this.#notReady();
  }

  ping(): Promise<void> {
    return this.#inner?.ping() ?? this.#notReady();
  }

  destroy(error: Error): void {
    if (this.#ended === undefined) this.#end(error);
  }

  ref(): void {
    this.#isReferenced = true;
    this.#inner?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#inner?.unref();
  }

  /** The Sentinels report this master. The subscriber is lost if it leads to another one. */
  follow(master: Address): void {
    if (this.#master === undefined || sameAddress(this.#master, master)) return;
    this.#lose(new Error(`the master has moved to ${master.host}:${master.port}`));
  }

  #open(master: Address): void {
    this.#master = master;
    this.#inner = new NodeRedisSubscriber(this.path.optionsOf(master), {
      settings: this.listener.settings,
      onReady: () => this.listener.onReady(),
      onLost: (error) => this.#lose(error),
      onMessage: (kind, name, message, channel) => {
        if (this.#ended === undefined) this.listener.onMessage(kind, name, message, channel);
      },
      onRevoked: (kind, name) => {
        if (this.#ended === undefined) this.listener.onRevoked(kind, name);
      },
    });
    if (!this.#isReferenced) this.#inner.unref();
  }

  #lose(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.listener.onLost(error);
    this.#end(error);
  }

  #end(error: Error): void {
    this.#ended = error;
    this.#abort.abort(error);
    this.#inner?.destroy(error);
    this.path.onEnd(this);
  }

  #notReady(): Promise<never> {
    return Promise.reject(this.#ended ?? new Error('not connected'));
  }
}
