import type { Timer } from '../../clock.js';
import type { SubscriptionKind } from '../../core/subscription-kind.js';
import type { LoopClock } from '../../loop-clock.js';

/** A call that waits until each of its names has the wanted state, or for its deadline. */
export interface Waiter {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  /** The names that are still missing. */
  readonly missing: Set<string>;
  /** In loop time. */
  deadline: number;
}

/**
 * The calls in progress, in order, with an index by name, so that a reply only costs time for the
 * calls that wait for it, and with one timer for all deadlines.
 */
export class WaitingCalls<W extends Waiter> {
  readonly #all = new Set<W>();
  readonly #byName: Readonly<Record<SubscriptionKind, Map<string, Set<W>>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  #timer: Timer | undefined;

  /** `onDeadline` has to delete the call. */
  constructor(
    private readonly deadlineMs: number,
    private readonly onDeadline: (waiter: W) => void,
  ) {}

  get size(): number {
    return this.#all.size;
  }

  all(): W[] {
    return [...this.#all];
  }

  /** Returns the calls that wait for this name. */
  for(kind: SubscriptionKind, name: string): W[] {
    return [...(this.#byName[kind].get(name) ?? [])];
  }

  add(waiter: W, loop: LoopClock): void {
    waiter.deadline = loop.time + loop.tickMs + this.deadlineMs;
    this.#all.add(waiter);
    for (const name of waiter.missing) this.await(waiter, name);
    if (this.#all.size === 1) this.#arm(loop);
  }

  /** One more name is missing. */
  await(waiter: W, name: string): void {
    waiter.missing.add(name);
    const { [waiter.kind]: names } = this.#byName;
    const waiting = names.get(name);
    if (waiting === undefined) names.set(name, new Set([waiter]));
    else waiting.add(waiter);
  }

  /** A name is not missing any more. Returns true if it was the last one. */
  found(waiter: W, name: string): boolean {
    waiter.missing.delete(name);
    this.#unindex(waiter, name);
    return waiter.missing.size === 0;
  }

  /** Removes a call. Returns false if it has settled already. */
  delete(waiter: W): boolean {
    if (!this.#all.delete(waiter)) return false;
    for (const name of waiter.missing) this.#unindex(waiter, name);
    if (this.#all.size === 0) this.#timer?.cancel();
    return true;
  }

  /** Starts every deadline again, on this clock. */
  restart(loop: LoopClock): void {
    this.#timer?.cancel();
    for (const waiter of this.#all) waiter.deadline = loop.time + loop.tickMs + this.deadlineMs;
    this.#arm(loop);
  }

  #unindex(waiter: W, name: string): void {
    const names = this.#byName[waiter.kind];
    const waiting = names.get(name);
    waiting?.delete(waiter);
    if (waiting?.size === 0) names.delete(name);
  }

  /** Sets the timer for the oldest call: all have the same timeout, so none is due before it. */
  #arm(loop: LoopClock): void {
    this.#timer?.cancel();
    const [oldest] = this.#all;
    if (oldest === undefined) return;
    this.#timer = loop.after(Math.max(oldest.deadline - loop.time, 0), () => {
      for (const waiter of this.#all) {
        if (waiter.deadline > loop.time) break;
        this.onDeadline(waiter);
      }
      this.#arm(loop);
    });
  }
}
