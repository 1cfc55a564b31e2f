import { mayWriteOtherKeys } from '../../core/cacheable-command.js';
import type { CommandArgument } from '../../core/command-argument.js';
import { commandTraits } from '../../core/command-category.js';
import type { CacheProvider } from '../../drivers/node-redis/tracking.js';

/** A read in flight whose reply may be kept. */
export interface Load {
  /** Of the client that reads. */
  readonly validity: CacheValidityView;
  readonly epoch: object;
  /** With the stamp that each had at the beginning. */
  readonly keys: ReadonlyMap<string, number>;
  readonly shared: boolean;
}

/**
 * Metadata of the values in one cache of node-redis. A client and its duplicates can share a
 * provider. Each gets the invalidations of the keys that it has read itself, so a value is valid
 * only while the connection of the client that read it is.
 */
export class CacheStore {
  readonly loads = new Map<string, Load>();
  /** Clients whose reads are kept or in flight. */
  readonly #validities = new Set<CacheValidityView>();
  /**
   * Keys of what is kept or in progress (as in node-redis, a superset), each with a stamp that no
   * key ever had before: a key that was invalidated is gone, or has another one.
   */
  readonly #known = new Map<string, number>();
  /** By command, oldest first: its keys, and when it was sent, in monotonic milliseconds. */
  readonly #sent = new Map<string, { readonly at: number; readonly keys: Iterable<string> }>();
  #stamps = 0;
  #longestKey = 0;

  constructor(
    /** The cache of node-redis, which the application sees. */
    readonly inner: CacheProvider,
    /** Of the clients that share it. */
    readonly group: object,
    /** Infinity if the cache has its own `ttl`, or none. */
    private readonly maxAgeMs: number,
  ) {}

  begin(id: string, keys: readonly CommandArgument[], load: Omit<Load, 'keys'>): Load {
    const stamped = new Map<string, number>();
    for (const key of keys.map(String)) {
      const stamp = this.#known.get(key) ?? ++this.#stamps;
      this.#known.set(key, stamp);
      stamped.set(key, stamp);
      if (key.length > this.#longestKey) this.#longestKey = key.length;
    }
    const begun = { ...load, keys: stamped };
    this.loads.set(id, begun);
    this.#validities.add(load.validity);
    if (this.maxAgeMs !== Number.POSITIVE_INFINITY) {
      this.#sent.delete(id);
      this.#sent.set(id, { at: load.validity.now(), keys: stamped.keys() });
    }
    return begun;
  }

  /** Whether nothing has happened since the start that would make the reply stale. */
  holds({ validity, epoch, keys }: Load): boolean {
    if (epoch !== validity.epoch) return false;
    for (const [key, stamp] of keys) if (this.#known.get(key) !== stamp) return false;
    return true;
  }

  /** Whether no recent change of a kept value can have been missed. */
  isFresh(reader: CacheValidityView): boolean {
    // First, because a client whose epoch is over drops everything.
    for (const validity of [...this.#validities]) void validity.epoch;
    for (const validity of this.#validities) {
      if (validity !== reader && !validity.isFresh()) return false;
    }
    return reader.isFresh();
  }

  /** Drops values that are too old, because some changes are not announced. */
  expire(now: number): void {
    for (const [id, { at, keys }] of this.#sent) {
      if (now - at <= this.maxAgeMs) return;
      this.#sent.delete(id);
      for (const key of keys) if (this.#known.has(key)) this.invalidate(key);
    }
  }

  /** `null`: everything. */
  invalidate(key: CommandArgument | null): void {
    if (key === null) {
      this.flush();
      return;
    }
    this.#known.delete(String(key));
    this.#drop(key);
  }

  /** Drops values that these writes may have changed. */
  forget(writes: readonly (readonly CommandArgument[])[]): void {
    for (const args of writes) {
      if (commandTraits(args).category === 'admin' || mayWriteOtherKeys(args)) {
        this.flush();
        return;
      }
      for (const arg of args.slice(1)) {
        // A UTF-8 byte sequence is at most four times as long as what it spells.
        if (arg.length > 4 * this.#longestKey) continue;
        const key = String(arg);
        if (this.#known.has(key)) this.invalidate(key);
      }
    }
  }

  flush(): void {
    this.#forgetAll();
    this.#drop(null);
  }

  /**
   * Called when one of the clients is closed: empties the cache with its statistics, as node-redis
   * does.
   */
  close(): void {
    this.#forgetAll();
    safely(() => this.inner.onClose());
  }

  #forgetAll(): void {
    this.loads.clear();
    this.#known.clear();
    this.#sent.clear();
    this.#validities.clear();
    this.#longestKey = 0;
  }

  #drop(key: CommandArgument | null): void {
    safely(() => this.inner.invalidate(key));
  }
}

/** The cache calls listeners of the application; their errors must not reach the caller. */
function safely(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** What the engine reports about the connection that is read from. */
export interface CacheValidityView {
  /** Identity that a client shares with its duplicates; only compared. */
  readonly group: object;
  /**
   * Identity of the connection and of the incarnation of its database; undefined if there is none.
   */
  readonly epoch: object | undefined;
  /** Monotonic milliseconds. */
  now(): number;
  /** A command that was sent at `sentAt` has been answered. */
  prove(epoch: object, sentAt: number): void;
  /** Whether no recent change can have been missed. */
  isFresh(): boolean;
  listen(listener: {
    onFlush(): void;
    onInvalidate(key: CommandArgument | null): void;
    onClose(): void;
  }): void;
}
