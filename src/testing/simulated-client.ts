import { EventEmitter } from 'node:events';
import type { Random } from '../clock.js';
import type { Batch, CommandArgument } from '../drivers/driver.js';
import type { SubscriptionKind } from '../drivers/subscriber.js';
import { ClientClosedError } from '../errors.js';
import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import type { DatabaseOptions, MultiDbOptions } from '../options/types.js';
import { resolveDatabase, resolveOptions, type ValidatedOptions } from '../options/validate.js';
import type { CommandOptions } from '../runtime/command.js';
import { type Explanation, explain } from '../runtime/explain.js';
import { Management } from '../runtime/management.js';
import { Session } from '../runtime/session.js';
import { SharedGroup } from '../runtime/shared-group.js';
import { type DatabaseSnapshot, snapshot } from '../runtime/snapshot.js';
import { type MultiDbStats, stats } from '../runtime/stats.js';
import type { FakeDatabase } from './fake-database.js';
import { seededRandom } from './random.js';
import type { VirtualClock } from './virtual-clock.js';

/** A fake database with the options that it has in the group. */
export interface SimulatedDatabase
  extends Pick<DatabaseOptions, 'weight' | 'healthCheck' | 'failureDetector'> {
  readonly database: FakeDatabase;
}

export interface SimulatedClientOptions {
  readonly clock: VirtualClock;
  readonly databases: readonly SimulatedDatabase[];
  /** As for `createMultiDbClient`. */
  readonly options?: Omit<MultiDbOptions, 'databases' | 'client'>;
  /** Of all jitter. Default: a seeded one, so that a simulation repeats. */
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

/**
 * The engine of `createMultiDbClient` over fake databases on a virtual clock, without a client
 * library: what a simulation drives. Commands are raw arguments; the members are those of
 * `MultiDbClient`, whose documentation applies. Let time pass with the clock.
 */
export class SimulatedClient {
  /** Everything that was emitted, oldest first; empty it at will. */
  readonly events: SimulatedEvent[] = [];
  readonly #emitter = new EventEmitter();
  readonly #fakes = new Map<string, FakeDatabase>();
  readonly #options: ValidatedOptions;
  readonly #session: Session;

  constructor({ clock, databases, options, random = seededRandom(1) }: SimulatedClientOptions) {
    this.#options = resolveOptions({
      ...options,
      databases: databases.map((database) => this.#register(database)),
    });
    const shared = new SharedGroup(this.#options, {
      clock,
      random,
      observe: (name, ...event) => {
        this.events.push({ name, at: clock.now(), event } as unknown as SimulatedEvent);
      },
      createDriver: ({ id }) => this.#fakes.get(id)!.driver,
    });
    this.#session = new Session(shared, this.#emitter);
  }

  /** The parts of the engine, for the tests of this package. @internal */
  get session(): Session {
    return this.#session;
  }

  connect(): Promise<void> {
    return this.#session.connect();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

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

  /** As `subscribe`, `pSubscribe` and `sSubscribe` of the client, by kind. */
  subscribe(
    names: string | readonly string[],
    listener: (message: string, channel: string) => unknown,
    kind: SubscriptionKind = 'channel',
  ): Promise<void> {
    const { subscriptions } = this.#session;
    return subscriptions.subscribe(kind, [names].flat(), listener, 'strings');
  }

  /** Without `names` from everything of the kind, without `listener` for all of them. */
  unsubscribe(
    names?: string | readonly string[],
    listener?: (message: string, channel: string) => unknown,
    kind: SubscriptionKind = 'channel',
  ): Promise<void> {
    const all = names === undefined ? undefined : [names].flat();
    return this.#session.subscriptions.unsubscribe(kind, all, listener, 'strings');
  }

  on<Name extends MultiDbEventName>(
    name: Name,
    listener: (...event: MultiDbEvents[Name]) => unknown,
  ): this {
    this.#emitter.on(name, listener as (...event: unknown[]) => void);
    return this;
  }

  get isReady(): boolean {
    return this.#session.executor?.ready ?? false;
  }

  get activeDatabase(): string | undefined {
    return this.#coordinator.route.database?.id;
  }

  get databases(): readonly DatabaseSnapshot[] {
    return this.#coordinator.all().map((database) => snapshot(this.#coordinator, database));
  }

  async setActiveDatabase(id: string): Promise<void> {
    await this.#management.setActive(id);
  }

  async forceActiveDatabase(
    id: string,
    { durationMs = Number.POSITIVE_INFINITY }: { durationMs?: number } = {},
  ): Promise<void> {
    await this.#management.forceActive(id, durationMs);
  }

  async addDatabase(database: SimulatedDatabase): Promise<DatabaseSnapshot> {
    const taken = this.#coordinator.databases.keys();
    const options = this.#register(database);
    const resolved = resolveDatabase(options, 'database', this.#options.group, taken);
    return snapshot(this.#coordinator, await this.#management.add(resolved));
  }

  async replaceDatabase(id: string, database: SimulatedDatabase): Promise<DatabaseSnapshot> {
    const before = this.#fakes.get(id);
    const taken = [...this.#coordinator.databases.keys()].filter((each) => each !== id);
    const options = this.#register(database);
    const resolved = resolveDatabase(options, 'database', this.#options.group, taken);
    try {
      return snapshot(this.#coordinator, await this.#management.replace(id, resolved));
    } catch (error) {
      if (before !== undefined && options.id === id) this.#fakes.set(id, before);
      throw error;
    }
  }

  async drainDatabase(
    id: string,
    { durationMs = Number.POSITIVE_INFINITY }: { durationMs?: number } = {},
  ): Promise<void> {
    await this.#management.drain(id, durationMs);
  }

  resumeDatabase(id: string): boolean {
    return this.#management.resume(id);
  }

  async removeDatabase(id: string): Promise<void> {
    await this.#management.remove(id);
  }

  setWeight(id: string, weight: number): boolean {
    return this.#management.setWeight(id, weight);
  }

  explain(): Explanation {
    return explain(this.#coordinator);
  }

  stats(): MultiDbStats {
    return stats('simulated', this.#session.group);
  }

  get #coordinator() {
    return this.#session.group.coordinator;
  }

  get #management(): Management {
    return new Management(this.#session.group);
  }

  #register({ database, ...options }: SimulatedDatabase): DatabaseOptions {
    this.#fakes.set(database.id, database);
    return { ...options, id: database.id };
  }
}
