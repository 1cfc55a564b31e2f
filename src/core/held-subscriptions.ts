import type { SubscriptionKind } from './subscription-kind.js';

/** State of one name on one connection; a name without a state is not subscribed. */
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
 * For each name at most one command is in progress, so that the answers' order can't matter:
 * whoever changes what is wanted asks `next`, and asks again after each answer.
 */
export class HeldSubscriptions {
  readonly #states: Readonly<Record<SubscriptionKind, Map<string, HeldState>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  #subscribing = 0;

  /** Nothing is subscribed or in progress. */
  get isEmpty(): boolean {
    const { channel, pattern, shard } = this.#states;
    return channel.size + pattern.size + shard.size === 0;
  }

  /** Number of names that wait for the confirmation of their subscription. */
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

  /**
   * The next command for the server, recorded as in flight; undefined if there is none, or not yet.
   */
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

  /** The server has confirmed the command. */
  confirm(kind: SubscriptionKind, name: string, action: SubscriptionAction): void {
    if (this.state(kind, name) !== UNDER_WAY[action]) return;
    this.#set(kind, name, action === 'subscribe' ? 'subscribed' : undefined);
  }

  /** The server refused the command; a name that it refuses to unsubscribe stays subscribed. */
  refuse(kind: SubscriptionKind, name: string, action: SubscriptionAction): void {
    if (this.state(kind, name) !== UNDER_WAY[action]) return;
    this.#set(kind, name, action === 'subscribe' ? 'refused' : 'subscribed');
  }

  /** Refused names may be requested again. */
  retry(kind: SubscriptionKind, name: string): void {
    if (this.state(kind, name) === 'refused') this.#set(kind, name, undefined);
  }

  /** The server has ended the subscription by itself; commands in flight are still answered. */
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
