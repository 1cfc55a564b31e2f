import type { SubscriptionKind } from './subscription-kind.js';

/** What an application gives to `subscribe`: called with a message and its channel. */
// biome-ignore lint/suspicious/noExplicitAny: strings or Buffers, as the caller chose
export type PubSubListener = (message: any, channel: any) => unknown;

/** How a listener wants messages and channels. */
export type MessageMode = 'strings' | 'buffers';

/** A call of `subscribe` that has not settled. What it asked for is undone when it fails. */
export interface SubscribingCall {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  readonly mode: MessageMode;
  readonly listener: PubSubListener;
}

interface Registration {
  /** A call that asked for it has succeeded. */
  isEstablished: boolean;
  /** The calls under way that asked for it. */
  readonly calls: Set<SubscribingCall>;
}

type Registrations = Map<PubSubListener, Registration>;

/** Listeners of one channel or pattern; never empty. */
export interface WantedEntry {
  readonly strings: Registrations;
  readonly buffers: Registrations;
}

/** What `remove` has changed. */
export interface Removal {
  /** Nobody listens to these any more. */
  readonly unwanted: readonly string[];
  /** Calls under way that one of their names was taken away from. */
  readonly affected: readonly { readonly call: SubscribingCall; readonly name: string }[];
}

/**
 * The channels, patterns and sharded channels that one client wants, with their listeners. A name
 * is wanted as long as it has a listener. A listener is there once for each name and mode, however
 * often it was given, as with node-redis.
 */
export class WantedSubscriptions {
  readonly #entries: Readonly<Record<SubscriptionKind, Map<string, WantedEntry>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  /** How many names are wanted, of all kinds. */
  get size(): number {
    const { channel, pattern, shard } = this.#entries;
    return channel.size + pattern.size + shard.size;
  }

  count(kind: SubscriptionKind): number {
    return this.#entries[kind].size;
  }

  has(kind: SubscriptionKind, name: string): boolean {
    return this.#entries[kind].has(name);
  }

  get(kind: SubscriptionKind, name: string): WantedEntry | undefined {
    return this.#entries[kind].get(name);
  }

  /** Live, in the order in which they were first wanted. */
  names(kind: SubscriptionKind): IterableIterator<string> {
    return this.#entries[kind].keys();
  }

  entries(kind: SubscriptionKind): IterableIterator<[string, WantedEntry]> {
    return this.#entries[kind].entries();
  }

  /** The call still wants this name: nobody has unsubscribed it meanwhile. */
  wants(call: SubscribingCall, name: string): boolean {
    const registration = this.get(call.kind, name)?.[call.mode].get(call.listener);
    return registration?.calls.has(call) === true;
  }

  /** Adds what a call asks for; until it settles it stands on that call. */
  add(call: SubscribingCall): void {
    const { kind, names, mode, listener } = call;
    const entries = this.#entries[kind];
    for (const name of names) {
      let entry = entries.get(name);
      if (entry === undefined) {
        entry = { strings: new Map(), buffers: new Map() };
        entries.set(name, entry);
      }
      const registration = entry[mode].get(listener);
      if (registration !== undefined) registration.calls.add(call);
      else entry[mode].set(listener, { isEstablished: false, calls: new Set([call]) });
    }
  }

  /** The call succeeded: what it asked for stays. */
  establish(call: SubscribingCall): void {
    for (const name of call.names) {
      const registration = this.get(call.kind, name)?.[call.mode].get(call.listener);
      if (registration?.calls.delete(call)) registration.isEstablished = true;
    }
  }

  /**
   * The call failed: takes away what nobody else has asked for. Answers the names that are not
   * wanted any more.
   */
  undo(call: SubscribingCall): string[] {
    const { kind, names, mode, listener } = call;
    return names.filter((name) => {
      const entry = this.get(kind, name);
      const registration = entry?.[mode].get(listener);
      if (entry === undefined || !registration?.calls.delete(call)) return false;
      if (registration.isEstablished || registration.calls.size > 0) return false;
      entry[mode].delete(listener);
      return this.#dropIfEmpty(kind, name, entry);
    });
  }

  /**
   * Takes listeners away: of these names or, if undefined, of all of the kind; this listener in this
   * mode or, if undefined, every one.
   */
  remove(
    kind: SubscriptionKind,
    names?: readonly string[],
    listener?: PubSubListener,
    mode: MessageMode = 'strings',
  ): Removal {
    const unwanted: string[] = [];
    const affected: { call: SubscribingCall; name: string }[] = [];
    for (const name of names ?? [...this.names(kind)]) {
      const entry = this.get(kind, name);
      if (entry === undefined) continue;
      const take = (registrations: Registrations, each: PubSubListener) => {
        for (const call of registrations.get(each)?.calls ?? []) affected.push({ call, name });
        registrations.delete(each);
      };
      if (listener !== undefined) take(entry[mode], listener);
      else {
        for (const registrations of [entry.strings, entry.buffers]) {
          for (const each of [...registrations.keys()]) take(registrations, each);
        }
      }
      if (this.#dropIfEmpty(kind, name, entry)) unwanted.push(name);
    }
    return { unwanted, affected };
  }

  #dropIfEmpty(kind: SubscriptionKind, name: string, entry: WantedEntry): boolean {
    if (entry.strings.size > 0 || entry.buffers.size > 0) return false;
    return this.#entries[kind].delete(name);
  }
}
