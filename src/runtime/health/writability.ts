import type { Timer } from '../../clock.js';
import { stateCheckFor } from '../../health-strategies/state-check.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { HealthListener } from './health-listener.js';
import type { HealthMonitor } from './health-monitor.js';
import { type ProbeResult, runProbe } from './probe.js';
import { isReadOnlyReply } from './read-only-reply.js';

/** Interval of the checks in milliseconds, and while writes wait for the active database. */
const INTERVAL_MS = 5000;
const INTERVAL_OF_ACTIVE_MS = 250;

export interface WritabilityHost {
  readonly monitors: ReadonlyMap<Database, HealthMonitor>;
  isActive(database: Database): boolean;
  readonly verdicts: {
    /** A command was refused, but a write over a new connection was not. */
    onRefuted(database: Database, stateWord: string, bySide: boolean): void;
  };
}

interface Check {
  /** The check follows a refused write. */
  readonly wasRefused: boolean;
  cancel(): void;
}

/**
 * Finds out whether databases with `writable: 'auto'` take writes, with a key that expires after one
 * second. Roles are not asked: managed services report them in different ways.
 */
export class Writability {
  readonly #timers = new Map<Database, Timer>();
  readonly #checks = new Map<Database, Check>();
  readonly #listeners = new Set<(database: Database) => void>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: WritabilityHost,
    /** Is told when it has changed whether a database takes writes. */
    private readonly listener: Pick<HealthListener, 'changed'>,
  ) {}

  /** Calls `listener` when a database is found to take writes; the returned function ends that. */
  listen(listener: (database: Database) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch(database: Database): void {
    if (database.options.writable === 'auto') this.#check(database, false);
  }

  forget(database: Database): void {
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
    this.#checks.get(database)?.cancel();
    this.#checks.delete(database);
  }

  /** A write was refused: it is checked over a new connection, also in the middle of another check. */
  onRefused(database: Database): void {
    const underWay = this.#checks.get(database);
    if (database.options.writable !== 'auto' || underWay?.wasRefused) return;
    underWay?.cancel();
    this.#check(database, true);
  }

  #check(database: Database, wasRefused: boolean): void {
    const monitor = this.host.monitors.get(database);
    const check = stateCheckFor('READONLY');
    if (monitor === undefined || check === undefined) return;
    this.#timers.get(database)?.cancel();
    this.#timers.delete(database);
    const { sideLines: lines, probeTimeoutMs: timeoutMs } = monitor;
    if (wasRefused) lines.commands.renew();
    const { clock, loop } = this.runtime;
    const strategy = { name: 'WRITABLE', check };
    const setting = { strategy, timeoutMs, lines, peers: [], clock, loop };
    const cancel = runProbe(setting, (result) => {
      this.#checks.delete(database);
      this.#next(database);
      this.#note(database, result, wasRefused);
    });
    this.#checks.set(database, { cancel, wasRefused });
  }

  #next(database: Database): void {
    const isWaitedFor = database.readOnly && this.host.isActive(database);
    const ms = isWaitedFor ? INTERVAL_OF_ACTIVE_MS : INTERVAL_MS;
    const timer = this.runtime.clock.after(ms, () => this.#check(database, false));
    this.#timers.set(database, timer);
  }

  /** A check without an answer says nothing. */
  #note(database: Database, { healthy, error }: ProbeResult, wasRefused: boolean): void {
    if (healthy && wasRefused) this.host.verdicts.onRefuted(database, 'READONLY', true);
    const isNews = !database.writabilityKnown && (healthy || isReadOnlyReply(error));
    if (isNews) database.writabilityKnown = true;
    const readOnly = healthy ? false : isReadOnlyReply(error) ? true : database.readOnly;
    if (readOnly === database.readOnly) {
      // A start waits for it.
      if (isNews) this.listener.changed(database);
      return;
    }
    database.readOnly = readOnly;
    this.listener.changed(database);
    if (!readOnly) for (const listener of [...this.#listeners]) listener(database);
    else if (this.host.isActive(database)) this.hurry(database);
  }

  /** The database has become active: its next check comes soon. */
  hurry(database: Database): void {
    if (!this.#timers.has(database)) return;
    this.#timers.get(database)?.cancel();
    this.#next(database);
  }
}
