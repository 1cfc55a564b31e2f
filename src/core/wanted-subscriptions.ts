import type { SubscriptionKind } from './subscription-kind.js';

/** A listener for `subscribe`: called with a message and its channel. */
// biome-ignore lint/suspicious/noExplicitAny: strings or Buffers, as the caller chose
export type PubSubListener = (message: any, channel: any) => unknown;

/** How a listener receives messages and channels. */
export type MessageMode = 'strings' | 'buffers';

/** A pending call of `subscribe`. Its subscriptions are undone if it fails. */
export interface SubscribingCall {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  readonly mode: MessageMode;
  readonly listener: PubSubListener;
}

interface Registration {
  /** A call that asked for it has succeeded. */
  isEstablished: boolean;
  /** The pending calls that requested it. */
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
  /** Names without listeners. */
  readonly unwanted: readonly string[];
  /** Pending calls that lost one of their names. */
  readonly affected: readonly { readonly call: SubscribingCall; readonly name: string }[];
}

/**
 * The channels, patterns and sharded channels that one client wants, with their listeners. A name
 * is wanted while it has a listener. As in node-redis, a listener exists once per name and mode,
 * however often it was added.
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

  /** Whether the call still wants this name and nobody has unsubscribed it since. */
  wants(call: SubscribingCall, name: string): boolean {
    const registration = this.get(call.kind, name)?.[call.mode].get(call.listener);
    return registration?.calls.has(call) === true;
  }

  /** Adds the subscriptions of a call; until it settles they belong to that call. */
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

  /** The call succeeded; its subscriptions stay. */
  establish(call: SubscribingCall): void {
    for (const name of call.names) {
      const registration = this.get(call.kind, name)?.[call.mode].get(call.listener);
      if (registration?.calls.delete(call)) registration.isEstablished = true;
    }
  }

  /**
   * The call failed; removes subscriptions that no other call requested. Returns the names that are
   * no longer wanted.
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
   * Removes listeners of these names, or of all names of the kind if undefined; this listener in
   * this mode, or every listener if undefined.
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
