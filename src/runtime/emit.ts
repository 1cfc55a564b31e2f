import type { EventEmitter } from 'node:events';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';

export type Emit = <Name extends MultiDbEventName>(
  name: Name,
  ...event: MultiDbEvents[Name]
) => void;

/**
 * Emission that can't do harm: a listener that throws or rejects stops neither the other
 * listeners nor the failover that it hears of. What it threw becomes an `error` event; an `error`
 * event without a listener is dropped.
 */
export function safeEmit(emitter: EventEmitter): Emit {
  const report = (error: unknown, name: string) => {
    if (name !== 'error') emit('error', error instanceof Error ? error : new Error(String(error)));
  };

  const emit: Emit = (name, ...event) => {
    for (const listener of emitter.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, emitter, event);
        if (result instanceof Promise) result.catch((error) => report(error, name));
      } catch (error) {
        report(error, name);
      }
    }
  };
  return emit;
}
