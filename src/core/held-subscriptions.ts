import type { SubscriptionKind } from './subscription-kind.js';

/** What is known of one name on one connection; without a state it is not subscribed. */
export type HeldState = 'subscribing' | 'subscribed' | 'unsubscribing' | 'refused';

export type SubscriptionAction = 'subscribe' | 'unsubscribe';

const UNDER_WAY = { subscribe: 'subscribing', unsubscribe: 'unsubscribing' } as const;

/**
 * What one connection has of the wanted subscriptions, by what its server confirmed.
 *
 * ```text
 *           subscribe            confirmed
 * (none) ───────────► subscribing ───────► subscribed
 *    ▲                     │ refused           │ unsubscribe
 *    │     retried, or     ▼                   ▼
 *    ├─── not wanted ── refused            unsubscribing
 *    └──────────────────── confirmed ──────────┘      subscribed ── revoked ─► (none)
 * ```
 *
 * For each name at most one command is under way, so that the answers' order can't matter:
 * whoever changes what is wanted asks `next`, and asks again after each answer.
 */
export class HeldSubscriptions {
  readonly #states: Readonly<Record<SubscriptionKind, Map<string, HeldState>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  #subscribing = 0;

  /** Nothing is subscribed or under way. */
  get isEmpty(): boolean {
    const { channel, pattern, shard } = this.#states;
    return channel.size + pattern.size + shard.size === 0;
  }

  /** How many names wait for the server's confirmation that they are subscribed. */
  get subscribing(): number {
    return this.#subscribing;
  }

  state(kind: SubscriptionKind, name: string): HeldState | undefined {
    return this.#states[kind].get(name);
  }

  /** Names of one kind in one state. */
  names(kind: SubscriptionKind, state: HeldState): string[] {
    return [...this.#states[kind]].filter(([, each]) => each === state).map(([name]) => name);
  }

  /** What to ask the server for now, noted as under way; undefined: nothing, or not yet. */
  next(kind: SubscriptionKind, name: string, isWanted: boolean): SubscriptionAction | undefined {
    const state = this.state(kind, name);
    if (state === undefined && isWanted) {
      this.#set(kind, name, 'subscribing');
      return 'subscribe';
    }
    if (state === 'subscribed' && !isWanted) {
      this.#set(kind, name, 'unsubscribing');
      return 'unsubscribe';
    }
    if (state === 'refused' && !isWanted) this.#set(kind, name, undefined);
    return undefined;
  }

  /** The server has done what it was asked for. */
  confirm(kind: SubscriptionKind, name: string, action: SubscriptionAction): void {
    if (this.state(kind, name) !== UNDER_WAY[action]) return;
    this.#set(kind, name, action === 'subscribe' ? 'subscribed' : undefined);
  }

  /** The server refused; what it refuses to unsubscribe is still subscribed. */
  refuse(kind: SubscriptionKind, name: string, action: SubscriptionAction): void {
    if (this.state(kind, name) !== UNDER_WAY[action]) return;
    this.#set(kind, name, action === 'subscribe' ? 'refused' : 'subscribed');
  }

  /** What was refused may be asked for again. */
  retry(kind: SubscriptionKind, name: string): void {
    if (this.state(kind, name) === 'refused') this.#set(kind, name, undefined);
  }

  /** The server has ended it by itself; what is under way is answered all the same. */
  revoke(kind: SubscriptionKind, name: string): void {
    if (this.state(kind, name) === 'subscribed') this.#set(kind, name, undefined);
  }

  #set(kind: SubscriptionKind, name: string, state: HeldState | undefined): void {
    const states = this.#states[kind];
    if (states.get(name) === 'subscribing') this.#subscribing -= 1;
    if (state === 'subscribing') this.#subscribing += 1;
    if (state === undefined) states.delete(name);
    else states.set(name, state);
  }
}
