import type { CommandArgument } from '../core/command-argument.js';
import type { SubscriptionKind } from '../core/subscription-kind.js';
import type { Subscriber, SubscriberListener } from '../drivers/subscriber.js';
import { FakeErrorReply } from './fake-errors.js';
import { type FakeServer, FakeWire } from './fake-network.js';

const COMMANDS: Readonly<Record<string, readonly ['add' | 'delete', SubscriptionKind]>> = {
  SUBSCRIBE: ['add', 'channel'],
  UNSUBSCRIBE: ['delete', 'channel'],
  PSUBSCRIBE: ['add', 'pattern'],
  PUNSUBSCRIBE: ['delete', 'pattern'],
  SSUBSCRIBE: ['add', 'shard'],
  SUNSUBSCRIBE: ['delete', 'shard'],
};
const SUBSCRIBE = { channel: 'SUBSCRIBE', pattern: 'PSUBSCRIBE', shard: 'SSUBSCRIBE' } as const;
const UNSUBSCRIBE = {
  channel: 'UNSUBSCRIBE',
  pattern: 'PUNSUBSCRIBE',
  shard: 'SUNSUBSCRIBE',
} as const;

type Subscriptions = Readonly<Record<SubscriptionKind, Set<string>>>;

/** The subscribers of a fake server. */
export class FakePubSub {
  /** Names that the server refuses to subscribe to, as by an ACL. */
  readonly denied = new Set<string>();
  readonly #subscriptions = new Map<FakeWire, Subscriptions>();
  readonly #receivers = new Map<FakeWire, SubscriberListener['onMessage']>();

  /** Number of connections that are subscribed to `name`; closed ones do not count. */
  count(kind: SubscriptionKind, name: string): number {
    let count = 0;
    for (const [wire, names] of this.#subscriptions) {
      if (wire.state === 'open' && names[kind].has(name)) count += 1;
    }
    return count;
  }

  attach(wire: FakeWire, onMessage: SubscriberListener['onMessage']): void {
    this.#receivers.set(wire, onMessage);
    this.#subscriptions.set(wire, { channel: new Set(), pattern: new Set(), shard: new Set() });
  }

  detach(wire: FakeWire): void {
    this.#receivers.delete(wire);
    this.#subscriptions.delete(wire);
  }

  /** Executes a subscriber's command; throws if the server refuses it. */
  execute(args: readonly CommandArgument[], wire: FakeWire): unknown {
    const [name, ...names] = args.map(String);
    const command = COMMANDS[name?.toUpperCase() ?? ''];
    if (command === undefined) return 'PONG';
    const [action, kind] = command;
    const denied = names.find((each) => this.denied.has(each));
    if (action === 'add' && denied !== undefined) {
      throw new FakeErrorReply(`NOPERM No permissions to access the '${denied}' channel`);
    }
    for (const each of names) this.#subscriptions.get(wire)?.[kind][action](each);
    return names.length;
  }

  /** Publishes a message; returns the number of subscriptions that received it. */
  publish(channel: string, text: string, sharded = false): number {
    let count = 0;
    const message = Buffer.from(text);
    const send = (wire: FakeWire, kind: SubscriptionKind, name: string) => {
      count += 1;
      const onMessage = this.#receivers.get(wire);
      wire.push(() => onMessage?.(kind, name, message, Buffer.from(channel)));
    };
    for (const [wire, names] of this.#subscriptions) {
      const kind = sharded ? 'shard' : 'channel';
      if (names[kind].has(channel)) send(wire, kind, channel);
      if (sharded) continue;
      for (const pattern of names.pattern) {
        if (matches(pattern, channel)) send(wire, 'pattern', pattern);
      }
    }
    return count;
  }
}

/** Matches a pattern; supports `*` only. */
function matches(pattern: string, channel: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(channel);
}

/** A connection for subscriptions to a fake database. */
export class FakeSubscriber implements Subscriber {
  bytesReceived = 0;
  #ready = false;
  #hasEnded = false;
  readonly #wire: FakeWire;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(
    private readonly server: FakeServer,
    private readonly pubsub: FakePubSub,
    listener: SubscriberListener,
  ) {
    this.#wire = new FakeWire(server, 'subscriber', {
      onOpen: () => {
        this.#ready = true;
        listener.onReady();
      },
      onClosed: (error) => {
        this.#end(error);
        listener.onLost(error);
      },
    });
    pubsub.attach(this.#wire, (...message) => {
      if (this.#hasEnded) return;
      this.bytesReceived += 1;
      listener.onMessage(...message);
    });
  }

  get ready(): boolean {
    return this.#ready;
  }

  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    await this.#send([SUBSCRIBE[kind], ...names]);
  }

  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    await this.#send([UNSUBSCRIBE[kind], ...names]);
  }

  async ping(): Promise<void> {
    await this.#send(['PING']);
  }

  destroy(error: Error): void {
    if (this.#hasEnded) return;
    this.#wire.destroy();
    this.#end(error);
  }

  ref(): void {}

  unref(): void {}

  #send(args: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#wire.send({
        commands: [args],
        isBatch: false,
        sentAt: this.server.clock.now(),
        onAnswer: (answer) => {
          this.#waiting.delete(reject);
          this.bytesReceived += 1;
          if (answer.ok) resolve(answer.reply);
          else reject(answer.error);
        },
      });
    });
  }

  #end(error: Error): void {
    this.#hasEnded = true;
    this.#ready = false;
    this.pubsub.detach(this.#wire);
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}
