import type { EventEmitter } from 'node:events';
import type { MultiDbEventName, MultiDbEvents } from '../../events.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { DeferredRejections } from '../deferred-rejections.js';
import { type Emit, SafeEmitter } from '../safe-emitter.js';
import { ScriptSources } from '../script-sources.js';
import { Group, type GroupDependencies } from './group.js';

/** A client that receives the events of its group while it is open. */
export interface EventRecipient {
  readonly emitter: EventEmitter;
}

export interface SharedDependencies extends Omit<GroupDependencies, 'emit' | 'rejections'> {
  /** Called once with every event, before its listeners. */
  readonly observe?: Emit | undefined;
}

/**
 * The group that a client shares with its duplicates. It runs from the first `connect()` of any of
 * them until the last one is closed. The next `connect()` starts it again, with the databases and
 * weights at that time.
 */
export class SharedGroup {
  /** The rejections of calls that are refused at once, for all clients of the group. */
  readonly rejections: DeferredRejections;
  #current: Group;
  readonly #recipients = new Set<EventRecipient>();
  readonly #emitter: SafeEmitter;
  readonly #group: GroupDependencies;

  constructor(
    readonly options: ValidatedOptions,
    readonly dependencies: SharedDependencies,
  ) {
    this.rejections = new DeferredRejections(dependencies.clock);
    this.#emitter = new SafeEmitter(dependencies.observe);
    const emit: Emit = (name, ...event) => this.#tell([...this.#recipients], name, event);
    const scripts = new ScriptSources();
    this.#group = { ...dependencies, emit, rejections: this.rejections, scripts };
    this.#current = new Group(options, this.#group);
  }

  /** The group that runs, ran last, or has not started yet. */
  get current(): Group {
    return this.#current;
  }

  /** A group that has not ended, because a group runs only once. */
  get living(): Group {
    const { coordinator } = this.#current;
    if (coordinator.phase !== 'ended') return this.#current;
    const databases: ResolvedDatabase[] = coordinator
      .all()
      .map((database) => ({ ...database.options, weight: database.ownWeight }));
    const { counters } = this.#current;
    this.#current = new Group({ ...this.options, databases }, this.#group, counters);
    return this.#current;
  }

  /** Makes `client` receive the events of the group. Idempotent. */
  join(client: EventRecipient): void {
    this.#recipients.add(client);
  }

  leave(client: EventRecipient): void {
    this.#recipients.delete(client);
  }

  /** Emits an event to one client only. */
  tell<Name extends MultiDbEventName>(
    client: EventRecipient,
    name: Name,
    ...event: MultiDbEvents[Name]
  ): void {
    this.#tell([client], name, event);
  }

  #tell<Name extends MultiDbEventName>(
    clients: readonly EventRecipient[],
    name: Name,
    event: MultiDbEvents[Name],
  ): void {
    if (clients.length === 0) return;
    this.#emitter.tell(
      clients.map(({ emitter }) => emitter),
      name,
      ...event,
    );
  }
}
