import type { Timer } from '../../clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Hold } from './hold.js';

/**
 * Schedules the checks for a better database, and decides whether failback is allowed. Databases of
 * the same `failbackCheckIntervalMs` are checked together.
 */
export class FailbackSchedule {
  /** What steering says instead of `failbackSupported`; undefined: nothing. */
  steered: () => boolean | undefined = () => undefined;
  /** What applies unless steering says otherwise: the option, until it is set at run time. */
  configured: boolean;
  /** The next check of each interval; `at` is monotonic time. */
  readonly #next = new Map<number, { readonly at: number; readonly timer: Timer }>();
  #hasStarted = false;

  constructor(
    private readonly runtime: EngineContext,
    private readonly hold: Hold,
    private readonly databases: () => readonly Database[],
    private readonly check: (intervalMs: number) => void,
  ) {
    this.configured = runtime.options.failbackSupported;
  }

  /** Whether automatic failback is on and the active database is not held. */
  get allowed(): boolean {
    return this.supported && !this.hold.lasts;
  }

  /** Whether automatic failback is on. */
  get supported(): boolean {
    return this.steered() ?? this.configured;
  }

  /** Monotonic time of the next check. */
  get nextCheckAt(): number {
    return Math.min(...Array.from(this.#next.values(), ({ at }) => at));
  }

  /** Monotonic time of the next check whether to return to this database. */
  nextCheckOf({ options }: Database): number {
    return this.#next.get(options.failbackCheckIntervalMs)?.at ?? this.nextCheckAt;
  }

  /** Starts checks every `failbackCheckIntervalMs`, each earlier by a random part. */
  start(): void {
    this.#hasStarted = true;
    this.refresh();
  }

  /** A database was added: its interval may be a new one. */
  refresh(): void {
    if (!this.#hasStarted) return;
    for (const { options } of this.databases()) {
      if (!this.#next.has(options.failbackCheckIntervalMs)) {
        this.#schedule(options.failbackCheckIntervalMs);
      }
    }
  }

  stop(): void {
    this.#hasStarted = false;
    for (const { timer } of this.#next.values()) timer.cancel();
    this.#next.clear();
  }

  #schedule(intervalMs: number): void {
    const { clock, random, options } = this.runtime;
    const delayMs = intervalMs * (1 - options.failbackJitter * random());
    const timer = clock.after(delayMs, () => {
      this.#next.delete(intervalMs);
      this.refresh();
      this.check(intervalMs);
    });
    this.#next.set(intervalMs, { at: clock.now() + delayMs, timer });
  }
}
