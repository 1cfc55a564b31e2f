/** A walk through the features of BullMQ, to compare clients. */
import type * as bullmq from 'bullmq';
import { waitFor } from '../../../kit/index.js';

interface Closable {
  close(): Promise<unknown>;
  on(name: 'error', listener: (error: Error) => void): unknown;
}

/** One walk through the features, with what came of each. `make` creates a connected client. */
export async function walk(
  { FlowProducer, Queue, QueueEvents, Worker }: typeof bullmq,
  make: () => Promise<bullmq.ConnectionOptions>,
): Promise<Record<string, unknown>> {
  const parts: Closable[] = [];
  const errors: string[] = [];
  const part = <T extends Closable>(each: T): T => {
    each.on('error', (error) => errors.push(error.message));
    parts.push(each);
    return each;
  };
  const connection = await make();
  const queue = part(new Queue('walk', { connection }));
  const events = part(new QueueEvents('walk', { connection: await make() }));
  const flows = part(new FlowProducer({ connection }));
  const order: string[] = [];
  const run = async (job: bullmq.Job) => {
    order.push(String(job.id));
    await job.updateProgress(50);
    if (job.name === 'fails') throw new Error('as asked');
    return job.name === 'parent' ? Object.values(await job.getChildrenValues()).sort() : job.id;
  };
  const made: Record<string, unknown> = {};
  const ended = (job: bullmq.Job) =>
    job.waitUntilFinished(events, 20_000).catch((error: Error) => error.message);
  try {
    await events.waitUntilReady();
    made.progress = new Promise((resolve) => events.once('progress', ({ data }) => resolve(data)));
    await queue.pause();
    const low = await queue.add('plain', {}, { jobId: 'low', priority: 10 });
    const high = await queue.add('plain', {}, { jobId: 'high', priority: 1 });
    const first = await queue.add('plain', { a: 1 }, { jobId: 'first' });
    const again = await queue.add('plain', { a: 2 }, { jobId: 'first' });
    made.again = [again.id, (await queue.getJob('first'))?.data];
    const bulk = await queue.addBulk(
      ['b1', 'b2'].map((jobId) => ({ name: 'plain', data: {}, opts: { jobId } })),
    );
    made.counts = await queue.getJobCounts();
    made.waiting = (await queue.getJobs(['prioritized', 'wait'])).map(({ id }) => id).sort();
    const worker = part(new Worker('walk', run, { connection: await make(), name: 'walker' }));
    await worker.waitUntilReady();
    await queue.resume();
    made.results = await Promise.all([low, high, first, ...bulk].map(ended));
    made.order = [...order];
    made.failing = await ended(await queue.add('fails', {}, { jobId: 'failing' }));
    made.failed = (await queue.getFailed()).map(({ id, failedReason }) => [id, failedReason]);
    await queue.retryJobs({ state: 'failed' });
    await waitFor(async () => (await queue.getFailedCount()) === 1, { what: 'the second failure' });

    const { job } = await flows.add({
      name: 'parent',
      queueName: 'walk',
      opts: { jobId: 'parent' },
      children: ['c1', 'c2'].map((jobId) => ({
        name: 'child',
        queueName: 'walk',
        opts: { jobId },
      })),
    });
    made.flow = await ended(job);
    const tree = await flows.getFlow({ id: 'parent', queueName: 'walk' });
    made.tree = tree.children?.map((child) => child.job.id).sort();

    const delayed = await queue.add('plain', {}, { jobId: 'later', delay: 100 });
    made.delayed = await ended(delayed);
    let ticks = 0;
    worker.on('completed', ({ name }) => {
      if (name === 'tick') ticks += 1;
    });
    await queue.upsertJobScheduler('ticks', { every: 100 }, { name: 'tick' });
    await waitFor(() => ticks >= 3, { what: 'the scheduler', timeoutMs: 20_000 });
    made.schedulers = (await queue.getJobSchedulers()).map(({ key, every }) => [key, every]);
    made.unscheduled = await queue.removeJobScheduler('ticks');
    made.workers = (await queue.getWorkers()).map(({ rawname }) => rawname);
    await worker.pause();
    made.rate = await queue.rateLimit(60_000);
    made.limited = (await queue.getRateLimitTtl()) > 0;
    await queue.removeRateLimitKey();
    worker.resume();
    made.resumed = await ended(await queue.add('plain', {}, { jobId: 'resumed' }));
    made.cleaned = (await queue.clean(0, 100, 'failed')).length;
    await queue.setGlobalConcurrency(2);
    made.concurrency = await queue.getGlobalConcurrency();
    await queue.pause();
    await worker.close();
    await queue.obliterate({ force: true });
    made.left = await queue.getJobCounts();
    made.progress = await made.progress;
  } finally {
    // Ends in the middle of blocking commands.
    await Promise.all(parts.map((each) => each.close()));
  }
  return { ...made, errors };
}
