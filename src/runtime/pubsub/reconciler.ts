import type { Clock, Timer } from '../../clock.js';
import { classify } from '../../core/classify.js';
import { HeldSubscriptions, type SubscriptionAction } from '../../core/held-subscriptions.js';
import { SUBSCRIPTION_KINDS, type SubscriptionKind } from '../../core/subscription-kind.js';
import type { WantedSubscriptions } from '../../core/wanted-subscriptions.js';
import type { LibraryErrors } from '../../drivers/driver.js';
import type { Subscriber } from '../../drivers/subscriber.js';

export interface SubscriptionSyncListener {
  /** The server confirmed the action. */
  onConfirmed(kind: SubscriptionKind, names: readonly string[], action: SubscriptionAction): void;
  /** The server refused this name, permanently or because of its current state (`isState`). */
  onRefused(
    kind: SubscriptionKind,
    name: string,
    action: SubscriptionAction,
    error: Error,
    isState: boolean,
  ): void;
  /** An error that is not a reply of the server. */
  onBroken(error: Error): void;
}

/** Maximum number of names in one command. */
const BATCH_SIZE = 1000;
/** Delay before refused names are tried again; it doubles each time. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Subscribes one ready connection to everything that is wanted, and keeps it in sync. Ends with the
 * connection.
 */
export class SubscriptionSync {
  readonly held = new HeldSubscriptions();
  #isClosed = false;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: Timer | undefined;

  constructor(
    private readonly subscriber: Subscriber,
    private readonly driver: LibraryErrors,
    private readonly wanted: WantedSubscriptions,
    private readonly clock: Clock,
    private readonly listener: SubscriptionSyncListener,
  ) {}

  /** Subscribes to everything that is wanted. */
  begin(): void {
    for (const kind of SUBSCRIPTION_KINDS) this.look(kind, this.wanted.names(kind));
  }

  /** These names may have become wanted or unwanted. */
  look(kind: SubscriptionKind, names: Iterable<string>): void {
    if (this.#isClosed) return;
    const todo: Record<SubscriptionAction, string[]> = { subscribe: [], unsubscribe: [] };
    for (const name of names) {
      const action = this.held.next(kind, name, this.wanted.has(kind, name));
      if (action !== undefined) todo[action].push(name);
    }
    for (const action of ['unsubscribe', 'subscribe'] as const) {
      const all = todo[action];
      for (let from = 0; from < all.length; from += BATCH_SIZE) {
        this.#send(action, kind, all.slice(from, from + BATCH_SIZE));
      }
    }
  }

  /** The server has ended a subscription: subscribes again if it is wanted. */
  revoked(kind: SubscriptionKind, name: string): void {
    this.held.revoke(kind, name);
    this.look(kind, [name]);
  }

  close(): void {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
  }

  #send(action: SubscriptionAction, kind: SubscriptionKind, names: readonly string[]): void {
    this.subscriber[action](kind, names).then(
      () => {
        if (this.#isClosed) return;
        for (const name of names) this.held.confirm(kind, name, action);
        this.listener.onConfirmed(kind, names, action);
        this.look(kind, names);
      },
      (error: Error) => {
        if (!this.#isClosed) this.#onError(action, kind, names, error);
      },
    );
  }

  #onError(
    action: SubscriptionAction,
    kind: SubscriptionKind,
    names: readonly string[],
    error: Error,
  ): void {
    const driverKind = this.driver.classify(error);
    if (driverKind !== 'reply' && driverKind !== 'caller') {
      this.listener.onBroken(error);
      return;
    }
    if (names.length > 1) {
      // Finds the refused name by bisection.
      const middle = names.length >> 1;
      this.#send(action, kind, names.slice(0, middle));
      this.#send(action, kind, names.slice(middle));
      return;
    }
    const [name = ''] = names;
    const commandName = action.toUpperCase();
    const { kind: errorKind } = classify(error, { driverKind, written: true, commandName });
    this.held.refuse(kind, name, action);
    this.listener.onRefused(kind, name, action, error, errorKind === 'state-reply');
    // The name may have become unwanted meanwhile.
    if (action === 'subscribe') this.look(kind, names);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed || this.#retryTimer !== undefined) return;
    this.#retryTimer = this.clock.after(this.#retryMs, () => {
      this.#retryTimer = undefined;
      this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
      for (const kind of SUBSCRIPTION_KINDS) {
        const refused = this.held.names(kind, 'refused');
        for (const name of refused) this.held.retry(kind, name);
        this.look(kind, refused);
        // Names that the server refused to unsubscribe.
        this.look(kind, this.held.names(kind, 'subscribed'));
      }
    });
  }
}
