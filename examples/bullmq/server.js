// Adds jobs to a BullMQ queue over HTTP, and processes them in the same process.

import { createServer } from 'node:http';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1' } = process.env;

await redis.connect();

/**
 * What BullMQ takes; spares the compiler the comparison of two very large types.
 * @param {unknown} client
 */
const over = (client) => /** @type {import('bullmq').ConnectionOptions} */ (client);

const queue = new Queue('emails', { connection: over(redis) });
const events = new QueueEvents('emails', { connection: over(redis.duplicate()) });
const worker = new Worker('emails', async (job) => `sent to ${job.data.to}`, {
  // A worker's script that is cut off by a switch is repeated: lock tokens guard it.
  // While no database serves, the worker waits, and goes on as soon as one does.
  connection: over(redis.withRetrySafety('accumulating').withOutage('wait')),
  // Longer than commandDeadlineMs (10 seconds), so that a job keeps its lock during a switch.
  lockDuration: 30_000,
  // A job may stall at each switch. With the default of 1 the second time would fail it.
  maxStalledCount: 10,
});

// Without a listener an `error` event ends the process.
/** @param {Error} error */
const report = (error) => console.error('bullmq:', error.message);
queue.on('error', report);
events.on('error', report);
worker.on('error', report);
worker.on('completed', (job) => console.log(`completed: ${job.id}`));
worker.on('failed', (job, error) => console.error(`failed: ${job?.id}: ${error.message}`));

/** An independent database has no copy of the scheduler. */
const schedule = () =>
  queue.upsertJobScheduler('digest', { every: 60_000 }, { data: { to: 'all' } });
await schedule();
redis.on('failover', () => schedule().catch((error) => console.error('scheduler:', error.message)));

/**
 * Adds a job, and again after an error: with an id of its own a job is added only once.
 * @param {string} jobId
 * @param {string} to
 */
async function add(jobId, to) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await queue.add('email', { to }, { jobId });
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

// PUT /emails/some-id?to=ada adds a job and answers with its result.
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const jobId = /^\/emails\/([\w-]+)$/.exec(pathname)?.[1];
  if (request.method !== 'PUT' || jobId === undefined) {
    response.writeHead(404).end();
    return;
  }
  try {
    const job = await add(jobId, searchParams.get('to') ?? 'nobody');
    response.end(String(await job.waitUntilFinished(events, 20_000)));
  } catch (error) {
    response.writeHead(503).end(error instanceof Error ? error.message : String(error));
  }
}).listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`listening on http://${HOST}:${port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    server.close();
    await worker.close(); // waits for the jobs in progress
    await Promise.all([queue.close(), events.close()]);
    await redis.close();
  });
}
