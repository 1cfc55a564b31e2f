/**
 * BullMQ under load while something happens to its databases. Knows nothing of the client: the tests of
 * each client API give it what BullMQ takes as `connection`.
 */

import type { EventEmitter } from 'node:events';
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
import { JobLoad, type JobOptions, LIMIT_MS, type QueueName } from './job-load.js';

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

/** Queues with a scheduler, flows of jobs, events and workers of BullMQ. */
export class BullMqLoad extends JobLoad {
  /** Errors of BullMQ; a switch may cause some. */
  readonly errors: Error[] = [];
  readonly queue: Queue;
  readonly limited: Queue;
  readonly flows: FlowProducer;
  readonly events: QueueEvents;
  readonly workers: readonly Worker[];
  protected readonly further = [() => this.#flow()];

  private constructor(
    parts: readonly ConnectionOptions[],
    settle: () => Promise<void>,
    private readonly library: typeof bullmq,
  ) {
    super(settle);
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

  /** `settle` as in `JobLoad`; `library` is the version of BullMQ. */
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

  /** The names of the workers that the server knows. */
  async workerNames(): Promise<string[]> {
    const workers = await this.queue.getWorkers();
    return workers.map(({ rawname }) => String(rawname).split(':').at(-1) as string);
  }

  protected add(queue: QueueName, options: JobOptions): Promise<unknown> {
    return this.#queueOf(queue).add('plain', {}, options);
  }

  protected addBulk(jobs: readonly { opts: JobOptions }[]): Promise<unknown> {
    return this.queue.addBulk(jobs.map(({ opts }) => ({ name: 'plain', data: {}, opts })));
  }

  protected untilFinished(job: unknown): Promise<unknown> {
    return (job as Job).waitUntilFinished(this.events, LIMIT_MS);
  }

  protected async isEmpty(): Promise<boolean> {
    const queues = [this.queue, this.limited];
    const counts = await Promise.all(queues.map((queue) => queue.getJobCounts()));
    return counts.every(({ completed: _, failed: __, delayed = 0, ...others }) => {
      return delayed <= 1 && Object.values(others).every((count) => count === 0);
    });
  }

  protected stateOf(queue: QueueName, id: string): Promise<string> {
    return this.#queueOf(queue).getJobState(id);
  }

  protected end(): Promise<unknown> {
    return Promise.all(this.#all().map((each) => each.close()));
  }

  #queueOf(queue: QueueName): Queue {
    return queue === 'limited' ? this.limited : this.queue;
  }

  #all() {
    return [this.queue, this.limited, this.flows, this.events, ...this.workers] as const;
  }

  #worker(name: string, options: WorkerOptions): Worker {
    const worker = new this.library.Worker(name, (job: Job) => this.#process(job), {
      ...WORKER,
      ...options,
    });
    this.listen(worker as unknown as EventEmitter);
    return worker;
  }

  async #process(job: Job): Promise<unknown> {
    if (job.name === 'tick') this.scheduled += 1;
    if (job.name === 'parent') return Object.values(await job.getChildrenValues());
    return job.id;
  }

  #flow(): Promise<void> {
    const [parent, ...children] = ['parent', 'child', 'child'].map((kind) => this.nextId(kind));
    const child = (jobId: string) => ({ name: 'child', queueName: 'jobs', opts: { jobId } });
    return this.acknowledge([parent as string, ...children], () =>
      this.flows.add({
        name: 'parent',
        queueName: 'jobs',
        opts: { jobId: parent as string },
        children: children.map(child),
      }),
    );
  }
}
