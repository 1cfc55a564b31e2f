/** Bull 4 under load while something happens to its databases. */
import BullQueue, { type Job, type JobOptions, type Queue, type QueueOptions } from 'bull';
import { waitFor } from '../../kit/index.js';
import type { QueueLoad } from '../libraries/bullmq/faults.js';

/** What Bull takes as a client: it has the types of its own copy of ioredis 5. */
type BullClient = ReturnType<NonNullable<QueueOptions['createClient']>>;

const SETTINGS = {
  lockDuration: 3000,
  stalledInterval: 1000,
  maxStalledCount: 20,
  guardInterval: 500,
  retryProcessDelay: 100,
  drainDelay: 1,
} as const;

/** Pause between two additions, in milliseconds. */
const PAUSE_MS = 10;
const LIMIT_MS = 30_000;

/**
 * Producers that add jobs of every kind until they are stopped, and two workers that run them. Every job
 * has an id of its own and is added again until Bull has acknowledged it.
 */
export class BullLoad implements QueueLoad {
  readonly acknowledged = new Set<string>();
  readonly completed = new Set<string>();
  /** Ids of jobs of whose completion the producer has heard. */
  readonly told = new Set<string>();
  readonly failed: string[] = [];
  scheduled = 0;
  readonly #queue: Queue;
  readonly #limited: Queue;
  readonly workers: readonly Queue[];
  #isStopped = false;
  #producing: Promise<void> = Promise.resolve();
  #number = 0;

  private constructor(
    producer: object,
    another: () => object,
    private readonly settle: () => Promise<void>,
  ) {
    const create = (name: string, more: QueueOptions = {}) =>
      new BullQueue(name, {
        createClient: () => another() as BullClient,
        settings: SETTINGS,
        // BullMQ has the same one.
        prefix: 'classic',
        ...more,
      });
    const createClient = (type: string) => (type === 'client' ? producer : another()) as BullClient;
    this.#queue = create('jobs', { createClient });
    this.#limited = create('limited', { createClient });
    this.workers = [
      create('jobs'),
      create('jobs'),
      create('limited', { limiter: { max: 20, duration: 200 } }),
    ];
    this.#queue.on('global:completed', (id) => this.told.add(String(id)));
    for (const worker of this.workers) {
      worker.on('completed', (job) => this.completed.add(String(job.id)));
      worker.on('failed', (job, error) => this.failed.push(`${job.id}: ${error.message}`));
      // Rejects when the worker is closed during an outage.
      worker.process('*', 5, (job) => this.#process(job)).catch(() => {});
    }
  }

  /** Jobs are added with `producer`; `another` creates a client each time. The load closes none. */
  static async start(
    producer: object,
    another: () => object,
    settle: () => Promise<void> = async () => {},
  ): Promise<BullLoad> {
    const load = new BullLoad(producer, another, settle);
    await Promise.all(load.#all().map((each) => each.isReady()));
    await load.schedule();
    load.resume();
    return load;
  }

  async schedule(): Promise<void> {
    await this.#queue.add('tick', {}, { repeat: { every: 200 } });
  }

  async flow(count = 20): Promise<void> {
    const goal = this.completed.size + count;
    await waitFor(() => this.completed.size >= goal, { what: 'jobs to flow', timeoutMs: LIMIT_MS });
  }

  resume(): void {
    this.#isStopped = false;
    this.#producing = this.#produce();
  }

  async emptied(): Promise<void> {
    await this.#stop();
    const isEmpty = async () => {
      const counts = await Promise.all(
        [this.#queue, this.#limited].map((queue) => queue.getJobCounts()),
      );
      // The next run of the scheduler stays.
      return counts.every(
        ({ waiting, active, delayed }) => waiting === 0 && active === 0 && delayed <= 1,
      );
    };
    await waitFor(isEmpty, { what: 'the queues to be empty', timeoutMs: LIMIT_MS, intervalMs: 50 });
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
      const states = await Promise.all(
        missing()
          .slice(0, 10)
          .map((id) => this.#stateOf(id)),
      );
      throw new Error(`${cause.message}; missing: ${states}`, { cause });
    });
  }

  async finishes(): Promise<void> {
    const jobId = this.#nextId('asked');
    const job = await this.#until(() => this.#queue.add('plain', {}, { jobId }));
    await job.finished();
    await waitFor(() => this.told.has(jobId), { what: 'the event', timeoutMs: LIMIT_MS });
  }

  async ticks(count = 2): Promise<void> {
    const goal = this.scheduled + count;
    await waitFor(() => this.scheduled >= goal, { what: 'the scheduler', timeoutMs: LIMIT_MS });
  }

  async close(): Promise<void> {
    await this.#stop();
    await Promise.all(this.#all().map((each) => each.close()));
  }

  async #stateOf(id: string): Promise<string> {
    const job = await this.#queueOf(id).getJob(id);
    if (!job) return `${id} (unknown to the database)`;
    const { failedReason: reason } = job;
    return `${id} (${await job.getState()}${reason ? `: ${reason}` : ''})`;
  }

  #queueOf(id: string): Queue {
    return id.startsWith('limited') ? this.#limited : this.#queue;
  }

  /** A server that was frozen completes a job when it goes on: no worker hears of that. */
  async #look(id: string): Promise<void> {
    const job = await this.#queueOf(id).getJob(id);
    if (await job?.isCompleted()) this.completed.add(id);
  }

  #all(): readonly Queue[] {
    return [this.#queue, this.#limited, ...this.workers];
  }

  async #process(job: Job): Promise<unknown> {
    if (job.name === 'tick') this.scheduled += 1;
    return job.id;
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    await this.#producing;
  }

  #nextId(kind: string): string {
    this.#number += 1;
    return `${kind}-${this.#number}`;
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
    const kinds: readonly (() => Promise<void>)[] = [
      () => this.#add('plain', {}),
      () => this.#bulk(),
      () => this.#add('plain', { priority: 3 }),
      () => this.#add('plain', { delay: 50 }),
      () => this.#add('limited', {}),
    ];
    for (let turn = 0; !this.#isStopped; turn += 1) {
      await (kinds[turn % kinds.length] as () => Promise<void>)();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #add(kind: 'plain' | 'limited', options: JobOptions): Promise<void> {
    const jobId = this.#nextId(kind);
    const queue = kind === 'limited' ? this.#limited : this.#queue;
    return this.#acknowledge([jobId], () => queue.add('plain', {}, { jobId, ...options }));
  }

  #bulk(): Promise<void> {
    const ids = Array.from({ length: 5 }, () => this.#nextId('bulk'));
    const jobs = ids.map((jobId) => ({ name: 'plain', data: {}, opts: { jobId } }));
    return this.#acknowledge(ids, () => this.#queue.addBulk(jobs));
  }

  async #acknowledge(ids: readonly string[], add: () => Promise<unknown>): Promise<void> {
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
}
