/** What the engine uses of `node:events`, for the browser. */

type Listener = (...args: unknown[]) => unknown;

export class EventEmitter {
  readonly #listeners = new Map<string | symbol, Listener[]>();

  on(name: string | symbol, listener: Listener): this {
    this.#listeners.set(name, [...this.rawListeners(name), listener]);
    return this;
  }

  off(name: string | symbol, listener: Listener): this {
    this.#listeners.set(
      name,
      this.rawListeners(name).filter((each) => each !== listener),
    );
    return this;
  }

  rawListeners(name: string | symbol): Listener[] {
    return this.#listeners.get(name) ?? [];
  }

  listenerCount(name: string | symbol): number {
    return this.rawListeners(name).length;
  }
}

/** Browsers do not warn about many listeners. */
export function setMaxListeners(): void {}
