import { EventEmitter } from 'node:events';
import type { Random } from '../clock.js';
import type { CommandArgument } from '../core/command-argument.js';
import type { SubscriptionKind } from '../core/subscription-kind.js';
import type { Batch } from '../drivers/driver.js';
import { ClientClosedError } from '../errors.js';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import type { DatabaseOptions, OneHealthCheck } from '../options/database-options.js';
import { resolveHealthCheck } from '../options/health-check.js';
import type { MultiDbOptions } from '../options/types.js';
import { resolveDatabase, resolveOptions, type ValidatedOptions } from '../options/validate.js';
import type { CommandOptions } from '../runtime/command/command-options.js';
import type { ForceOptions } from '../runtime/group/managed-client.js';
import { Management } from '../runtime/group/management.js';
import { Session } from '../runtime/group/session.js';
import { SharedGroup } from '../runtime/group/shared-group.js';
import { type Explanation, explain } from '../runtime/report/explain.js';
import { type DatabaseSnapshot, snapshot } from '../runtime/report/snapshot.js';
import { type MultiDbStats, stats } from '../runtime/report/stats.js';
import { runTransaction } from '../runtime/transaction/run-transaction.js';
import type { FakeDatabase } from './fake-database.js';
import { FakeConflictError } from './fake-errors.js';
import { seededRandom } from './random.js';
import type { VirtualClock } from './virtual-clock.js';

/** The client's default. */
const MAX_TRANSACTION_ATTEMPTS = 10;

/** A fake database with the options that it has in the group. */
export interface SimulatedDatabase
  extends Pick<
    DatabaseOptions,
    | 'weight'
    | 'healthCheck'
    | 'failureDetector'
    | 'gracePeriodMs'
    | 'failbackCheckIntervalMs'
    | 'beforeFailback'
    | 'writable'
  > {
  /** The fake database. */
  readonly database: FakeDatabase;
}

/** Options of a simulated client. */
export interface SimulatedClientOptions {
  /** The clock on which the engine and the databases run. */
  readonly clock: VirtualClock;
  /** The databases, in order of configuration. */
  readonly databases: readonly SimulatedDatabase[];
  /** Options as for `createMultiDbClient`. */
  readonly options?: Omit<MultiDbOptions, 'databases' | 'client'>;
  /**
   * Source of randomness for all jitter. Default: a seeded one, so that a simulation is repeatable.
   */
  readonly random?: Random;
}

/** An event that the client emitted. */
export type SimulatedEvent = {
  [Name in MultiDbEventName]: {
    readonly name: Name;
    /** Virtual time. */
    readonly at: number;
    readonly event: MultiDbEvents[Name];
  };
}[MultiDbEventName];

/** The state that a client and its duplicates share. */
interface SimulatedGroup {
  readonly options: SimulatedClientOptions;
  readonly fakes: Map<string, FakeDatabase>;
  readonly events: SimulatedEvent[];
  readonly resolved: ValidatedOptions;
  readonly shared: SharedGroup;
}

/** Sends a command over the connection of a transaction. */
export type SendInTransaction = (args: readonly CommandArgument[]) => Promise<unknown>;

/**
 * The engine of `createMultiDbClient` over fake databases on a virtual clock, without a client
 * library, for simulations. Commands are raw arguments. The members are those of `MultiDbClient`,
 * whose documentation applies. Time passes only on the clock.
 */
export class SimulatedClient {
  readonly #emitter = new EventEmitter();
  readonly #group: SimulatedGroup;
  readonly #session: Session;

  constructor(options: SimulatedClientOptions);
  /** For `duplicate()`. @internal */
  constructor(options: SimulatedClientOptions, group: SimulatedGroup);
  constructor(options: SimulatedClientOptions, group = createGroup(options)) {
    this.#group = group;
    this.#session = new Session(group.shared, this.#emitter);
  }

  /** All events of the group, oldest first. It may be emptied at any time. */
  get events(): SimulatedEvent[] {
    return this.#group.events;
  }

  /** The parts of the engine, for the tests of this package. @internal */
  get session(): Session {
    return this.#session;
  }

  /** Another client of the same group, with connections of its own. */
  duplicate(): SimulatedClient {
    return new SimulatedClient(this.#group.options, this.#group);
  }

  /** Opens connections and starts health checks. */
  connect(): Promise<void> {
    return this.#session.connect();
  }

  /** Waits for pending commands and closes everything. */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** Rejects pending commands and closes everything at once. */
  destroy(): void {
    this.#session.destroy();
  }

  /** Sends one command, or a batch. */
  send(
    args: readonly CommandArgument[],
    options?: CommandOptions,
    batch?: Batch,
  ): Promise<unknown> {
    const { executor, shared } = this.#session;
    const refused = () => shared.rejections.reject(new ClientClosedError());
    return executor?.send(args, options, batch) ?? refused();
  }

  /**
   * Like `transaction()` of the client: watches `keys` on an isolated connection; `fn` reads over
   * it and returns the commands of MULTI. Runs again after a conflict.
   */
  async transaction(
    keys: readonly string[],
    fn: (send: SendInTransaction) => Promise<Batch['commands']>,
  ): Promise<unknown> {
    const { executor } = this.#session;
    if (executor === undefined) throw new ClientClosedError();
    return runTransaction(executor, {
      keys,
      maxAttempts: MAX_TRANSACTION_ATTEMPTS,
      timeoutMs: this.#group.resolved.commandDeadlineMs,
      isConflict: (error) => error instanceof FakeConflictError,
      perform: async (lease) => {
        await lease.send(['WATCH', ...keys]);
        lease.entered = true;
        const commands = await fn((args) => lease.send(args));
        const reply = await lease.send(['MULTI'], undefined, { kind: 'multi', commands });
        if (reply === null) throw new FakeConflictError();
        return reply;
      },
    });
  }

  /** Like `subscribe`, `pSubscribe` and `sSubscribe` of the client, depending on the kind. */
  subscribe(
    names: string | readonly string[],
    listener: (message: string, channel: string) => unknown,
    kind: SubscriptionKind = 'channel',
  ): Promise<void> {
    const { subscriptions } = this.#session;
    return subscriptions.subscribe(kind, [names].flat(), listener, 'strings');
  }

  /**
   * Unsubscribes; without `names` from everything of the kind, without `listener` for all
   * listeners.
   */
  unsubscribe(
    names?: string | readonly string[],
    listener?: (message: string, channel: string) => unknown,
    kind: SubscriptionKind = 'channel',
  ): Promise<void> {
    const all = names === undefined ? undefined : [names].flat();
    return this.#session.subscriptions.unsubscribe(kind, all, listener, 'strings');
  }

  /** Calls `listener` for each event of this name. */
  on<Name extends MultiDbEventName>(
    name: Name,
    listener: (...event: MultiDbEvents[Name]) => unknown,
  ): this {
    this.#emitter.on(name, listener as (...event: unknown[]) => void);
    return this;
  }

  /** Whether a database can serve. */
  get isReady(): boolean {
    return this.#session.isReady;
  }

  /** Id of the active database; undefined while there is none. */
  get activeDatabase(): string | undefined {
    return this.#coordinator.route.database?.id;
  }

  /** Every database at this moment. */
  get databases(): readonly DatabaseSnapshot[] {
    return this.#coordinator.all().map((database) => snapshot(this.#coordinator, database));
  }

  /** Makes a database active after a probe. */
  async setActiveDatabase(id: string): Promise<void> {
    await this.#management.setActive(id);
  }

  /**
   * Makes a database active and keeps it for `durationMs`, with `unchecked` whatever happens. Default:
   * until another manual switch.
   */
  async forceActiveDatabase(
    id: string,
    { durationMs = Number.POSITIVE_INFINITY, unchecked = false }: ForceOptions = {},
  ): Promise<void> {
    if (unchecked) this.#management.forceUnchecked(id, durationMs);
    else await this.#management.forceActive(id, durationMs);
  }

  /** Ends `forceActiveDatabase()` before its time. Returns false if no database was forced. */
  releaseActiveDatabase(): boolean {
    return this.#management.release();
  }

  /** Adds a health check to a database, and returns its name. */
  addHealthCheck(id: string, healthCheck: OneHealthCheck): string {
    return this.#management.addHealthCheck(id, resolveHealthCheck(healthCheck));
  }

  /** Removes a health check by its name. */
  removeHealthCheck(id: string, name: string): void {
    this.#management.removeHealthCheck(id, name);
  }

  /** Adds a database while commands are running. */
  async addDatabase(database: SimulatedDatabase): Promise<DatabaseSnapshot> {
    const taken = this.#coordinator.databases.keys();
    const options = this.#register(database);
    const resolved = resolveDatabase(options, 'database', this.#group.resolved.group, taken);
    return snapshot(this.#coordinator, await this.#management.add(resolved));
  }

  /** Replaces database `id` by another one. */
  async replaceDatabase(id: string, database: SimulatedDatabase): Promise<DatabaseSnapshot> {
    const before = this.#group.fakes.get(id);
    const taken = [...this.#coordinator.databases.keys()].filter((each) => each !== id);
    const options = this.#register(database);
    const resolved = resolveDatabase(options, 'database', this.#group.resolved.group, taken);
    try {
      return snapshot(this.#coordinator, await this.#management.replace(id, resolved));
    } catch (error) {
      if (before !== undefined && options.id === id) this.#group.fakes.set(id, before);
      throw error;
    }
  }

  /** Keeps a database away from traffic for `durationMs`. Default: until it is resumed. */
  async drainDatabase(
    id: string,
    { durationMs = Number.POSITIVE_INFINITY }: { durationMs?: number } = {},
  ): Promise<void> {
    await this.#management.drain(id, durationMs);
  }

  /** Ends a drain. Returns false if the database was not drained. */
  resumeDatabase(id: string): boolean {
    return this.#management.resume(id);
  }

  /** Removes a database; never the last one. */
  async removeDatabase(id: string): Promise<void> {
    await this.#management.remove(id);
  }

  /** Sets a weight, which takes effect at once. Returns false if nothing changed. */
  setWeight(id: string, weight: number): boolean {
    return this.#management.setWeight(id, weight);
  }

  /** Turns automatic failback on or off. Returns false if nothing changed. */
  setFailbackSupported(supported: boolean): boolean {
    return this.#management.setFailbackSupported(supported);
  }

  /** Returns which database is active and why. */
  explain(): Explanation {
    return explain(this.#coordinator);
  }

  /** Returns what has been counted so far. */
  stats(): MultiDbStats {
    return stats('simulated', this.#session.group);
  }

  get #coordinator() {
    return this.#session.group.coordinator;
  }

  get #management(): Management {
    return new Management(this.#session.group);
  }

  #register(database: SimulatedDatabase): DatabaseOptions {
    return register(this.#group.fakes, database);
  }
}

function createGroup(options: SimulatedClientOptions): SimulatedGroup {
  const { clock, databases, random = seededRandom(1) } = options;
  const fakes = new Map<string, FakeDatabase>();
  const events: SimulatedEvent[] = [];
  const resolved = resolveOptions({
    ...options.options,
    databases: databases.map((database) => register(fakes, database)),
  });
  const shared = new SharedGroup(resolved, {
    clock,
    random,
    observe: (name, ...event) => {
      events.push({ name, at: clock.now(), event } as unknown as SimulatedEvent);
    },
    createDriver: ({ id }) => fakes.get(id)!.driver,
  });
  return { options, fakes, events, resolved, shared };
}

function register(
  fakes: Map<string, FakeDatabase>,
  { database, ...options }: SimulatedDatabase,
): DatabaseOptions {
  fakes.set(database.id, database);
  return { ...options, id: database.id };
}
