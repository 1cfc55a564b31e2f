import type { Timer } from '../clock.js';
import { ClientClosedError } from '../errors.js';
import type { ResolvedDatabase } from '../options/types.js';
import type { ValidatedOptions } from '../options/validate.js';
import type { Coherence } from './coherence.js';
import type { Executor } from './executor.js';
import { Group, type GroupDependencies } from './group.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'connecting'; readonly done: Promise<void> }
  | { readonly kind: 'open'; readonly executor: Executor }
  | { readonly kind: 'closing'; readonly executor: Executor; readonly done: Promise<void> };

/**
 * The life of one client: closed -> connecting -> open -> closing -> closed, and again.
 * `destroy` leads to closed from everywhere.
 */
export class Session {
  #group: Group;
  #state: State = { kind: 'closed' };
  #unref = false;
  /** Keeps the process alive as long as the client is open, whatever its connections do. */
  #keepAlive: Timer | undefined;

  constructor(
    private readonly options: ValidatedOptions,
    private readonly dependencies: GroupDependencies,
    /** Only if what this client reads is kept. */
    private readonly coherence?: Coherence,
  ) {
    this.#group = new Group(options, dependencies);
  }

  get group(): Group {
    return this.#group;
  }

  /** What takes commands at present; undefined while closed. */
  get executor(): Executor | undefined {
    switch (this.#state.kind) {
      case 'open':
      case 'closing':
        return this.#state.executor;
      case 'connecting':
        // Commands are accepted while it connects, as node-redis does.
        return [...this.#group.members][0];
      default:
        return undefined;
    }
  }

  get isOpen(): boolean {
    return this.#state.kind === 'connecting' || this.#state.kind === 'open';
  }

  /** Idempotent; rejects with `InitializationFailedError`, and nothing stays open then. */
  async connect(): Promise<void> {
    if (this.#state.kind === 'open') return;
    if (this.#state.kind === 'connecting') return this.#state.done;
    if (this.#state.kind === 'closing') throw new ClientClosedError('the client is closing');
    const group = this.#freshGroup();
    this.#group = group;
    const done = this.#connect(group);
    this.#state = { kind: 'connecting', done };
    this.#stayAlive();
    this.dependencies.emit('connect');
    return done;
  }

  /** Accepts nothing more and resolves when what is pending has settled. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.kind === 'closing') return this.#state.done;
    const { executor } = this;
    if (executor === undefined) return;
    if (this.#state.kind === 'connecting') {
      this.destroy();
      return;
    }
    const group = this.#group;
    const done = executor.finish().then(() => this.#end(group, executor));
    this.#state = { kind: 'closing', executor, done };
    return done;
  }

  /** Rejects what is pending and closes everything at once. Idempotent. */
  destroy(): void {
    const { executor } = this;
    if (executor !== undefined) this.#end(this.#group, executor);
  }

  ref(): void {
    this.#unref = false;
    this.#stayAlive();
    this.executor?.ref();
  }

  unref(): void {
    this.#unref = true;
    this.#keepAlive?.cancel();
    this.executor?.unref();
  }

  #stayAlive(): void {
    this.#keepAlive?.cancel();
    if (this.#unref || this.#state.kind === 'closed') return;
    const { clock } = this.dependencies;
    this.#keepAlive = clock.after(LONGEST_TIMER_MS, () => this.#stayAlive(), { keepAlive: true });
  }

  async #connect(group: Group): Promise<void> {
    try {
      const starting = group.start();
      for (const member of group.members) {
        member.coherence = this.coherence;
        if (this.#unref) member.unref();
      }
      const executor = await starting;
      if (this.#group !== group || this.#state.kind !== 'connecting') throw new ClientClosedError();
      this.#state = { kind: 'open', executor };
    } catch (error) {
      if (this.#group === group && this.#state.kind === 'connecting') {
        this.#state = { kind: 'closed' };
        this.#keepAlive?.cancel();
      }
      throw error;
    }
  }

  /** A group runs once; the next one takes over its databases with their weights. */
  #freshGroup(): Group {
    const { coordinator } = this.#group;
    if (coordinator.phase === 'new') return this.#group;
    const databases: ResolvedDatabase[] = coordinator
      .all()
      .map((database) => ({ ...database.options, weight: database.weight }));
    return new Group({ ...this.options, databases }, this.dependencies, this.#group.counters);
  }

  #end(group: Group, executor: Executor): void {
    if (!group.members.has(executor)) return;
    this.#state = { kind: 'closed' };
    this.#keepAlive?.cancel();
    group.leave(executor);
    this.dependencies.emit('end');
  }
}
