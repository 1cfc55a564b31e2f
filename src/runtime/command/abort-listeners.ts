import { processState } from '../../process-state.js';

/**
 * One listener per signal, however many commands wait on it, because Node.js warns about an
 * eleventh listener as a leak. Shared by all clients of the process.
 */
const listeners = processState(
  'abort-listeners@1',
  () => new WeakMap<AbortSignal, SignalListener>(),
);

/**
 * Calls `onAbort` once when `signal` aborts; the returned function cancels that. Both take constant
 * time.
 */
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

  /** Calls the waiting callbacks in the order in which they were added. */
  readonly #onAbort = () => {
    const due = [...this.#waiting];
    this.#waiting.clear();
    this.#end();
    for (const onAbort of due) onAbort();
  };

  #end(): void {
    listeners.delete(this.signal);
    try {
      this.signal.removeEventListener('abort', this.#onAbort);
    } catch {
      // A signal of the application's own making: its commands have to settle nevertheless.
    }
  }
}
