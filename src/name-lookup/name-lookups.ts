import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { nextToStart } from '../core/lookup-places.js';
import { isError } from '../is-error.js';
import {
  HostName,
  type LookupTrouble,
  type LookupWaiter,
  SILENT_AFTER_MS,
  serve,
  troubleOf,
} from './host-name.js';
import { addressesOf, keyOf, type LookupQuestion, noAddress } from './lookup-question.js';

/**
 * Time in milliseconds after which a lookup is late, so that the last known address is used.
 * Answers come from a nearby cache within a few milliseconds, and across a continent within a tenth
 * of a second; a probe timeout of a quarter of a second still leaves time to connect.
 */
export const LATE_AFTER_MS = 100;

/**
 * Time in milliseconds after which the application's own function is abandoned, because it may
 * never call back. A lookup of the system always ends, and occupies its thread until it does.
 */
export const GIVE_UP_AFTER_MS = 30_000;

/** Maximum number of names that are remembered without being in use. */
const MAX_NAMES = 1000;

export interface NameLookupsSetting {
  readonly clock: Clock;
  /** Timers in loop time, so that a stalled process makes no lookup late. */
  readonly loop: { after(delayMs: number, callback: () => void): Timer };
  /** A function like `dns.lookup`. */
  readonly system: LookupFunction;
}

export interface LookupRequest extends LookupQuestion {
  /** Aborts when the request is no longer needed. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Lookups of host names for a whole process. At most one per name and two in total are in progress
 * (`core/lookup-places.ts`), and all requests for a name share one. While a lookup is late, or
 * after it failed, the last known addresses of the name are used.
 */
export class NameLookups {
  /** Names by their lookup function; those of the system are stored under the setting. */
  readonly #names = new WeakMap<object, Map<string, HostName>>();
  readonly #queue = new Set<HostName>();
  readonly #running = new Set<HostName>();

  constructor(private readonly setting: NameLookupsSetting) {}

  /**
   * Looks a name up. Calls back once, never before it has returned, and not after `signal` has
   * aborted.
   */
  lookup(
    request: LookupRequest,
    callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
  ): void {
    const name = this.#nameOf(request);
    const waiter = this.#join(name, request.signal, true, callback);
    if (waiter === undefined) return;
    this.#request(name);
    if (name.lastKnown !== undefined && this.#isNotWaitedFor(name)) serve(waiter, null, name);
  }

  /**
   * Looks the name up again, in its turn, unless the latest answer is younger than `maxAgeMs`
   * milliseconds. Resolves to the answer and its time, or to `undefined` if the lookup fails or
   * `signal` aborts.
   */
  refresh(
    request: LookupRequest,
    maxAgeMs: number,
  ): Promise<{ readonly addresses: readonly string[]; readonly at: number } | undefined> {
    const name = this.#nameOf(request);
    return new Promise((resolve) => {
      const tell = () => {
        const { lastKnown = [], answeredAt: at } = name;
        resolve({ addresses: lastKnown.map(({ address }) => address), at });
      };
      if (this.setting.clock.now() - name.answeredAt < maxAgeMs) return tell();
      const onAbort = () => resolve(undefined);
      request.signal?.addEventListener('abort', onAbort, { once: true });
      const waiter = this.#join(name, request.signal, false, (error) => {
        request.signal?.removeEventListener('abort', onAbort);
        if (error === null && name.failure === undefined) tell();
        else resolve(undefined);
      });
      if (waiter === undefined) return resolve(undefined);
      return this.#request(name);
    });
  }

  /**
   * Returns the problem with a lookup; `undefined` if the latest one succeeded and none has been
   * pending for long.
   */
  trouble(request: LookupQuestion): LookupTrouble | undefined {
    const name = this.#names.get(request.by ?? this.setting)?.get(keyOf(request));
    return name && troubleOf(name, this.setting.clock.now());
  }

  #nameOf(request: LookupQuestion): HostName {
    const { host, options, by } = request;
    let names = this.#names.get(by ?? this.setting);
    if (names === undefined) {
      names = new Map();
      this.#names.set(by ?? this.setting, names);
    }
    const key = keyOf(request);
    const name = names.get(key) ?? new HostName(host, options, by);
    // The least recently used name comes first.
    names.delete(key);
    names.set(key, name);
    if (names.size > MAX_NAMES) this.#forgetOne(names);
    return name;
  }

  #forgetOne(names: Map<string, HostName>): void {
    for (const [key, { state, waiters }] of names) {
      if (state.kind !== 'idle' || waiters.size > 0) continue;
      names.delete(key);
      return;
    }
  }

  /** Returns `undefined` if the signal has already aborted. */
  #join(
    name: HostName,
    signal: AbortSignal | undefined,
    isWanted: boolean,
    callback: NonNullable<LookupWaiter['callback']>,
  ): LookupWaiter | undefined {
    if (signal?.aborted) return undefined;
    const leave = () => {
      waiter.callback = undefined;
      name.waiters.delete(waiter);
      if (name.state.kind === 'queued' && name.waiters.size === 0) this.#unqueue(name);
    };
    signal?.addEventListener('abort', leave, { once: true });
    const release = () => signal?.removeEventListener('abort', leave);
    const waiter: LookupWaiter = { isWanted, signal, callback, release };
    name.waiters.add(waiter);
    return waiter;
  }

  /** Starts or queues a lookup, unless there is one. */
  #request(name: HostName): void {
    if (name.state.kind === 'idle') this.#enqueue(name);
    this.#startNext();
  }

  #enqueue(name: HostName): void {
    name.state = { kind: 'queued', since: this.setting.clock.now() };
    name.pace = 'prompt';
    this.#queue.add(name);
    name.timer = this.setting.loop.after(LATE_AFTER_MS, () => this.#becomeLate(name));
  }

  #unqueue(name: HostName): void {
    this.#queue.delete(name);
    name.timer?.cancel();
    name.state = { kind: 'idle' };
  }

  /** Whether the last known addresses are used at once, because an answer is not expected soon. */
  #isNotWaitedFor(name: HostName): boolean {
    if (name.pace !== 'prompt' || name.wasSilent) return true;
    return name.state.kind === 'queued' && [...this.#running].some(({ pace }) => pace !== 'prompt');
  }

  #becomeLate(name: HostName): void {
    name.pace = 'late';
    if (name.lastKnown !== undefined) {
      for (const waiter of name.waiters) if (waiter.isWanted) serve(waiter, null, name);
    }
    if (name.state.kind === 'running') this.#awaitSilence(name, SILENT_AFTER_MS - LATE_AFTER_MS);
  }

  #awaitSilence(name: HostName, delayMs: number): void {
    name.timer = this.setting.loop.after(delayMs, () => {
      name.pace = 'silent';
    });
  }

  #startNext(): void {
    for (;;) {
      const waiting = [...this.#queue].filter((name) => !this.#isRunningElsewhere(name));
      const name = nextToStart(waiting, this.#running.size);
      if (name === undefined) return;
      this.#start(name);
    }
  }

  /** Whether another kind of connection is looking up the same host. */
  #isRunningElsewhere({ host, by }: HostName): boolean {
    for (const other of this.#running) {
      if (other.by === by && other.host.toLowerCase() === host.toLowerCase()) return true;
    }
    return false;
  }

  #start(name: HostName): void {
    const { host, options, by } = name;
    const attempt = {};
    const since = name.state.kind === 'queued' ? name.state.since : this.setting.clock.now();
    let timer: Timer | undefined;
    const end = (error: Error | null, found: readonly LookupAddress[]) => {
      timer?.cancel();
      if (name.state.kind === 'running' && name.state.attempt === attempt) {
        this.#finish(name, error, found);
      }
    };
    this.#queue.delete(name);
    this.#running.add(name);
    name.state = { kind: 'running', since, attempt };
    // The lookup became late while it waited for a place.
    if (name.pace === 'late') this.#awaitSilence(name, SILENT_AFTER_MS);
    if (by !== undefined) {
      timer = this.setting.clock.after(GIVE_UP_AFTER_MS, () => {
        end(new Error(`the lookup function has not answered for ${host}`), []);
      });
    }
    const callback: Parameters<LookupFunction>[2] = (error, address, family) => {
      if (error) end(error, []);
      else end(null, addressesOf(address, family));
    };
    try {
      if (by === undefined) this.setting.system(host, { ...options, all: true }, callback);
      else by(host, { ...options }, callback);
    } catch (error) {
      end(isError(error) ? error : new Error(String(error)), []);
    }
  }

  #finish(name: HostName, error: Error | null, found: readonly LookupAddress[]): void {
    name.timer?.cancel();
    this.#running.delete(name);
    name.state = { kind: 'idle' };
    name.wasSilent = name.pace === 'silent';
    name.pace = 'prompt';
    if (found.length > 0) {
      name.lastKnown = found;
      name.answeredAt = this.setting.clock.now();
      name.failure = undefined;
    } else {
      // The answer is empty: Node.js would throw inside a callback.
      name.failure = error ?? noAddress(name.host);
    }
    for (const waiter of name.waiters) {
      serve(waiter, name.hasLastKnown ? null : name.failure, name);
      waiter.release();
    }
    name.waiters.clear();
    this.#startNext();
  }
}
