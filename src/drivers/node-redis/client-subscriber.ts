import type { Socket } from 'node:net';
import type { SubscriptionKind } from '../../core/subscription-kind.js';
import { foreignError } from '../../foreign/foreign-error.js';
import { NOT_FOLLOWING } from '../connection-settings.js';
import type { Subscriber, SubscriberListener } from '../subscriber.js';
import type { InnerClient } from './inner-client.js';
import { discardClient, newClient } from './new-client.js';
import { connectionOptions, type NodeRedisOptions } from './options.js';
import { SocketUse } from './socket-use.js';

/** node-redis's names for the kinds of subscription. */
export const PUBSUB_TYPE = { channel: 'CHANNELS', pattern: 'PATTERNS', shard: 'SHARDED' } as const;

type BufferListener = (message: Buffer, channel: Buffer) => void;

/** node-redis's record of one channel or pattern. */
interface ChannelListeners {
  unsubscribing: boolean;
  readonly buffers: Set<BufferListener>;
  readonly strings: Set<never>;
}

/** The pub/sub methods that versions 5 and 6 have in common. */
interface PubSubClient {
  extendPubSubListeners(type: string, listeners: Map<string, ChannelListeners>): Promise<void>;
  getPubSubListeners(type: string): Map<string, ChannelListeners>;
}

/**
 * One connection for subscriptions: a node-redis client that connects once and never again.
 *
 * Listeners are passed to node-redis before it sends the command, by `extendPubSubListeners`. Its
 * `subscribe` activates them only when the last channel of a call is confirmed, which would lose
 * messages that arrive on the other channels before that.
 */
export class NodeRedisSubscriber implements Subscriber {
  readonly #client: InnerClient;
  readonly #listener: SubscriberListener;
  readonly #use: SocketUse;
  readonly #socket: Socket | undefined;
  readonly #abort: AbortController;
  #ready = false;
  #ended: Error | undefined;
  #isOpening = true;
  #stopFollowing = NOT_FOLLOWING;

  constructor(options: NodeRedisOptions, listener: SubscriberListener) {
    this.#listener = listener;
    const setting = connectionOptions(options, (_retries, cause) => {
      this.#lose(cause);
      return false;
    });
    this.#abort = setting.abort;
    this.#client = newClient(setting.options);
    this.#use = new SocketUse(this.#client);
    this.#client.on('error', (error: Error) => this.#lose(error));
    this.#client.on('ready', () => {
      if (this.#ended !== undefined) return;
      this.#ready = true;
      setting.connectedTo(this.#socket?.remoteAddress);
      this.#use.apply();
      this.#stopFollowing =
        listener.settings?.follow((args) => {
          this.#client.sendCommand([...args]).catch(() => {});
        }) ?? NOT_FOLLOWING;
      listener.onReady();
    });
    this.#client.on('sharded-channel-moved', (channel: string) => {
      if (this.#ended === undefined) listener.onRevoked('shard', channel);
    });
    this.#socket = this.#use.open(() => {
      this.#client.connect().catch((error: Error) => this.#lose(error));
    });
    this.#isOpening = false;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesReceived(): number {
    return this.#use.bytesReceived;
  }

  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const client = this.#client as unknown as PubSubClient;
    const type = PUBSUB_TYPE[kind];
    try {
      await client.extendPubSubListeners(
        type,
        new Map(names.map((name) => [name, this.#listeners(kind, name)])),
      );
    } catch (error) {
      // Otherwise node-redis would assume on the next call that it is already subscribed.
      for (const name of names) client.getPubSubListeners(type).delete(name);
      throw this.#ended ?? error;
    }
  }

  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const channels = [...names];
    try {
      if (kind === 'channel') await this.#client.unsubscribe(channels);
      else if (kind === 'pattern') await this.#client.pUnsubscribe(channels);
      else await this.#client.sUnsubscribe(channels);
    } catch (error) {
      throw this.#ended ?? error;
    }
  }

  async ping(): Promise<void> {
    await this.#client.sendCommand(['PING']);
  }

  destroy(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#ready = false;
    this.#stopFollowing();
    discardClient(this.#client, this.#abort);
  }

  ref(): void {
    this.#use.ref();
  }

  unref(): void {
    this.#use.unref();
  }

  #listeners(kind: SubscriptionKind, name: string): ChannelListeners {
    const onMessage: BufferListener = (message, channel) => {
      if (this.#ended === undefined) this.#listener.onMessage(kind, name, message, channel);
    };
    return { unsubscribing: false, buffers: new Set([onMessage]), strings: new Set() };
  }

  #lose(cause: Error): void {
    if (this.#ended !== undefined) return;
    const error = foreignError(cause);
    this.#ended = error;
    this.#ready = false;
    this.#stopFollowing();
    if (this.#isOpening) queueMicrotask(() => this.#listener.onLost(error));
    else this.#listener.onLost(error);
    discardClient(this.#client, this.#abort);
  }
}
