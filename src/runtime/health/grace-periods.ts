import type { Timer } from '../../clock.js';
import { nextGrace } from '../../core/grace-period.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';

/** Grace periods. During one the database is not eligible; at its end the breaker closes. */
export class GracePeriods {
  readonly #timers = new Map<Database, Timer>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly onEnd: () => void,
  ) {}

  begin(database: Database): void {
    const { gracePeriod } = database.options;
    database.latestGrace = nextGrace(gracePeriod, database.latestGrace, this.runtime.clock.now());
    database.graceEndsAt = database.latestGrace.endsAt;
    this.#watch(database);
  }

  /** Ends a grace period early. */
  end(database: Database): void {
    this.forget(database);
    database.graceEndsAt = 0;
    if (!database.circuit.close(this.runtime.clock.now())) return;
    if (database.health === 'healthy') database.failingSince = undefined;
    const at = timestamp(this.runtime);
    this.runtime.emit('breaker-closed', { id: database.id, at, failures: 0, total: 0 });
  }

  forget(database: Database): void {
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
  }

  #watch(database: Database): void {
    this.forget(database);
    const leftMs = database.graceEndsAt - this.runtime.clock.now();
    const delayMs = Math.min(Math.max(Math.ceil(leftMs), 0), MAX_TIMER_MS);
    const timer = this.runtime.clock.after(delayMs, () => {
      if (database.graceEndsAt > this.runtime.clock.now()) {
        this.#watch(database);
        return;
      }
      this.end(database);
      this.onEnd();
    });
    this.#timers.set(database, timer);
  }
}
