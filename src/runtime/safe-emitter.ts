import type { EventEmitter } from 'node:events';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import { isError } from '../is-error.js';

export type Emit = <Name extends MultiDbEventName>(
  name: Name,
  ...event: MultiDbEvents[Name]
) => void;

/**
 * Emits events to the listeners of one or several emitters. A listener that throws or rejects stops
 * neither the other listeners nor the failover that the event reports. Its error becomes an `error`
 * event of its emitter; an `error` event without a listener is dropped. Events that a listener
 * causes are emitted after the current one, to every listener of every emitter.
 *
 * `observe` is called first, once for each event, including the `error` events of listeners that
 * throw; it must not throw.
 */
export class SafeEmitter {
  readonly #waiting: (() => void)[] = [];
  #isTelling = false;

  constructor(private readonly observe?: Emit | undefined) {}

  tell<Name extends MultiDbEventName>(
    emitters: Iterable<EventEmitter>,
    name: Name,
    ...event: MultiDbEvents[Name]
  ): void {
    this.observe?.(name, ...event);
    for (const emitter of emitters) this.#waiting.push(() => this.#emit(emitter, name, event));
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    this.#isTelling = false;
  }

  #emit(emitter: EventEmitter, name: MultiDbEventName, event: readonly unknown[]): void {
    const report = (error: unknown) => {
      if (name === 'error') return;
      this.tell([emitter], 'error', asError(error));
    };
    for (const listener of emitter.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, emitter, event);
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
    }
  }
}

/**
 * Converts a thrown value, which may be anything, to an error; it may not even convert to a string.
 */
export function asError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  try {
    return new Error(String(thrown));
  } catch {
    return new Error('a value that is not an Error', { cause: thrown });
  }
}

/** `SafeEmitter` for one emitter. */
export function safeEmit(emitter: EventEmitter, observe?: Emit): Emit {
  const safe = new SafeEmitter(observe);
  return (name, ...event) => safe.tell([emitter], name, ...event);
}
