import { isUtf8 } from 'node:buffer';
import { ErrorReply } from '@redis/client';
import type { SubscriptionKind } from '../../core/subscription-kind.js';
import type { PubSubListener } from '../../core/wanted-subscriptions.js';
import { UnsupportedError } from '../../errors.js';
import type { Subscriptions } from '../../runtime/pubsub/subscriptions.js';
import type { IoredisCommand, IoredisInstance } from './library.js';

const KINDS: Readonly<Record<string, SubscriptionKind>> = {
  subscribe: 'channel',
  unsubscribe: 'channel',
  psubscribe: 'pattern',
  punsubscribe: 'pattern',
  ssubscribe: 'shard',
  sunsubscribe: 'shard',
};

/**
 * Subscriptions of an ioredis client over those of the engine: `message`, `pmessage` and `smessage`
 * events and their Buffer variants. The client stays usable for other commands while it is
 * subscribed.
 */
export class IoredisPubSub {
  readonly #names: Readonly<Record<SubscriptionKind, Map<string, PubSubListener>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  constructor(
    private readonly redis: IoredisInstance,
    private readonly subscriptions: Subscriptions,
  ) {}

  /** Whether the client has subscriptions. */
  get isActive(): boolean {
    const { channel, pattern, shard } = this.#names;
    return channel.size + pattern.size + shard.size > 0;
  }

  /** Performs a command of the SUBSCRIBE family; resolves to the number of subscriptions. */
  async perform({ name, args }: IoredisCommand): Promise<number | string> {
    const command = name.toLowerCase();
    const kind = KINDS[command] as SubscriptionKind;
    if (args.some((each) => typeof each !== 'string' && !isUtf8(each))) {
      throw new UnsupportedError(`${command}: the name of a channel or a pattern has to be text`);
    }
    const names = args.map(String);
    const isEnd = command.includes('unsub');
    if (!isEnd && names.length === 0) {
      // The text of the server.
      throw new ErrorReply(`ERR wrong number of arguments for '${command}' command`);
    }
    const done = isEnd ? this.#unsubscribe(kind, names) : this.#subscribe(kind, names);
    // After this command, and not after those that follow it.
    const count = this.#count(kind);
    await done;
    return this.redis.options.stringNumbers === true ? String(count) : count;
  }

  async #subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const held = this.#names[kind];
    const fresh = new Set<string>();
    const calls = names.map((name) => {
      let listener = held.get(name);
      if (listener === undefined) {
        listener = kind === 'pattern' ? this.#ofPattern(name) : this.#ofChannel(kind);
        held.set(name, listener);
        fresh.add(name);
      }
      return this.subscriptions.subscribe(kind, [name], listener, 'buffers');
    });
    const results = await Promise.allSettled(calls);
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      const name = names[index] as string;
      if (fresh.has(name)) held.delete(name);
      throw result.reason;
    }
  }

  async #unsubscribe(kind: SubscriptionKind, given: readonly string[]): Promise<void> {
    const held = this.#names[kind];
    const names = given.length === 0 ? [...held.keys()] : given;
    const calls = names.map((name) => {
      const listener = held.get(name);
      held.delete(name);
      return listener && this.subscriptions.unsubscribe(kind, [name], listener, 'buffers');
    });
    await Promise.all(calls);
  }

  /** Channels and patterns share one count. */
  #count(kind: SubscriptionKind): number {
    const { channel, pattern, shard } = this.#names;
    return kind === 'shard' ? shard.size : channel.size + pattern.size;
  }

  #ofChannel(kind: SubscriptionKind): PubSubListener {
    const { redis } = this;
    const event = kind === 'shard' ? 'smessage' : 'message';
    return (message: Buffer | Buffer[] | null, channel: Buffer) => {
      // Texts are only made for those who listen to them.
      if (redis.listenerCount(event) > 0) redis.emit(event, channel.toString(), textOf(message));
      redis.emit(`${event}Buffer`, channel, message);
    };
  }

  #ofPattern(pattern: string): PubSubListener {
    const { redis } = this;
    return (message: Buffer, channel: Buffer) => {
      if (redis.listenerCount('pmessage') > 0) {
        redis.emit('pmessage', pattern, channel.toString(), textOf(message));
      }
      redis.emit('pmessageBuffer', pattern, channel, message);
    };
  }
}

function textOf(message: Buffer | Buffer[] | null): string {
  return message === null ? '' : String(message);
}
