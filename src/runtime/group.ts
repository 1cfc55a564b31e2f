import type { Clock, Random } from '../clock.js';
import type { Driver } from '../drivers/driver.js';
import { ClientClosedError } from '../errors.js';
import type { HealthCheckStrategy } from '../health/strategy.js';
import type { ResolvedDatabase, ResolvedOptions } from '../options/types.js';
import { Coordinator } from './coordinator.js';
import { GroupCounters } from './counters.js';
import { Database } from './database.js';
import type { Emit } from './emit.js';
import { Executor } from './executor.js';
import { LoopClock } from './loop-clock.js';

export interface GroupDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  readonly createDriver: (options: ResolvedDatabase) => Driver;
}

/** Longest and shortest time between two looks of the loop clock, in milliseconds. */
const MAX_TICK_MS = 20;
const MIN_TICK_MS = 2;

/**
 * The databases, their health and the selection, with the clients that share them. It lives while
 * any client of it is open.
 */
export class Group {
  readonly coordinator: Coordinator;
  readonly members = new Set<Executor>();
  #order = 0;

  constructor(
    readonly options: ResolvedOptions,
    private readonly dependencies: GroupDependencies,
    readonly counters = new GroupCounters(),
  ) {
    const { clock, random, emit } = dependencies;
    const loop = new LoopClock(clock, tickMs(options));
    this.coordinator = new Coordinator({ options, clock, loop, random, emit, counters });
    for (const database of options.databases) this.#register(database);
  }

  /** Opens everything and resolves when the initialization policy is met. */
  async start(): Promise<Executor> {
    const executor = new Executor(this.coordinator);
    this.members.add(executor);
    executor.open();
    try {
      await new Promise<void>((resolve, reject) => {
        this.coordinator.startup.begin((error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
        this.#abandon = reject;
        for (const database of this.coordinator.all()) this.#begin(database);
      });
    } catch (error) {
      this.leave(executor);
      throw error;
    }
    return executor;
  }

  #abandon: (error: Error) => void = () => {};

  /** While commands are running. */
  add(options: ResolvedDatabase): Database {
    const database = this.#register(options);
    this.#begin(database);
    return database;
  }

  #register(options: ResolvedDatabase): Database {
    const driver = this.dependencies.createDriver(options);
    const counters = this.counters.of(options.id);
    const database = new Database(options, this.#order++, driver, counters);
    this.coordinator.databases.set(database.id, database);
    return database;
  }

  #begin(database: Database): void {
    for (const member of this.members) member.attach(database);
    this.coordinator.add(database);
  }

  /** Closes one client's connections; the last one ends the health checks, too. */
  leave(executor: Executor): void {
    if (!this.members.delete(executor)) return;
    executor.end();
    if (this.members.size > 0) return;
    this.coordinator.end();
    this.#abandon(new ClientClosedError('the client was closed while it was connecting'));
    closeStrategies(strategiesOf(this.coordinator.all()));
  }

  /** Takes a database out of the group; it must not be the active one. */
  remove(database: Database): void {
    for (const member of this.members) member.detach(database);
    this.coordinator.drop(database);
    const inUse = strategiesOf(this.coordinator.all());
    closeStrategies([...strategiesOf([database])].filter((strategy) => !inUse.has(strategy)));
  }
}

function strategiesOf(databases: readonly Database[]): Set<HealthCheckStrategy> {
  const checks = databases.flatMap((database) => database.options.healthChecks);
  return new Set(checks.map((check) => check.strategy));
}

/** What a strategy does at its end is not the application's concern. */
function closeStrategies(strategies: Iterable<HealthCheckStrategy>): void {
  for (const strategy of strategies) {
    try {
      Promise.resolve(strategy.close?.()).catch(() => {});
    } catch {}
  }
}

/** Fine enough for the shortest of the periods that it measures. */
function tickMs(options: ResolvedOptions): number {
  const timeouts = options.databases.flatMap((database) =>
    database.healthChecks.map((check) => check.timeoutMs),
  );
  const shortest = Math.min(options.suspectAfterMs, options.commandTimeoutMs, ...timeouts);
  return Math.max(MIN_TICK_MS, Math.min(MAX_TICK_MS, shortest / 5));
}
