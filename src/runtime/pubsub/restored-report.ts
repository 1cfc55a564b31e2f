import { cleanText } from '../../clean-text.js';
import { SUBSCRIPTION_KINDS, type SubscriptionKind } from '../../core/subscription-kind.js';
import type { WantedSubscriptions } from '../../core/wanted-subscriptions.js';
import { SubscriptionRefusedError } from '../../errors.js';
import { foreignError } from '../../foreign/foreign-error.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { Emit } from '../safe-emitter.js';
import type { SubscriberConnection } from './subscriber-connection.js';

interface Refusals {
  /** Refusals that an event reported, and that still hold. */
  readonly told: Set<string>;
  /** Refusals that were not reported yet, each with the error of one name. */
  readonly untold: Map<string, { readonly name: string; readonly error: Error }>;
}

/** Emits events when the subscriptions are in force again, and when a server refuses some. */
export class SubscriptionReport {
  #isInForce = false;
  /** Monotonic time since which the subscriptions are no longer in force. */
  #since: number | undefined;
  /** Grows with every `end`. */
  #life = 0;
  #refusals = new WeakMap<Database, Refusals>();

  constructor(
    private readonly runtime: () => EngineContext,
    private readonly emit: Emit,
    private readonly wanted: WantedSubscriptions,
  ) {}

  /** The active database has changed, or its connection was lost. */
  interrupted(now: number): void {
    if (!this.#isInForce) return;
    this.#isInForce = false;
    this.#since = now;
  }

  /** Each wanted name is subscribed or refused on the active database. */
  inForce(line: SubscriberConnection, now: number): void {
    this.#isInForce = true;
    if (this.#since === undefined) return;
    const gapMs = now - this.#since;
    this.#since = undefined;
    // Emitted after the event of the switch.
    const life = this.#life;
    queueMicrotask(() => {
      if (life === this.#life) this.#tellRestored(line, gapMs);
    });
  }

  #tellRestored(line: SubscriberConnection, gapMs: number): void {
    const held = line.sync?.held;
    const refused = SUBSCRIPTION_KINDS.map((kind) => held?.names(kind, 'refused').length ?? 0);
    this.emit('subscriptions-restored', {
      id: line.database.id,
      channels: this.wanted.count('channel') - (refused[0] ?? 0),
      patterns: this.wanted.count('pattern') - (refused[1] ?? 0),
      shardedChannels: this.wanted.count('shard') - (refused[2] ?? 0),
      refused: refused.reduce((sum, count) => sum + count, 0),
      at: timestamp(this.runtime()),
      gapMs,
    });
  }

  /** A server refuses a subscription that another server accepted in an earlier call. */
  refused(line: SubscriberConnection, kind: SubscriptionKind, name: string, error: Error): void {
    const { told, untold } = this.#of(line.database);
    const key = `${kind} ${name}`;
    if (!told.has(key)) untold.set(key, { name, error });
    this.#tell(line);
  }

  accepted(line: SubscriberConnection, kind: SubscriptionKind, names: readonly string[]): void {
    const { told, untold } = this.#of(line.database);
    if (told.size > 0) for (const name of names) told.delete(`${kind} ${name}`);
    if (untold.size > 0) this.#tell(line);
  }

  /** Nothing is wanted, or the client is closed. */
  end(): void {
    this.#isInForce = false;
    this.#since = undefined;
    this.#life += 1;
    this.#refusals = new WeakMap();
  }

  /** Reports refusals once the server has answered for all names. */
  #tell(line: SubscriberConnection): void {
    const { told, untold } = this.#of(line.database);
    if (untold.size === 0 || (line.sync?.held.subscribing ?? 0) > 0) return;
    const refusals = [...untold.values()];
    for (const key of untold.keys()) told.add(key);
    untold.clear();
    const names = refusals.map(({ name }) => name);
    const { id } = line.database;
    const some = names.slice(0, 3).map((name) => cleanText(name, 100));
    const shown = some.join(', ') + (names.length > 3 ? ', ...' : '');
    const message = `${id} refuses ${names.length} subscriptions: ${shown}`;
    const cause = foreignError(refusals[0]?.error);
    const error = new SubscriptionRefusedError(message, names, { databaseId: id, cause });
    this.emit('error', error);
  }

  #of(database: Database): Refusals {
    let refusals = this.#refusals.get(database);
    if (refusals === undefined) {
      refusals = { told: new Set(), untold: new Map() };
      this.#refusals.set(database, refusals);
    }
    return refusals;
  }
}
