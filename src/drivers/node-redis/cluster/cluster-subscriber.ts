import { hashSlot } from '../../../core/hash-slot.js';
import type { SubscriptionKind } from '../../../core/subscription-kind.js';
import { ownError } from '../../../foreign/own-error.js';
import type { Subscriber, SubscriberListener } from '../../subscriber.js';
import { NodeRedisSubscriber } from '../client-subscriber.js';
import type { ClusterNode } from './node.js';
import { isRedirection, redirectedTooOften } from './redirection.js';
import type { ClusterSlots } from './slots.js';

/** A subscriber connection to one node. */
interface NodeSubscriber {
  readonly node: ClusterNode;
  readonly inner: NodeRedisSubscriber;
  /** Rejects if the connection is lost before it is ready. */
  readonly ready: Promise<void>;
}

/**
 * Subscriptions to a cluster. Channels and patterns use one master, because the nodes forward
 * messages to each other; sharded channels use the master of their slot. The subscriber is lost as
 * a whole with any of its connections: the engine then opens another one and subscribes again.
 */
export class ClusterSubscriber implements Subscriber {
  readonly #nodes = new Map<string, NodeSubscriber>();
  /** Sharded channels, each with the connection that it is subscribed on. */
  readonly #shards = new Map<string, NodeSubscriber>();
  readonly #stopListening: () => void;
  #plain: NodeSubscriber | undefined;
  #ready = false;
  #ended: Error | undefined;
  #referenced = true;
  #bytes = 0;

  constructor(
    private readonly slots: ClusterSlots,
    private readonly listener: SubscriberListener,
  ) {
    this.#stopListening = slots.listen(() => this.#follow());
    const known = slots.known ? slots.rediscover() : slots.open();
    known.then(
      () => this.#begin(),
      (error: Error) => this.#lose(error),
    );
  }

  get ready(): boolean {
    return this.#ready;
  }

  get bytesReceived(): number {
    let bytes = this.#bytes;
    for (const { inner } of this.#nodes.values()) bytes += inner.bytesReceived;
    return bytes;
  }

  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (kind !== 'shard') return this.#plainInner.subscribe(kind, names);
    await Promise.all(bySlot(names).map((group) => this.#subscribeShard(group)));
  }

  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (kind !== 'shard') return this.#plainInner.unsubscribe(kind, names);
    await Promise.all(
      bySlot(names).map(async (group) => {
        const held = this.#shards.get(group[0] as string);
        for (const name of group) this.#shards.delete(name);
        await held?.inner.unsubscribe(kind, group);
      }),
    );
  }

  async ping(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(({ inner }) => inner.ping()));
  }

  destroy(error: Error): void {
    if (this.#ended === undefined) this.#end(error);
  }

  ref(): void {
    this.#referenced = true;
    for (const { inner } of this.#nodes.values()) inner.ref();
  }

  unref(): void {
    this.#referenced = false;
    for (const { inner } of this.#nodes.values()) inner.unref();
  }

  get #plainInner(): NodeRedisSubscriber {
    if (this.#plain === undefined || this.#ended !== undefined) {
      throw this.#ended ?? ownError('the connection for subscriptions is not ready');
    }
    return this.#plain.inner;
  }

  #begin(): void {
    if (this.#ended !== undefined) return;
    const [node] = this.slots.someMasters(1);
    this.#plain = this.#subscriberOf(node as ClusterNode);
    this.#plain.ready.then(
      () => {
        if (this.#ended !== undefined) return;
        this.#ready = true;
        this.listener.onReady();
      },
      () => {},
    );
  }

  async #subscribeShard(names: readonly string[]): Promise<void> {
    const slot = hashSlot(names[0] as string);
    for (let tries = 1; ; tries += 1) {
      const node = this.slots.ownerOf(slot);
      if (node === undefined) throw new Error(`no node serves the slot of ${names[0]}`);
      const held = this.#subscriberOf(node);
      try {
        await held.ready;
        await held.inner.subscribe('shard', names);
        if (this.#ended !== undefined) throw this.#ended;
        for (const name of names) this.#shards.set(name, held);
        return;
      } catch (error) {
        if (this.#ended !== undefined || !isRedirection(error)) throw this.#ended ?? error;
        if (tries > this.slots.maxRedirections) throw redirectedTooOften(error);
        await this.slots.rediscover(node);
      }
    }
  }

  #subscriberOf(node: ClusterNode): NodeSubscriber {
    let held = this.#nodes.get(node.address);
    if (held !== undefined) return held;
    let inner: NodeRedisSubscriber | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      let wasReady = false;
      inner = new NodeRedisSubscriber(this.slots.optionsOf(node, false), {
        settings: this.listener.settings,
        onReady: () => {
          wasReady = true;
          node.failing = false;
          resolve();
        },
        onLost: (error) => {
          if (!wasReady) node.failing = true;
          reject(error);
          this.#lose(error);
        },
        onMessage: (kind, name, message, channel) => {
          if (this.#ended === undefined) this.listener.onMessage(kind, name, message, channel);
        },
        onRevoked: (kind, name) => this.#revoke(kind, name),
      });
    });
    ready.catch(() => {});
    held = { node, inner: inner as unknown as NodeRedisSubscriber, ready };
    if (!this.#referenced) held.inner.unref();
    this.#nodes.set(node.address, held);
    return held;
  }

  /** The server ended the subscription because its slot moved; the engine will subscribe again. */
  #revoke(kind: SubscriptionKind, name: string): void {
    if (this.#ended !== undefined) return;
    this.#shards.delete(name);
    const tell = () => {
      if (this.#ended === undefined) this.listener.onRevoked(kind, name);
    };
    this.slots.rediscover().then(tell, tell);
  }

  /** Handles nodes that have left, or were replaced while they were silent. */
  #follow(): void {
    if (this.#ended !== undefined || !this.slots.known) return;
    const { addresses } = this.slots;
    if (this.#plain !== undefined && !addresses.has(this.#plain.node.address)) {
      this.#lose(new Error(`${this.#plain.node.address} left the cluster`));
      return;
    }
    for (const [name, held] of [...this.#shards]) {
      if (this.slots.ownerOf(hashSlot(name))?.address === held.node.address) continue;
      this.#shards.delete(name);
      held.inner.unsubscribe('shard', [name]).catch(() => {});
      this.listener.onRevoked('shard', name);
    }
    for (const [address, { inner }] of this.#nodes) {
      if (addresses.has(address)) continue;
      this.#nodes.delete(address);
      this.#bytes += inner.bytesReceived;
      inner.destroy(new Error(`${address} left the cluster`));
    }
  }

  #lose(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#end(error);
    this.listener.onLost(error);
  }

  #end(error: Error): void {
    this.#bytes = this.bytesReceived;
    this.#ended = error;
    this.#ready = false;
    this.#stopListening();
    const stations = [...this.#nodes.values()];
    this.#nodes.clear();
    this.#shards.clear();
    for (const { inner } of stations) inner.destroy(error);
  }
}

/** Groups names by hash slot, because one call can only name one slot. */
function bySlot(names: readonly string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const name of names) {
    const slot = hashSlot(name);
    groups.set(slot, [...(groups.get(slot) ?? []), name]);
  }
  return [...groups.values()];
}
