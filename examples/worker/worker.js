// Takes jobs from the list `jobs`, one after another, and survives the failure of a database.
//
// A job is moved to a list of this worker's own before it is done and removed from there afterwards,
// so that none is lost when the process dies: it is done again by the next one of the same name. So a
// job may be done twice, and must be written for that.

import { createServer } from 'node:http';
import { isMultiDbError } from 'redis-multidb';
import { createHttpHandler } from 'redis-multidb/http';
import { redis } from './redis.js';

const { PORT = '3000', HOST = '127.0.0.1', WORKER = 'worker-1' } = process.env;
const JOBS = 'jobs';
const MINE = `${JOBS}:${WORKER}`;

/** @param {string} job */
async function perform(job) {
  await redis.rPush('done', job);
  console.log(`done: ${job}`);
}

/** What was begun and not finished, in this database, waits at the front of the queue again. */
async function recover() {
  while ((await redis.lMove(MINE, JOBS, 'RIGHT', 'LEFT')) !== null);
}

let isStopping = false;
let isRecovered = false;
// Another database may hold jobs that were begun before.
redis.on('switch', () => {
  isRecovered = false;
});

async function work() {
  // Whatever waits behind a blocking command waits with it: it gets connections of its own.
  const blocking = await redis.duplicate().connect();
  while (!isStopping) {
    try {
      if (!isRecovered) {
        isRecovered = true;
        await recover();
      }
      // A short block time, so that a shutdown is not held up.
      const job = await blocking.blMove(JOBS, MINE, 'LEFT', 'RIGHT', 1);
      if (job === null) continue;
      await perform(job);
      await redis.lRem(MINE, 1, job);
    } catch (error) {
      if (!isMultiDbError(error)) console.error(error);
      // What was under way is in the list of this worker, or still in the queue.
      isRecovered = false;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await blocking.close();
}

await redis.connect();
const ops = createHttpHandler(redis); // probes and the status page
const server = createServer(ops).listen(Number(PORT), HOST, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  console.log(`working, status on http://${HOST}:${port}`);
});
const finished = work();

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    isStopping = true;
    ops.close();
    await finished; // the job under way is finished
    server.close();
    await redis.close();
  });
}
