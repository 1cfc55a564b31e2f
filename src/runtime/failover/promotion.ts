import type { Timer } from '../../clock.js';
import { foreignError } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import type { ProbeTarget } from '../../health-strategies/strategy.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from '../health/health-monitor.js';
import type { Route } from '../route.js';

/** Between two attempts to reach the database, in milliseconds. */
const RETRY_MS = 1000;
/** Within this time after a promotion the database is known to take writes, in milliseconds. */
const NOTICE_MS = 1000;

/** What makes a promotion unnecessary, and what waits for its end. */
export interface PromotionHost {
  /** Whether a database that takes writes becomes active as soon as it is ready. */
  readonly awaitsWritable: boolean;
  /** Called when `isUnderWay` has become false. */
  evaluate(): void;
}

/**
 * Calls `onPromotionNeeded` once for each outage of writes: from the moment at which a database that
 * serves reads only is active until one that takes writes is.
 */
export class Promotion {
  #outage: AbortController | undefined;
  /** The database that `onPromotionNeeded` is about to be called for. */
  #next: Database | undefined;
  #isUnderWay = false;
  #notice: Timer | undefined;

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'options' | 'emit'>,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
    private readonly host: PromotionHost,
  ) {}

  /** Whether `onPromotionNeeded` has been called and may still lead to a promotion. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Looks at the active database. `cause`: why it became active. */
  look(route: Route | undefined, cause?: string): void {
    const active = route?.database;
    // While no database serves, the outage goes on.
    if (active === undefined) return;
    // Another one is active before the call was made: that is the one to be promoted now.
    if (!active.readOnly || (this.#next !== undefined && this.#next !== active)) this.end();
    if (active.readOnly && this.#outage === undefined) {
      this.#outage = new AbortController();
      this.#next = active;
      this.#call(active, cause ?? `${active.id} refuses writes`, this.#outage.signal);
    }
  }

  end(): void {
    this.#isUnderWay = false;
    this.#next = undefined;
    this.#outage?.abort(ownError('writes are possible again, or the client was closed'));
    this.#outage = undefined;
    this.#notice?.cancel();
    this.#notice = undefined;
  }

  #call(database: Database, cause: string, signal: AbortSignal): void {
    const { clock, options, emit } = this.runtime;
    const { onPromotionNeeded } = options;
    const monitor = this.monitors.get(database);
    if (onPromotionNeeded === undefined || monitor === undefined) return;
    const { id } = database;
    const call = async () => {
      const { sendCommand } = await this.#reach(monitor, signal);
      if (signal.aborted) return;
      this.#next = undefined;
      this.#isUnderWay = true;
      await onPromotionNeeded(Object.freeze({ id, cause, signal, sendCommand }));
    };
    // After the switch is complete: the application may do anything.
    clock.afterTurn(() => {
      if (signal.aborted) return;
      call().then(
        () => {
          if (signal.aborted) return;
          this.#notice = clock.after(NOTICE_MS, () => this.#conclude(signal));
        },
        (error) => {
          if (signal.aborted) return;
          emit('error', foreignError(error) as Error);
          this.#conclude(signal);
        },
      );
    });
  }

  /** No promotion is to be expected any more. */
  #conclude(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#isUnderWay = false;
    this.host.evaluate();
  }

  /**
   * The database over a new connection, which is tried again until one answers, and until no database
   * that takes writes is about to become active.
   */
  async #reach({ sideCommands }: HealthMonitor, signal: AbortSignal): Promise<ProbeTarget> {
    for (;;) {
      try {
        if (!this.host.awaitsWritable) {
          const target = await sideCommands.target(signal);
          if (!this.host.awaitsWritable) return target;
        }
      } catch (error) {
        if (signal.aborted) throw error;
      }
      await this.#pause(signal);
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.runtime.clock.after(RETRY_MS, () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      });
      const giveUp = () => {
        timer.cancel();
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
