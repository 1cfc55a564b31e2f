/** Bull 4 under load while something happens to its databases. */
import BullQueue, { type Job, type Queue, type QueueOptions } from 'bull';
import { JobLoad, type JobOptions, type QueueName } from '../libraries/bullmq/job-load.js';

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

/** Queues with a repeatable job, and workers of Bull. */
export class BullLoad extends JobLoad {
  readonly #queue: Queue;
  readonly #limited: Queue;
  readonly workers: readonly Queue[];
  protected readonly further = [];

  private constructor(producer: object, another: () => object, settle: () => Promise<void>) {
    super(settle);
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
      this.listen(worker);
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

  protected add(queue: QueueName, options: JobOptions): Promise<unknown> {
    return this.#queueOf(queue).add('plain', {}, options);
  }

  protected addBulk(jobs: readonly { opts: JobOptions }[]): Promise<unknown> {
    return this.#queue.addBulk(jobs.map(({ opts }) => ({ name: 'plain', data: {}, opts })));
  }

  protected untilFinished(job: unknown): Promise<unknown> {
    return (job as Job).finished();
  }

  protected async isEmpty(): Promise<boolean> {
    const queues = [this.#queue, this.#limited];
    const counts = await Promise.all(queues.map((queue) => queue.getJobCounts()));
    return counts.every(
      ({ waiting, active, delayed }) => waiting === 0 && active === 0 && delayed <= 1,
    );
  }

  protected async stateOf(queue: QueueName, id: string): Promise<string> {
    const job = await this.#queueOf(queue).getJob(id);
    if (!job) return 'unknown to the database';
    const { failedReason: reason } = job;
    return `${await job.getState()}${reason ? `: ${reason}` : ''}`;
  }

  protected end(): Promise<unknown> {
    return Promise.all(this.#all().map((each) => each.close()));
  }

  #queueOf(queue: QueueName): Queue {
    return queue === 'limited' ? this.#limited : this.#queue;
  }

  #all(): readonly Queue[] {
    return [this.#queue, this.#limited, ...this.workers];
  }

  async #process(job: Job): Promise<unknown> {
    if (job.name === 'tick') this.scheduled += 1;
    return job.id;
  }
}
