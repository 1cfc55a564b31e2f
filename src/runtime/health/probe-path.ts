import { setMaxListeners } from 'node:events';
import type { Connector, ProbeConnection } from '../../drivers/driver.js';

/** The attempt was abandoned for another one. */
export class Renewed extends Error {}

/** One connection, which is opening, open, or no longer usable. */
export class ProbePath {
  readonly opened: Promise<ProbeConnection>;
  #connection: ProbeConnection | undefined;
  #isOver = false;
  readonly #abort = new AbortController();

  constructor(
    driver: Connector,
    /** Monotonic milliseconds. */
    readonly since: number,
    onOpened: ((startedAt: number) => void) | undefined,
  ) {
    // A driver may ask many servers at once.
    setMaxListeners(0, this.#abort.signal);
    this.opened = driver.openProbe(this.#abort.signal);
    this.opened.then(
      (connection) => {
        this.#connection = connection;
        if (this.#isOver) connection.destroy();
        else onOpened?.(since);
      },
      () => {
        this.#isOver = true;
      },
    );
  }

  get isUsable(): boolean {
    return !this.#isOver && this.#connection?.alive !== false;
  }

  /** The connection while it is open and alive. */
  get connection(): ProbeConnection | undefined {
    return this.isUsable ? this.#connection : undefined;
  }

  end(): void {
    this.#isOver = true;
    this.#abort.abort(new Renewed('a new probe connection was asked for'));
    this.#connection?.destroy();
  }
}
