import type { EventEmitter } from 'node:events';
import { waitFor } from '../../../kit/index.js';
import type { QueueLoad } from './faults.js';

/** Pause between two additions, in milliseconds. */
const PAUSE_MS = 10;
export const LIMIT_MS = 30_000;

/** Queues of a load: workers of the second one have a rate limit. */
export type QueueName = 'jobs' | 'limited';

/** Options of a job that Bull and BullMQ both have. */
export interface JobOptions {
  readonly jobId: string;
  readonly priority?: number;
  readonly delay?: number;
}

/**
 * Producers that add jobs of every kind until they are stopped, and what they know of their jobs. Every
 * job has an id of its own and is added again until the library has acknowledged it. The library itself
 * is in the subclasses.
 */
export abstract class JobLoad implements QueueLoad {
  /** Ids of jobs that the library has acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Ids of jobs whose completion a worker has acknowledged. */
  readonly completed = new Set<string>();
  /** Ids of jobs of whose completion the producer has heard. */
  readonly told = new Set<string>();
  /** Jobs that were marked failed. */
  readonly failed: string[] = [];
  /** Runs of the scheduler. */
  scheduled = 0;
  #isStopped = false;
  #producing: Promise<void> = Promise.resolve();
  #number = 0;

  /**
   * `settle` resolves when what was acknowledged before it was called can't be lost any more, because it
   * was replicated, for instance; rejects if that is not known.
   */
  protected constructor(private readonly settle: () => Promise<void>) {}

  abstract schedule(): Promise<void>;
  protected abstract add(queue: QueueName, options: JobOptions): Promise<unknown>;
  protected abstract addBulk(jobs: readonly { opts: JobOptions }[]): Promise<unknown>;
  /** Adds jobs of further kinds, one after another. */
  protected abstract readonly further: readonly (() => Promise<void>)[];
  /** Waits for the end of a job that was just added. */
  protected abstract untilFinished(job: unknown): Promise<unknown>;
  /** Whether nothing but the next run of the scheduler waits or is in progress. */
  protected abstract isEmpty(): Promise<boolean>;
  /** The state of a job on the active database. */
  protected abstract stateOf(queue: QueueName, id: string): Promise<string>;
  /** Closes the parts of the library. */
  protected abstract end(): Promise<unknown>;

  async flow(count = 20): Promise<void> {
    const goal = this.completed.size + count;
    await waitFor(() => this.completed.size >= goal, { what: 'jobs to flow', timeoutMs: LIMIT_MS });
  }

  async finishes(): Promise<void> {
    const jobId = this.nextId('asked');
    const job = await this.#until(() => this.add('jobs', { jobId }));
    await this.untilFinished(job);
    // It may have seen that in the job itself.
    await waitFor(() => this.told.has(jobId), { what: 'the event', timeoutMs: LIMIT_MS });
  }

  async ticks(count = 2): Promise<void> {
    const goal = this.scheduled + count;
    await waitFor(() => this.scheduled >= goal, { what: 'the scheduler', timeoutMs: LIMIT_MS });
  }

  resume(): void {
    this.#isStopped = false;
    this.#producing = this.#produce();
  }

  async emptied(): Promise<void> {
    await this.#stop();
    await waitFor(() => this.isEmpty(), {
      what: 'the queues to be empty',
      timeoutMs: LIMIT_MS,
      intervalMs: 50,
    });
  }

  async drained(): Promise<void> {
    await this.#stop();
    const missing = () => [...this.acknowledged].filter((id) => !this.completed.has(id));
    const isDone = async () => {
      await Promise.all(missing().map((id) => this.#look(id)));
      return missing().length === 0;
    };
    await waitFor(isDone, {
      what: 'every acknowledged job to complete',
      timeoutMs: LIMIT_MS,
      intervalMs: 50,
    }).catch(async (cause: Error) => {
      const some = missing().slice(0, 10);
      const states = await Promise.all(some.map(async (id) => `${id} (${await this.#state(id)})`));
      throw new Error(`${cause.message}; missing: ${states}`, { cause });
    });
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.end();
  }

  protected listen(worker: EventEmitter): void {
    worker.on('completed', (job) => this.completed.add(String(job.id)));
    worker.on('failed', (job, error) => this.failed.push(`${job?.id}: ${error.message}`));
  }

  protected nextId(kind: string): string {
    this.#number += 1;
    return `${kind}-${this.#number}`;
  }

  /** `add` adds the jobs with these ids, until it succeeds or the load is stopped. */
  protected async acknowledge(ids: readonly string[], add: () => Promise<unknown>): Promise<void> {
    try {
      await this.#until(async () => {
        await add();
        await this.settle();
      });
    } catch {
      return;
    }
    for (const id of ids) this.acknowledged.add(id);
  }

  /**
   * A server that was frozen completes a job that was reported to it before, when it goes on: no worker
   * hears of that.
   */
  async #look(id: string): Promise<void> {
    if ((await this.#state(id)) === 'completed') this.completed.add(id);
  }

  #state(id: string): Promise<string> {
    return this.stateOf(id.startsWith('limited') ? 'limited' : 'jobs', id);
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    await this.#producing;
  }

  /** Adds again until it is acknowledged: the id keeps a job from being added twice. */
  async #until<T>(add: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await add();
      } catch (error) {
        if (this.#isStopped) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async #produce(): Promise<void> {
    const kinds = [
      () => this.#one('plain', 'jobs'),
      () => this.#bulk(),
      () => this.#one('plain', 'jobs', { priority: 3 }),
      ...this.further,
      () => this.#one('plain', 'jobs', { delay: 50 }),
      () => this.#one('limited', 'limited'),
    ];
    for (let turn = 0; !this.#isStopped; turn += 1) {
      await (kinds[turn % kinds.length] as () => Promise<void>)();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #one(kind: string, queue: QueueName, options: Partial<JobOptions> = {}): Promise<void> {
    const jobId = this.nextId(kind);
    return this.acknowledge([jobId], () => this.add(queue, { jobId, ...options }));
  }

  #bulk(): Promise<void> {
    const ids = Array.from({ length: 5 }, () => this.nextId('bulk'));
    return this.acknowledge(ids, () => this.addBulk(ids.map((jobId) => ({ opts: { jobId } }))));
  }
}
