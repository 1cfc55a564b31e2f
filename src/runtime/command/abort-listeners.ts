/**
 * One listener for each signal, however many commands wait on it: Node.js warns about an eleventh
 * as a leak. Shared by all clients of the process.
 */
const listeners = new WeakMap<AbortSignal, SignalListener>();

/** Has `onAbort` called once when `signal` aborts; the answer takes that back. Both constant time. */
export function onceAborted(signal: AbortSignal, onAbort: () => void): () => void {
  let listener = listeners.get(signal);
  if (listener === undefined) {
    listener = new SignalListener(signal);
    listeners.set(signal, listener);
  }
  return listener.add(onAbort);
}

class SignalListener {
  readonly #waiting = new Set<() => void>();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.#onAbort);
  }

  add(onAbort: () => void): () => void {
    this.#waiting.add(onAbort);
    return () => {
      if (this.#waiting.delete(onAbort) && this.#waiting.size === 0) this.#end();
    };
  }

  /** In the order in which they came. */
  readonly #onAbort = () => {
    const due = [...this.#waiting];
    this.#waiting.clear();
    this.#end();
    for (const onAbort of due) onAbort();
  };

  #end(): void {
    listeners.delete(this.signal);
    this.signal.removeEventListener('abort', this.#onAbort);
  }
}
