import type { SwitchEvent } from '../../events.js';

/** The last switches, oldest first; constant memory. */
export class SwitchHistory {
  readonly #switches: SwitchEvent[] = [];

  constructor(private readonly size = 20) {}

  add(event: SwitchEvent): void {
    this.#switches.push(event);
    if (this.#switches.length > this.size) this.#switches.shift();
  }

  get switches(): readonly SwitchEvent[] {
    return [...this.#switches];
  }
}
