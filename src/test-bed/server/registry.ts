/** Everything the kit has started and not yet ended, for `stopAll()` after each test. */

/** Something that can be ended at once, leaving nothing behind. Must be idempotent. */
export interface Disposable {
  dispose(): Promise<void>;
}

const KEY = Symbol.for('redis-multidb.test-kit.registry');
const shared = globalThis as { [KEY]?: Set<Disposable> };

/** On globalThis, because test runners load modules more than once per process. */
const started = (): Set<Disposable> => {
  shared[KEY] ??= new Set();
  return shared[KEY];
};

export function register(item: Disposable): void {
  started().add(item);
}

export function unregister(item: Disposable): void {
  started().delete(item);
}

/** Kills every server, frozen ones too, closes every proxy and removes all their directories. */
export async function stopAll(): Promise<void> {
  const items = [...started()];
  started().clear();
  await Promise.all(items.map((item) => item.dispose()));
}
