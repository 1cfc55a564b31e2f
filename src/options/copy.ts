import type { Values } from '../validation/check.js';

/** Options that are kept by reference: node-redis reads them, and their identity may matter. */
const BY_REFERENCE: ReadonlySet<string> = new Set([
  'modules',
  'scripts',
  'functions',
  'credentialsProvider',
  'himportRegistry',
  'tls',
]);

/**
 * A deep copy: plain objects and arrays are copied. Everything else (class instances, functions,
 * Buffers, signals) and objects that node-redis knows by identity are kept. Names whose value is
 * undefined are removed. For options that are passed to `createClient`, which changes its argument.
 */
export function copyOptions(options: Values): Record<string, unknown> {
  return copy(options, new Map()) as Record<string, unknown>;
}

function copy(value: unknown, seen: Map<object, unknown>): unknown {
  if (!Array.isArray(value) && !isPlain(value)) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    seen.set(value, items);
    for (const item of value) items.push(copy(item, seen));
    return items;
  }
  const copied: Record<string, unknown> = { ...value };
  seen.set(value, copied);
  for (const name of Object.keys(copied)) {
    // A `path: undefined` would make node-redis open a Unix socket.
    if (copied[name] === undefined) delete copied[name];
    else if (!BY_REFERENCE.has(name)) copied[name] = copy(copied[name], seen);
  }
  return copied;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
