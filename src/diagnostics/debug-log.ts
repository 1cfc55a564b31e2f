import { debuglog } from 'node:util';
import { cleanText } from '../clean-text.js';
import type { MultiDbEventName } from '../events.js';
import { isError } from '../is-error.js';
import { fieldsOf } from './fields.js';

const log = debuglog('redis-multidb');

/** Prints an event to stderr with `NODE_DEBUG=redis-multidb`. */
export function logEvent(client: string, name: MultiDbEventName, event: readonly unknown[]): void {
  if (log.enabled) log('%s', describeEvent(client, name, event));
}

/** One line: `orders switch from=east to=west reason=health-check cause="east: ..."`. */
export function describeEvent(
  client: string,
  name: MultiDbEventName,
  [payload]: readonly unknown[],
): string {
  const words = Object.entries(fieldsOf(payload)).map(([key, value]) => `${key}=${show(value)}`);
  return [cleanText(client), name, ...words].join(' ');
}

/** The message of an error, without its properties, which may hold secrets. */
function show(value: unknown): string {
  if (isError(value)) return JSON.stringify(cleanText(value.message));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') {
    const text = cleanText(value);
    return /^[\w.:-]+$/.test(text) ? text : JSON.stringify(text);
  }
  if (Buffer.isBuffer(value)) return show(value.toString());
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, each]) => `${key}=${show(each)}`);
    return `{${parts.join(' ')}}`;
  }
  return String(value);
}
