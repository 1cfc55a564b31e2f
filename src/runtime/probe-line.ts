import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../clock.js';
import type { Driver, ProbeConnection } from '../drivers/driver.js';

/** Before a connection that broke is replaced: nothing the first time, then growing pauses. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
/** How long a superseded connection is kept. */
const FORMER_MS = 10_000;

/** The opening was given up for another one. */
class Renewed extends Error {}

/**
 * A connection for the probes of one database, shared by its checks: opened when it is needed,
 * reused, and replaced at once, without any backoff, when it breaks, so that a probe fails by what
 * the server does and not by what became of an old connection.
 */
export class ProbeLine {
  #connection: ProbeConnection | undefined;
  #opening: { readonly abort: AbortController; connection: Promise<ProbeConnection> } | undefined;
  #closed = false;
  #former: { readonly connection: ProbeConnection; readonly timer: Timer } | undefined;

  constructor(
    private readonly driver: Driver,
    private readonly clock: Clock,
    /** A connection was made; the attempt began at this monotonic time. */
    private readonly onOpened: (startedAt: number) => void = () => {},
  ) {}

  get connected(): boolean {
    return this.#connection?.alive === true;
  }

  /** Makes what comes next, and what is under way, use a new connection. */
  renew(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#opening?.abort.abort(new Renewed('a new probe connection was asked for'));
    this.#opening = undefined;
  }

  /**
   * As `renew`, but the present connection stays open for some seconds as `former`: it leads to the
   * same server as the data connections that were opened at about the same time.
   */
  supersede(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.renew();
    if (connection?.alive !== true) return;
    this.#endFormer();
    const timer = this.clock.after(FORMER_MS, () => this.#endFormer());
    this.#former = { connection, timer };
  }

  /** The latest connection that was superseded, as long as it is kept. */
  get former(): ProbeConnection | undefined {
    return this.#former?.connection.alive === true ? this.#former.connection : undefined;
  }

  #endFormer(): void {
    this.#former?.timer.cancel();
    this.#former?.connection.destroy();
    this.#former = undefined;
  }

  /**
   * Runs `action` on the connection, again on a new one as long as it breaks: only a refusal, an
   * error reply or the caller's timeout ends it.
   */
  async use<T>(
    signal: AbortSignal,
    action: (connection: ProbeConnection) => Promise<T>,
  ): Promise<T> {
    for (let broken = 0; ; broken += 1) {
      signal.throwIfAborted();
      let connection: ProbeConnection | undefined;
      try {
        connection = await this.#open();
        signal.throwIfAborted();
        return await action(connection);
      } catch (error) {
        const goOn = connection === undefined ? this.#isCut(error) : !connection.alive;
        if (!goOn || signal.aborted || this.#closed) throw error;
        if (broken > 0) await this.#pause(broken);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.renew();
    this.#endFormer();
  }

  #open(): Promise<ProbeConnection> {
    if (this.#connection?.alive) return Promise.resolve(this.#connection);
    if (this.#closed) return Promise.reject(new Error('health checks have ended'));
    if (this.#opening === undefined) {
      const abort = new AbortController();
      // A driver may ask many servers at once.
      setMaxListeners(0, abort.signal);
      const startedAt = this.clock.now();
      const opening = { abort, connection: this.driver.openProbe(abort.signal) };
      this.#opening = opening;
      opening.connection.then(
        (connection) => {
          if (this.#opening !== opening) return connection.destroy();
          this.#opening = undefined;
          this.#connection = connection;
          this.onOpened(startedAt);
        },
        () => {
          if (this.#opening === opening) this.#opening = undefined;
        },
      );
    }
    return this.#opening.connection;
  }

  /** Accepted and then cut, or given up for a new one; not refused, unreachable or answered. */
  #isCut(error: unknown): boolean {
    return error instanceof Renewed || this.driver.isCut(error);
  }

  #pause(broken: number): Promise<void> {
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(broken - 1, 6), LONGEST_PAUSE_MS);
    return new Promise((resolve) => {
      this.clock.after(ms, resolve);
    });
  }
}
