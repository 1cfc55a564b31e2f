import type { PubSubListener, WantedEntry } from '../../core/wanted-subscriptions.js';
import { asError, type Emit } from '../safe-emitter.js';

/**
 * Calls every listener of a channel or pattern. A listener that throws or rejects affects neither
 * the others nor the connection: its error becomes an `error` event. A listener that another one
 * removes in the meantime is not called, nor is one that is added.
 */
export function deliver(
  { buffers, strings }: WantedEntry,
  message: Buffer | Buffer[] | null,
  channel: Buffer,
  emit: Emit,
): void {
  // Copies, because listeners may be added and removed meanwhile.
  const bufferListeners = buffers.size === 0 ? NONE : [...buffers.keys()];
  const stringListeners = strings.size === 0 ? NONE : [...strings.keys()];
  for (const listener of bufferListeners) {
    if (buffers.has(listener)) call(listener, message, channel, emit);
  }
  if (stringListeners.length === 0) return;
  const [text, name] = [textOf(message), channel.toString()];
  for (const listener of stringListeners) {
    if (strings.has(listener)) call(listener, text, name, emit);
  }
}

const NONE: readonly PubSubListener[] = [];

function call(listener: PubSubListener, message: unknown, channel: unknown, emit: Emit): void {
  try {
    const result = listener(message, channel);
    if (result instanceof Promise) result.catch((error) => emit('error', asError(error)));
  } catch (error) {
    emit('error', asError(error));
  }
}

/** `__redis__:invalidate` sends an array, or null. */
function textOf(message: Buffer | Buffer[] | null): string | string[] | null {
  return Array.isArray(message) ? message.map(String) : (message?.toString() ?? null);
}
