import type { Attributes, Observable } from '@opentelemetry/api';

/** Series that are remembered; past it, those that vanished first are forgotten. */
const MAX_SERIES = 2000;

/**
 * The SDK goes on exporting the last value of a series that is no longer observed. So what a closed
 * client or a removed database had, such as being active, is set to 0.
 */
export class Vanished {
  readonly #known = new Map<string, readonly [Observable, Attributes]>();
  readonly #present = new Set<string>();

  /** Of the collection that is in progress. */
  note(instrument: Observable, name: string, attributes: Attributes): void {
    const key = `${name} ${JSON.stringify(attributes)}`;
    this.#present.add(key);
    this.#known.set(key, [instrument, attributes]);
  }

  /** What has been noted before and not in this collection, which ends. */
  finish(): readonly (readonly [Observable, Attributes])[] {
    const gone = [...this.#known].filter(([key]) => !this.#present.has(key));
    this.#present.clear();
    for (const [key] of gone.slice(0, Math.max(0, this.#known.size - MAX_SERIES))) {
      this.#known.delete(key);
    }
    return gone.map(([, series]) => series);
  }
}
