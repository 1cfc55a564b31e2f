import type { WantedEntry } from '../core/wanted-subscriptions.js';
import type { Emit } from './emit.js';

/**
 * Calls every listener of a channel or pattern. One that throws or rejects keeps neither the others
 * nor the connection from anything: it becomes an `error` event. One that is taken away by another
 * in the meantime is not called, nor is one that is added.
 */
export function deliver(
  { buffers, strings }: WantedEntry,
  message: Buffer | Buffer[] | null,
  channel: Buffer,
  emit: Emit,
): void {
  const call = (listener: (message: unknown, channel: unknown) => unknown, ...args: unknown[]) => {
    const report = (error: unknown) =>
      emit('error', error instanceof Error ? error : new Error(String(error)));
    try {
      const result = listener(args[0], args[1]);
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  };
  const [stringListeners, bufferListeners] = [[...strings.keys()], [...buffers.keys()]];
  for (const listener of bufferListeners) {
    if (buffers.has(listener)) call(listener, message, channel);
  }
  if (stringListeners.length === 0) return;
  const [text, name] = [textOf(message), channel.toString()];
  for (const listener of stringListeners) if (strings.has(listener)) call(listener, text, name);
}

/** `__redis__:invalidate` sends an array, or null. */
function textOf(message: Buffer | Buffer[] | null): string | string[] | null {
  return Array.isArray(message) ? message.map(String) : (message?.toString() ?? null);
}
