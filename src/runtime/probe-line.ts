import type { CommandArgument, Driver, ProbeConnection } from '../drivers/driver.js';

/** Connections that may break under one command of a probe before that is the verdict. */
const MAX_BROKEN = 4;

/**
 * The probe connection of one database, shared by its checks: opened when it is needed, reused,
 * and replaced within the same probe when it breaks, without any backoff, so that a probe fails
 * by what the server does and not by what became of an old connection.
 */
export class ProbeLine {
  readonly #driver: Driver;
  #connection: ProbeConnection | undefined;
  #opening: { readonly abort: AbortController; connection: Promise<ProbeConnection> } | undefined;
  #closed = false;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Makes the next command go over a new connection. */
  renew(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#opening?.abort.abort(new Error('a new connection was asked for'));
    this.#opening = undefined;
  }

  /**
   * Sends over the probe connection. When that breaks, a new one is opened at once: only a
   * refusal, the caller's timeout or an error reply ends it.
   */
  async send(args: readonly CommandArgument[], signal: AbortSignal): Promise<unknown> {
    for (let broken = 0; ; broken += 1) {
      let connection: ProbeConnection | undefined;
      try {
        connection = await this.#open();
        if (signal.aborted) throw signal.reason;
        return await connection.send(args);
      } catch (error) {
        const brokeMeanwhile = connection === undefined ? isCut(error) : !connection.alive;
        if (!brokeMeanwhile || signal.aborted || this.#closed || broken === MAX_BROKEN) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.renew();
  }

  async #open(): Promise<ProbeConnection> {
    if (this.#connection?.alive) return this.#connection;
    if (this.#closed) throw new Error('health checks have ended');
    if (this.#opening === undefined) {
      const abort = new AbortController();
      const opening = { abort, connection: this.#driver.openProbe(abort.signal) };
      this.#opening = opening;
      opening.connection.then(
        (connection) => {
          if (this.#opening !== opening) return connection.destroy();
          this.#opening = undefined;
          this.#connection = connection;
        },
        () => {
          if (this.#opening === opening) this.#opening = undefined;
        },
      );
    }
    return this.#opening.connection;
  }
}

/** Accepted and then cut, as against refused, unreachable or answered by an error. */
function isCut(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
