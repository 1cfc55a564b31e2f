import type { SwitchEvent, SwitchReason } from '../../events.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import type { Route, RouteListener } from '../route.js';
import { SwitchHistory } from './switch-history.js';

/** Details of a switch, for its event. */
export interface SwitchAccount {
  readonly from: Database | undefined;
  readonly to: Database | undefined;
  readonly reason: SwitchReason;
  readonly cause: string;
  /** Monotonic time of the first sign of the failure; undefined: there was none. */
  readonly since: number | undefined;
}

const NOWHERE: Route = Object.freeze({
  generation: 0,
  database: undefined,
  lastResort: false,
  state: 'searching',
});

/**
 * Holds the route, replaces it with one assignment, and reports it: to executors first, then as an
 * event.
 */
export class Router {
  route: Route = NOWHERE;
  readonly history = new SwitchHistory();
  /** A route is being replaced: its consequences are evaluated afterwards. */
  changing = false;
  readonly #listeners = new Set<RouteListener>();
  readonly #observers = new Set<() => void>();

  constructor(private readonly runtime: EngineContext) {}

  listen(listener: RouteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `observer` when a change is complete, before it is reported as a switch. */
  observe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /**
   * The change is complete, and everything has adapted to it. Observers may call listeners of the
   * application.
   */
  settle(): void {
    for (const observer of [...this.#observers]) observer();
  }

  change(next: Omit<Route, 'generation'>, failed: boolean): void {
    const from = this.route;
    const to: Route = Object.freeze({ ...next, generation: from.generation + 1 });
    this.route = to;
    this.#noteService(from, to);
    this.changing = true;
    try {
      for (const listener of [...this.#listeners]) listener({ from, to, failed });
    } finally {
      this.changing = false;
    }
  }

  /** Records whether the active database is a last resort; this is not a switch. */
  setLastResort(lastResort: boolean): void {
    this.route = Object.freeze({ ...this.route, lastResort });
  }

  close(): void {
    this.route = NOWHERE;
    this.runtime.counters.serviceRestored(this.runtime.clock.now());
  }

  /** Records the time without service, which begins after the first active database. */
  #noteService(from: Route, to: Route): void {
    const { clock, counters } = this.runtime;
    if (to.state === 'serving') counters.serviceRestored(clock.now());
    else if (from.state === 'serving') counters.serviceLost(clock.now());
  }

  tell({ from, to, reason, cause, since }: SwitchAccount): void {
    const { clock, counters, emit } = this.runtime;
    const event: SwitchEvent = Object.freeze({
      from: from?.id,
      to: to?.id,
      reason,
      cause,
      at: timestamp(this.runtime),
      generation: this.route.generation,
      durationMs: since === undefined ? 0 : clock.now() - since,
    });
    this.history.add(event);
    counters.noteSwitch(event.from, event.to, reason);
    emit('switch', event);
    if (reason === 'failback') emit('failback', event);
    const failed = reason === 'health-check' || reason === 'circuit-breaker' || reason === 'slow';
    if (failed && to !== undefined) emit('failover', event);
  }
}
