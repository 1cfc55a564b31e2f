/**
 * Whether an instrumentation has replaced a method of node-redis. Instrumentations replace methods
 * by functions, and a method of a class has no `prototype`.
 */
export function isPatched(method: unknown): boolean {
  if (typeof method !== 'function') return false;
  return Object.hasOwn(method, 'prototype') || '__original' in method;
}
