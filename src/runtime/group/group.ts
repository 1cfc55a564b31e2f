import type { Clock, Random } from '../../clock.js';
import { FLOOR_MS } from '../../core/response-times.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { Driver, DriverTime } from '../../drivers/driver.js';
import { ClientClosedError } from '../../errors.js';
import type { HealthCheckStrategy } from '../../health-strategies/strategy.js';
import { LoopClock } from '../../loop-clock.js';
import type {
  ResolvedDatabase,
  ResolvedHealthCheck,
  ResolvedOptions,
} from '../../options/types.js';
import { DatabaseCounters, GroupCounters } from '../counters.js';
import { Database } from '../database.js';
import type { DeferredRejections } from '../deferred-rejections.js';
import type { OnProbe } from '../engine-context.js';
import { Coordinator } from '../failover/coordinator.js';
import { GuardedDetector } from '../health/guarded-detector.js';
import type { Emit } from '../safe-emitter.js';
import { ScriptSources } from '../script-sources.js';
import { Executor } from './executor.js';
import { whenServing } from './join.js';

export interface GroupDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  readonly rejections: DeferredRejections;
  readonly createDriver: (options: ResolvedDatabase, time: DriverTime) => Driver;
  readonly onProbe?: OnProbe | undefined;
  /** Shared by all clients, also when the group starts again. Default: none yet. */
  readonly scripts?: ScriptSources | undefined;
}

/** Longest and shortest interval between two ticks of the loop clock, in milliseconds. */
const MAX_TICK_MS = 16;
const MIN_TICK_MS = 2;
/** What `hedging.afterMs: 'p99'` counts as, in milliseconds: it is not known yet. */
const P99_MS = 20;

/** A client that is joining the group. */
export interface Entry {
  /** Accepts commands at once. */
  readonly executor: Executor;
  /**
   * Resolves when the client can serve. Rejects with `InitializationFailedError`; the client has
   * then left the group.
   */
  readonly entered: Promise<void>;
}

/**
 * The databases, their health and the selection, with the clients that share them: there is one set
 * of health checks and one route, however many clients. The group starts with the first client and
 * ends with the last one.
 *
 * There is always one client whose connections all count for whether a database is connected: the
 * first one, or another one when it leaves. A connection of any other client counts once it was
 * ready.
 */
export class Group {
  readonly coordinator: Coordinator;
  readonly members = new Set<Executor>();
  /** Databases on trial, each as the replacement of the member with the same id. */
  readonly candidates = new Set<Database>();
  /** Number of calls that hold the data connections to each of these databases. */
  readonly #held = new Map<Database, number>();
  #order = 0;
  #started: Promise<void> = Promise.resolve();
  /** Callbacks of the clients that are joining. */
  readonly #onLeave = new Map<Executor, (error: Error) => void>();

  constructor(
    readonly options: ResolvedOptions,
    private readonly dependencies: GroupDependencies,
    readonly counters = new GroupCounters(),
  ) {
    const { clock, random, emit, rejections, onProbe } = dependencies;
    const { scripts = new ScriptSources() } = dependencies;
    const loop = new LoopClock(clock, tickMs(options));
    const time = { clock, loop, random };
    const shared = { emit, rejections, counters, onProbe, scripts };
    this.coordinator = new Coordinator({ ...time, ...shared, options });
    for (const database of options.databases) this.#register(database);
  }

  /** Opens a client's connections. The first client starts the group. */
  enter(settings?: ConnectionSettings): Entry {
    const executor = new Executor(this.coordinator, settings);
    const isFirst = this.members.size === 0;
    const left = new Promise<never>((_, reject) => this.#onLeave.set(executor, reject));
    this.members.add(executor);
    executor.open();
    if (isFirst) {
      executor.connections.requireForAvailability();
      this.#started = this.#start();
    } else for (const database of this.#everyone()) executor.connections.attach(database);
    return { executor, entered: this.#enter(executor, left, isFirst) };
  }

  async #enter(executor: Executor, left: Promise<never>, isFirst: boolean): Promise<void> {
    try {
      await Promise.race([this.#started, left]);
      if (!isFirst) await Promise.race([whenServing(executor), left]);
      executor.entered = true;
    } catch (error) {
      this.leave(executor);
      throw error;
    } finally {
      this.#onLeave.delete(executor);
    }
  }

  /**
   * Resolves when the initialization policy is met. The code of the drivers is loaded first, which
   * is no part of any time limit.
   */
  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        this.coordinator.startup.begin((error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
        for (const database of this.coordinator.all()) this.#begin(database);
        this.coordinator.steering.start();
      };
      const loading = this.coordinator.all().flatMap(({ driver }) => driver.load?.() ?? []);
      if (loading.length === 0) begin();
      else {
        Promise.allSettled(loading)
          .then(() => {
            if (this.coordinator.phase === 'new') begin();
          })
          .catch(reject);
      }
    });
  }

  /** Adds a database while commands are running. */
  add(options: ResolvedDatabase): Database {
    const database = this.#register(options);
    // Otherwise it begins with the others.
    if (this.coordinator.phase !== 'new') this.#begin(database);
    return database;
  }

  /** Puts a database on trial beside the member that it may replace. No event reports it. */
  try(options: ResolvedDatabase, { order }: Database): Database {
    const driver = this.dependencies.createDriver(options, this.coordinator.runtime);
    const judge = this.#judgeOf(options);
    const candidate = new Database(options, order, driver, new DatabaseCounters(), judge);
    candidate.membership = 'candidate';
    this.candidates.add(candidate);
    try {
      this.#use(candidate, () => this.coordinator.health.watch(candidate));
    } catch (error) {
      this.remove(candidate);
      throw error;
    }
    return candidate;
  }

  /** Ends the trial: the candidate replaces `old`, which leaves. */
  replace(old: Database, candidate: Database): void {
    this.candidates.delete(candidate);
    this.coordinator.replace(old, candidate);
    this.remove(old);
  }

  /**
   * Opens the data connections of every client to `database`, to find out whether it can serve. The
   * returned function ends the hold: lazy connections are closed again, unless the database is
   * active by then.
   */
  hold(database: Database): () => void {
    for (const member of this.members) member.connections.links.get(database)?.open();
    this.#held.set(database, (this.#held.get(database) ?? 0) + 1);
    return () => {
      const others = (this.#held.get(database) ?? 1) - 1;
      if (others > 0) {
        this.#held.set(database, others);
        return;
      }
      this.#held.delete(database);
      for (const member of this.members) member.connections.rest(database);
    };
  }

  addHealthCheck(database: Database, check: ResolvedHealthCheck): void {
    database.healthChecks = [...database.healthChecks, check];
    if (check.adaptiveTimeout) database.measure();
    this.coordinator.health.addCheck(database, check);
  }

  /** Ends the checks of this name. Their strategies are closed unless others use them. */
  removeHealthCheck(database: Database, name: string): void {
    const removed = database.healthChecks.filter((check) => check.name === name);
    database.healthChecks = database.healthChecks.filter((check) => check.name !== name);
    this.coordinator.health.removeChecks(database, name);
    const inUse = strategiesOf(this.#everyone());
    const strategies = new Set(removed.map(({ strategy }) => strategy));
    closeStrategies([...strategies].filter((strategy) => !inUse.has(strategy)));
  }

  /** The custom failure detector of a database; undefined without one. */
  #judgeOf({ id, failureDetector: { detector } }: ResolvedDatabase): GuardedDetector | undefined {
    if (detector === undefined) return undefined;
    const { clock, emit } = this.dependencies;
    // A listener must not act while an outcome is being recorded.
    const report = (error: Error) => void clock.afterTurn(() => emit('error', error));
    return new GuardedDetector(() => detector(id), report);
  }

  #register(options: ResolvedDatabase): Database {
    const driver = this.dependencies.createDriver(options, this.coordinator.runtime);
    const counters = this.counters.of(options.id);
    const judge = this.#judgeOf(options);
    const database = new Database(options, this.#order++, driver, counters, judge);
    this.coordinator.databases.set(database.id, database);
    return database;
  }

  #everyone(): Database[] {
    return [...this.coordinator.all(), ...this.candidates];
  }

  #begin(database: Database): void {
    this.#use(database, () => this.coordinator.add(database));
  }

  /**
   * Opens the connections to a database and has it watched, once the code of its driver is loaded.
   * A load that fails is reported by the connections and the health checks.
   */
  #use(database: Database, watch: () => void): void {
    const begin = () => {
      for (const { connections } of this.members) {
        if (!connections.links.has(database)) connections.attach(database);
      }
      watch();
    };
    const loading = database.driver.load?.();
    if (loading === undefined) {
      begin();
      return;
    }
    const isWanted = () =>
      this.coordinator.phase !== 'ended' && this.#everyone().includes(database);
    loading
      .catch(() => {})
      .then(() => {
        if (isWanted()) begin();
      })
      .catch((error: Error) => this.dependencies.emit('error', error));
  }

  /** Closes one client's connections. The last client also ends the health checks. */
  leave(executor: Executor): void {
    if (!this.members.delete(executor)) return;
    this.#onLeave.get(executor)?.(new ClientClosedError());
    executor.end();
    const others = [...this.members];
    // A client that is still joining is only chosen if there is no other: what keeps it from
    // joining is not a failure of a database.
    const next = others.find((member) => member.entered) ?? others[0];
    if (next !== undefined) {
      executor.connections.detachAll();
      if (!others.some((member) => member.connections.areRequired))
        next.connections.requireForAvailability();
      this.coordinator.health.connections.onMemberLeft();
      return;
    }
    this.coordinator.end();
    closeStrategies(strategiesOf(this.#everyone()));
    this.candidates.clear();
  }

  /** Takes a database out of the group, or ends its trial; it must not be the active one. */
  remove(database: Database): void {
    this.candidates.delete(database);
    for (const member of this.members) member.connections.detach(database);
    this.coordinator.drop(database);
    const inUse = strategiesOf(this.#everyone());
    closeStrategies([...strategiesOf([database])].filter((strategy) => !inUse.has(strategy)));
  }
}

function strategiesOf(databases: readonly Database[]): Set<HealthCheckStrategy> {
  const checks = databases.flatMap((database) => database.healthChecks);
  return new Set(checks.map((check) => check.strategy));
}

/** Errors of a strategy's `close` do not concern the application. */
function closeStrategies(strategies: Iterable<HealthCheckStrategy>): void {
  for (const strategy of strategies) {
    try {
      Promise.resolve(strategy.close?.()).catch(() => {});
    } catch {}
  }
}

/**
 * Interval of the loop clock in milliseconds: fine enough for the shortest period that it measures.
 */
function tickMs(options: ResolvedOptions): number {
  const timeouts = options.databases.flatMap((database) =>
    database.healthChecks.map((check) => (check.adaptiveTimeout ? FLOOR_MS : check.timeoutMs)),
  );
  const slow = options.databases.map(
    ({ failureDetector }) => failureDetector.slowCallMs ?? Number.POSITIVE_INFINITY,
  );
  const { afterMs } = options.hedging ?? {};
  const hedgedAfterMs = afterMs === 'p99' ? P99_MS : (afterMs ?? Number.POSITIVE_INFINITY);
  const shortest = Math.min(
    options.databases.some((each) => each.adaptiveSuspicion) ? FLOOR_MS : options.suspectAfterMs,
    options.commandTimeoutMs,
    hedgedAfterMs,
    ...timeouts,
    ...slow,
  );
  return Math.max(MIN_TICK_MS, Math.min(MAX_TICK_MS, Math.floor(shortest / 5)));
}
