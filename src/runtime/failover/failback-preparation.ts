import { foreignReason } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import type { BeforeFailback } from '../../options/before-failback.js';
import type { Database, TurnEnd } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthMonitor } from '../health/health-monitor.js';
import { orAborted } from '../health/or-aborted.js';

/** Of one end of a database's turn: `beforeFailback` runs once for each. */
type State =
  | { readonly kind: 'running'; readonly startedAt: number; readonly controller: AbortController }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly why: string; readonly at: number };

/** What `explain()` says of a database that is not taken for the sake of `beforeFailback`. */
export type PreparationReport =
  | { readonly kind: 'running'; readonly startedAt: number }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Runs `beforeFailback` for databases that were left, before a failback takes them again. A failover,
 * the last resort and the recovery after an outage do not wait for it, because an outage is worse.
 */
export class FailbackPreparation {
  readonly #states = new Map<TurnEnd, State>();

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'options'>,
    private readonly monitors: ReadonlyMap<Database, HealthMonitor>,
  ) {}

  /**
   * Whether the database may be taken. If not, `beforeFailback` is started, and `onDone` follows
   * when it has succeeded, `onFailed` when it has failed. After a failure it is started again with `again`, or after
   * `failbackCheckIntervalMs`: without automatic failback there are no checks.
   */
  isDone(
    database: Database,
    onDone: () => void,
    again: boolean,
    onFailed: () => void = () => {},
  ): boolean {
    const { turnEnd, options } = database;
    if (turnEnd === undefined || options.beforeFailback === undefined) return true;
    const state = this.#states.get(turnEnd);
    if (state?.kind === 'done') return true;
    const { clock } = this.runtime;
    const isDue =
      state?.kind === 'failed' &&
      (again || clock.now() - state.at >= options.failbackCheckIntervalMs);
    if (state === undefined || isDue) {
      this.#forgetOthers(turnEnd, database);
      void this.#run(database, turnEnd, options.beforeFailback, onDone, onFailed);
    }
    return false;
  }

  /** Whether `beforeFailback` must succeed before the database may be taken. */
  isOwed({ turnEnd, options }: Database): boolean {
    if (turnEnd === undefined || options.beforeFailback === undefined) return false;
    return this.#states.get(turnEnd)?.kind !== 'done';
  }

  report({ turnEnd }: Database): PreparationReport | undefined {
    const state = turnEnd && this.#states.get(turnEnd);
    return state === undefined || state.kind === 'done' ? undefined : state;
  }

  /** Gives up what runs for a database that was taken, removed or replaced. */
  forget(turnEnd: TurnEnd | undefined): void {
    const state = turnEnd && this.#states.get(turnEnd);
    if (state?.kind === 'running') state.controller.abort(ownError('no longer wanted'));
    if (turnEnd !== undefined) this.#states.delete(turnEnd);
  }

  end(): void {
    for (const turnEnd of [...this.#states.keys()]) this.forget(turnEnd);
  }

  #forgetOthers(turnEnd: TurnEnd, { id }: Database): void {
    for (const other of [...this.#states.keys()]) {
      if (other !== turnEnd && other.id === id) this.forget(other);
    }
  }

  async #run(
    database: Database,
    turnEnd: TurnEnd,
    beforeFailback: BeforeFailback,
    onDone: () => void,
    onFailed: () => void,
  ): Promise<void> {
    const { clock, options } = this.runtime;
    const controller = new AbortController();
    const { signal } = controller;
    const running: State = { kind: 'running', startedAt: clock.now(), controller };
    this.#states.set(turnEnd, running);
    const { beforeFailbackTimeoutMs: ms } = options;
    const timer = clock.after(ms, () => controller.abort(ownError(`no answer within ${ms} ms`)));
    const { id, reason, cause, at } = turnEnd;
    try {
      const monitor = this.monitors.get(database);
      if (monitor === undefined) throw ownError('it was removed');
      const { sendCommand } = await monitor.sideCommands.target(signal);
      if (this.#states.get(turnEnd) !== running) return;
      const awayMs = clock.now() - at;
      const answer = Promise.resolve().then(() =>
        beforeFailback(Object.freeze({ id, reason, cause, awayMs, signal, sendCommand })),
      );
      await orAborted(answer, signal);
      if (this.#states.get(turnEnd) !== running) return;
      this.#states.set(turnEnd, { kind: 'done' });
      onDone();
    } catch (error) {
      if (this.#states.get(turnEnd) !== running) return;
      const failed = { kind: 'failed', why: foreignReason(error), at: clock.now() } as const;
      this.#states.set(turnEnd, failed);
      onFailed();
    } finally {
      timer.cancel();
      // What the callback still does with the connection has no effect any more.
      controller.abort(ownError('beforeFailback has ended'));
    }
  }
}
