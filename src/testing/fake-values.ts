import { FakeErrorReply } from './fake-errors.js';

/** What a key of a fake database holds. */
export type Value = string | string[] | Map<string, string> | Set<string> | SortedSet;

/** Members with their scores. */
export class SortedSet extends Map<string, number> {
  /** By score, then by name. */
  sorted(): [string, number][] {
    return [...this].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : a > b ? 1 : 0));
  }
}

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';

/** The values of a fake database, with times to live. */
export class FakeValues {
  readonly #values = new Map<string, Value>();
  readonly #expiry = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  get(key: string): Value | undefined {
    const expiresAt = this.#expiry.get(key);
    if (expiresAt !== undefined && expiresAt <= this.now()) this.delete(key);
    return this.#values.get(key);
  }

  /** A new value has no time to live. An empty collection does not exist. */
  set(key: string, value: Value): void {
    this.#expiry.delete(key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    this.#expiry.delete(key);
    return this.#values.delete(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  keys(): string[] {
    return [...this.#values.keys()].filter((key) => this.has(key));
  }

  clear(): void {
    this.#values.clear();
    this.#expiry.clear();
  }

  /** `undefined`: for ever. */
  expireAt(key: string, at: number | undefined): void {
    if (at === undefined) this.#expiry.delete(key);
    else this.#expiry.set(key, at);
  }

  expiresAt(key: string): number | undefined {
    return this.#expiry.get(key);
  }

  string(key: string): string | undefined {
    const value = this.get(key);
    if (value !== undefined && typeof value !== 'string') throw new FakeErrorReply(WRONG_TYPE);
    return value;
  }

  /** Keeps the time to live. */
  change(key: string, value: string): void {
    const at = this.#expiry.get(key);
    this.set(key, value);
    this.expireAt(key, at);
  }

  list(key: string): string[] {
    return this.#collection(key, Array.isArray, () => []);
  }

  hash(key: string): Map<string, string> {
    const isHash = (value: Value): value is Map<string, string> =>
      value instanceof Map && !(value instanceof SortedSet);
    return this.#collection(key, isHash, () => new Map());
  }

  members(key: string): Set<string> {
    return this.#collection(
      key,
      (value) => value instanceof Set,
      () => new Set(),
    );
  }

  sortedSet(key: string): SortedSet {
    return this.#collection(
      key,
      (value) => value instanceof SortedSet,
      () => new SortedSet(),
    );
  }

  /** Stores a collection that `change` may fill or empty; returns what `change` returns. */
  update<C extends string[] | Map<string, unknown> | Set<string>, T>(
    key: string,
    collection: C,
    change: (collection: C) => T,
  ): T {
    const result = change(collection);
    const size = Array.isArray(collection) ? collection.length : collection.size;
    if (size === 0) this.delete(key);
    else if (!this.has(key)) this.set(key, collection as unknown as Value);
    return result;
  }

  #collection<C extends Value>(key: string, fits: (value: Value) => value is C, none: () => C): C {
    const value = this.get(key);
    if (value === undefined) return none();
    if (!fits(value)) throw new FakeErrorReply(WRONG_TYPE);
    return value;
  }
}
