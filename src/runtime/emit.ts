import type { EventEmitter } from 'node:events';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';

export type Emit = <Name extends MultiDbEventName>(
  name: Name,
  ...event: MultiDbEvents[Name]
) => void;

/**
 * Emission that can't do harm: a listener that throws or rejects stops neither the other
 * listeners nor the failover that it hears of. What it threw becomes an `error` event; an `error`
 * event without a listener is dropped. What a listener causes is told after what it was told, to
 * every listener.
 */
export function safeEmit(emitter: EventEmitter): Emit {
  const waiting: { readonly name: MultiDbEventName; readonly event: readonly unknown[] }[] = [];
  let isTelling = false;

  const report = (error: unknown, name: string) => {
    if (name !== 'error') emit('error', error instanceof Error ? error : new Error(String(error)));
  };

  const tell = (name: MultiDbEventName, event: readonly unknown[]) => {
    for (const listener of emitter.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, emitter, event);
        if (result instanceof Promise) result.catch((error) => report(error, name));
      } catch (error) {
        report(error, name);
      }
    }
  };

  const emit: Emit = (name, ...event) => {
    waiting.push({ name, event });
    if (isTelling) return;
    isTelling = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      tell(next.name, next.event);
    }
    isTelling = false;
  };
  return emit;
}
