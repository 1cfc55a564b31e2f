/** Where an EventEmitter keeps its listeners. */
const FIELDS = ['_events', '_eventsCount', '_maxListeners'] as const;

/**
 * Makes every view of `emitter`, an object that inherits from it, have the same listeners.
 *
 * An EventEmitter counts its listeners in a field of `this`. Without this, a view would count on its
 * own, and `off()` of what seems to be the last listener would separate the view from the client.
 */
export function shareListeners(emitter: object): void {
  const fields = emitter as Record<(typeof FIELDS)[number], unknown>;
  for (const name of FIELDS) {
    let current = fields[name];
    Object.defineProperty(emitter, name, {
      get: () => current,
      set(value: unknown) {
        current = value;
      },
      configurable: true,
      enumerable: true,
    });
  }
}
