/**
 * BullMQ under load while something happens to its databases. Knows nothing of the client: the tests of
 * each client API give it what BullMQ takes as `connection`.
 */

import type {
  ConnectionOptions,
  FlowProducer,
  Job,
  Queue,
  QueueEvents,
  QueueOptions,
  Worker,
  WorkerOptions,
} from 'bullmq';
import * as bullmq from 'bullmq';
import { waitFor } from '../../../kit/index.js';
import type { QueueLoad } from './faults.js';

/** Creates what BullMQ takes as `connection`, each time another one. */
export interface Connections {
  /** For Queue, FlowProducer and QueueEvents. */
  producer(): Promise<ConnectionOptions> | ConnectionOptions;
  /** For workers, whose scripts may be repeated: lock tokens guard them. */
  worker(): Promise<ConnectionOptions> | ConnectionOptions;
}

/** Deadlines of BullMQ that fit the timings of the tests. Jobs may stall at each of several switches. */
const WORKER = {
  lockDuration: 3000,
  stalledInterval: 1000,
  maxStalledCount: 20,
  drainDelay: 1,
} satisfies Partial<WorkerOptions>;

/** Pause between two additions, in milliseconds. */
const PAUSE_MS = 10;
const LIMIT_MS = 30_000;

/**
 * Producers that add jobs of every kind until they are stopped, and workers that run them. Every job has
 * an id of its own and is added again until BullMQ has acknowledged it.
 */
export class BullMqLoad implements QueueLoad {
  /** Ids of jobs that BullMQ has acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Ids of jobs whose completion a worker has acknowledged. */
  readonly completed = new Set<string>();
  /** Ids of jobs for which QueueEvents told of a completion. */
  readonly told = new Set<string>();
  /** Jobs that were marked failed. */
  readonly failed: string[] = [];
  /** Runs of the job scheduler. */
  scheduled = 0;
  /** Errors of BullMQ; a switch may cause some. */
  readonly errors: Error[] = [];
  readonly queue: Queue;
  readonly limited: Queue;
  readonly flows: FlowProducer;
  readonly events: QueueEvents;
  readonly workers: readonly Worker[];
  #isStopped = false;
  #producing: Promise<void> = Promise.resolve();
  #number = 0;

  private constructor(
    parts: readonly ConnectionOptions[],
    private readonly settle: () => Promise<void>,
    private readonly library: typeof bullmq,
  ) {
    const { FlowProducer, Queue, QueueEvents } = library;
    const connectionOf = (index: number) => ({ connection: parts[index] as ConnectionOptions });
    const keep: Partial<QueueOptions> = { defaultJobOptions: { attempts: 1 } };
    this.queue = new Queue('jobs', { ...connectionOf(0), ...keep });
    this.limited = new Queue('limited', { ...connectionOf(0), ...keep });
    this.flows = new FlowProducer(connectionOf(0));
    this.events = new QueueEvents('jobs', { ...connectionOf(1), blockingTimeout: 2000 });
    this.workers = [
      this.#worker('jobs', { ...connectionOf(2), concurrency: 5, name: 'first' }),
      this.#worker('jobs', { ...connectionOf(3), concurrency: 5, name: 'second' }),
      this.#worker('limited', { ...connectionOf(2), limiter: { max: 20, duration: 200 } }),
    ];
    for (const part of [this.queue, this.limited, this.flows, this.events, ...this.workers]) {
      (part as Queue).on('error', (error: Error) => this.errors.push(error));
    }
    this.events.on('completed', ({ jobId }) => this.told.add(jobId));
  }

  /**
   * `settle` resolves when what was acknowledged before it was called can't be lost any more, because it
   * was replicated, for instance; rejects if that is not known. `library` is the version of BullMQ.
   */
  static async start(
    { producer, worker }: Connections,
    settle: () => Promise<void> = async () => {},
    library: typeof bullmq = bullmq,
  ): Promise<BullMqLoad> {
    const parts = [await producer(), await producer(), await worker(), await worker()];
    const load = new BullMqLoad(parts, settle, library);
    await Promise.all(load.#all().map((each) => each.waitUntilReady()));
    await load.schedule();
    load.resume();
    return load;
  }

  /** Creates the job scheduler. A database without a copy of the queue does not have it. */
  async schedule(): Promise<void> {
    await this.queue.upsertJobScheduler('ticks', { every: 200 }, { name: 'tick' });
  }

  /** Resolves when `count` more jobs have completed. */
  async flow(count = 20): Promise<void> {
    const goal = this.completed.size + count;
    await waitFor(() => this.completed.size >= goal, { what: 'jobs to flow', timeoutMs: LIMIT_MS });
  }

  /** Lets the producers go on. */
  resume(): void {
    this.#isStopped = false;
    this.#producing = this.#produce();
  }

  /**
   * Stops the producers; resolves when nothing waits or is in progress on the active database. The next
   * run of the scheduler stays.
   */
  async emptied(): Promise<void> {
    await this.#stop();
    const queues = [this.queue, this.limited];
    const isEmpty = async () => {
      const counts = await Promise.all(queues.map((queue) => queue.getJobCounts()));
      return counts.every(({ completed: _, failed: __, delayed = 0, ...others }) => {
        return delayed <= 1 && Object.values(others).every((count) => count === 0);
      });
    };
    await waitFor(isEmpty, { what: 'the queues to be empty', timeoutMs: LIMIT_MS, intervalMs: 50 });
  }

  /** Stops the producers; resolves when every acknowledged job has completed. */
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
          .map(async (id) => `${id} (${await this.#queueOf(id).getJobState(id)})`),
      );
      throw new Error(`${cause.message}; missing: ${states}`, { cause });
    });
  }

  /**
   * A server that was frozen completes a job that was reported to it before, when it goes on: no worker
   * hears of that.
   */
  async #look(id: string): Promise<void> {
    if ((await this.#queueOf(id).getJobState(id)) === 'completed') this.completed.add(id);
  }

  #queueOf(id: string): Queue {
    return id.startsWith('limited') ? this.limited : this.queue;
  }

  /** A job that is added now completes, and `waitUntilFinished` hears of it. */
  async finishes(): Promise<void> {
    const jobId = this.#nextId('asked');
    const job = await this.#until(() => this.queue.add('plain', {}, { jobId }));
    await job.waitUntilFinished(this.events, LIMIT_MS);
    // It may have seen that in the job itself.
    await waitFor(() => this.told.has(jobId), { what: 'the event', timeoutMs: LIMIT_MS });
  }

  /** Resolves when the scheduler has made `count` more jobs. */
  async ticks(count = 2): Promise<void> {
    const goal = this.scheduled + count;
    await waitFor(() => this.scheduled >= goal, { what: 'the scheduler', timeoutMs: LIMIT_MS });
  }

  /** The names of the workers that the server knows. */
  async workerNames(): Promise<string[]> {
    const workers = await this.queue.getWorkers();
    return workers.map(({ rawname }) => String(rawname).split(':').at(-1) as string);
  }

  async close(): Promise<void> {
    await this.#stop();
    await Promise.all(this.#all().map((each) => each.close()));
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    await this.#producing;
  }

  #all() {
    return [this.queue, this.limited, this.flows, this.events, ...this.workers] as const;
  }

  #worker(name: string, options: WorkerOptions): Worker {
    const worker = new this.library.Worker(name, (job: Job) => this.#process(job), {
      ...WORKER,
      ...options,
    });
    worker.on('completed', (job) => this.completed.add(String(job.id)));
    worker.on('failed', (job, error) => this.failed.push(`${job?.id}: ${error.message}`));
    return worker;
  }

  async #process(job: Job): Promise<unknown> {
    if (job.name === 'tick') this.scheduled += 1;
    if (job.name === 'parent') return Object.values(await job.getChildrenValues());
    return job.id;
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

  /** `add` adds the jobs with these ids. */
  async #add(ids: readonly string[], add: () => Promise<unknown>): Promise<void> {
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

  async #produce(): Promise<void> {
    const kinds: readonly (() => Promise<void>)[] = [
      () => this.#plain({}),
      () => this.#bulk(),
      () => this.#plain({ priority: 3 }),
      () => this.#flow(),
      () => this.#plain({ delay: 50 }),
      () => this.#limitedJob(),
    ];
    for (let turn = 0; !this.#isStopped; turn += 1) {
      await (kinds[turn % kinds.length] as () => Promise<void>)();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #plain(options: object): Promise<void> {
    const jobId = this.#nextId('plain');
    return this.#add([jobId], () => this.queue.add('plain', {}, { jobId, ...options }));
  }

  #limitedJob(): Promise<void> {
    const jobId = this.#nextId('limited');
    return this.#add([jobId], () => this.limited.add('plain', {}, { jobId }));
  }

  #bulk(): Promise<void> {
    const ids = Array.from({ length: 5 }, () => this.#nextId('bulk'));
    const jobs = ids.map((jobId) => ({ name: 'plain', data: {}, opts: { jobId } }));
    return this.#add(ids, () => this.queue.addBulk(jobs));
  }

  #flow(): Promise<void> {
    const [parent, ...children] = ['parent', 'child', 'child'].map((kind) => this.#nextId(kind));
    const child = (jobId: string) => ({ name: 'child', queueName: 'jobs', opts: { jobId } });
    return this.#add([parent as string, ...children], () =>
      this.flows.add({
        name: 'parent',
        queueName: 'jobs',
        opts: { jobId: parent as string },
        children: children.map(child),
      }),
    );
  }
}
